//! Any bytes as a multipart envelope.

use http::StatusCode;
use tower_multistatus::{BatchLayer, ChangeSets, ItemHeaders, Multipart};

use crate::exchange::{exchange, post};
use crate::input::Input;
use crate::items::items;
use crate::oracle::{assert_at_most_once, assert_each_once, assert_refused};

const CONTENT_TYPE: &[u8] = b"multipart/mixed; boundary=b";

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let format = Multipart::new()
        .sequential(input.dice.flag())
        .flatten_change_sets(input.dice.flag())
        .wrap_failed_change_sets(input.dice.flag())
        .streamed_requests(input.dice.flag());
    let has_change_sets = input.dice.flag();
    let change_sets = match has_change_sets {
        true => ChangeSets::best_effort(),
        false => ChangeSets::refuse(),
    };
    let layer = BatchLayer::new("/batch")
        .format(format)
        .change_sets(change_sets)
        .item_headers(ItemHeaders::all_but_protected())
        .encode_urls(input.dice.flag())
        .references(input.dice.flag())
        .concurrency(1 + input.dice.below(8));
    let content_type = input.text.unwrap_or(CONTENT_TYPE);
    let headers = [("content-type", content_type)];
    let exchange = exchange(layer, post("/batch", &headers, input.chunks()));
    if exchange.status != StatusCode::MULTI_STATUS {
        return assert_refused(&exchange);
    }
    let items = items(&exchange);
    match has_change_sets {
        true => assert_at_most_once(&exchange, &items),
        false => assert_each_once(&exchange, &items),
    }
}
