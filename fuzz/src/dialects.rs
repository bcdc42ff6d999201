//! Any bytes as a batch of Microsoft Graph, OData or Google.

use tower_multistatus::{BatchLayer, ChangeSets};

use crate::exchange::exchange;
use crate::input::Input;
use crate::model::exchange::post;
use crate::model::read::responses;
use crate::oracle::{assert_at_most_once, assert_each_once, assert_refused};

const CONTENT_TYPES: [&[u8]; 2] = [b"application/json", b"multipart/mixed; boundary=b"];

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let dialect = input.dice.below(3);
    let layer = match dialect {
        0 => BatchLayer::graph("/v1/$batch"),
        1 => BatchLayer::odata("/v1/$batch"),
        _ => BatchLayer::google("/v1/$batch"),
    };
    let has_change_sets = input.dice.one_in(2);
    let stops = input.dice.one_in(2);
    let layer = match has_change_sets {
        true => layer.change_sets(ChangeSets::best_effort()),
        false => layer,
    };
    let content_type = input.text.unwrap_or(CONTENT_TYPES[input.dice.below(2)]);
    let version: &[u8] = input.dice.pick(&[b"4.0", b"4.01"]);
    let headers = [
        ("content-type", content_type),
        ("odata-version", version),
        (
            "prefer",
            if stops {
                b"continue-on-error=false"
            } else {
                b""
            },
        ),
    ];
    let exchange = exchange(layer, post("/v1/$batch", &headers, input.chunks()));
    if !exchange.0.status.is_success() {
        return assert_refused(&exchange);
    }
    let items = responses(&exchange.0);
    // Multipart leaves out what has not run, and has one response for a change set that has failed.
    match has_change_sets || dialect == 1 {
        true => assert_at_most_once(&exchange, &items),
        false => assert_each_once(&exchange, &items),
    }
}
