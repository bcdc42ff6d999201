//! Any bytes as a multipart envelope.

use http::StatusCode;
use tower_multistatus::{BatchLayer, ChangeSets, ItemHeaders, Multipart};

use crate::exchange::exchange;
use crate::input::Input;
use crate::model::exchange::post;
use crate::model::read::responses;
use crate::oracle::{assert_at_most_once, assert_each_once, assert_refused};

const CONTENT_TYPE: &[u8] = b"multipart/mixed; boundary=b";

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let format = Multipart::new()
        .sequential(input.dice.one_in(2))
        .flatten_change_sets(input.dice.one_in(2))
        .wrap_failed_change_sets(input.dice.one_in(2))
        .streamed_requests(input.dice.one_in(2));
    let has_change_sets = input.dice.one_in(2);
    let change_sets = match has_change_sets {
        true => ChangeSets::best_effort(),
        false => ChangeSets::refuse(),
    };
    let layer = BatchLayer::new("/batch")
        .format(format)
        .change_sets(change_sets)
        .item_headers(ItemHeaders::all_but_protected())
        .encode_urls(input.dice.one_in(2))
        .references(input.dice.one_in(2))
        .concurrency(1 + input.dice.below(8));
    let content_type = input.text.unwrap_or(CONTENT_TYPE);
    let headers = [("content-type", content_type)];
    let exchange = exchange(layer, post("/batch", &headers, input.chunks()));
    if exchange.0.status != StatusCode::MULTI_STATUS {
        return assert_refused(&exchange);
    }
    let items = responses(&exchange.0);
    match has_change_sets {
        true => assert_at_most_once(&exchange, &items),
        false => assert_each_once(&exchange, &items),
    }
}
