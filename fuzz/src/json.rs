//! Any bytes as a JSON envelope. `serde_json` decides whether they are accepted.

use tower_multistatus::{BatchLayer, MultiStatus, Multipart};

use crate::exchange::exchange;
use crate::input::Input;
use crate::json_reference::reference;
use crate::model::exchange::post;
use crate::model::read::responses;
use crate::oracle::{assert_each_once, assert_refused};

const ACCEPT: [&str; 4] = [
    "*/*",
    "application/x-ndjson",
    "multipart/mixed",
    "application/xml",
];

const MAX_ITEMS: usize = 100;

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let accept = input.dice.pick(&ACCEPT);
    let layer = BatchLayer::new("/batch")
        .format(Multipart::new())
        .format(MultiStatus::new())
        .streamed(input.dice.one_in(2))
        .concurrency(1 + input.dice.below(64));
    let headers = [
        ("content-type", &b"application/json"[..]),
        ("accept", accept.as_bytes()),
    ];
    let exchange = exchange(layer, post("/batch", &headers, input.chunks()));
    let ids = reference(input.rest);
    let Some(ids) = ids.filter(|ids| ids.len() <= MAX_ITEMS) else {
        return assert_refused(&exchange);
    };
    let mut items = responses(&exchange.0);
    assert_eq!(items.len(), ids.len());
    if accept != "multipart/mixed" {
        items.sort_by_key(|item| ids.iter().position(|id| Some(id) == item.id.as_ref()));
        assert!(
            items
                .iter()
                .zip(&ids)
                .all(|(item, id)| item.id.as_ref() == Some(id))
        );
    }
    assert_each_once(&exchange, &items);
    assert!(exchange.1.iter().all(|call| call.id == ids[call.index]));
}
