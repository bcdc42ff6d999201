//! An envelope in any chunks has the outcome of the same envelope in one chunk.

use bytes::Bytes;
use tower_multistatus::{BatchLayer, ChangeSets, MultiStatus, Multipart, Order};

use crate::exchange::exchange;
use crate::input::Input;
use crate::model::exchange::{Exchange, post};
use crate::model::parts::{self, Part};

const CONTENT_TYPES: [&[u8]; 4] = [
    b"application/json",
    b"application/x-ndjson",
    b"multipart/mixed; boundary=b",
    b"multipart/mixed; boundary=\"a b\"",
];

const ACCEPT: [&[u8]; 5] = [
    b"",
    b"application/json",
    b"application/x-ndjson",
    b"multipart/mixed",
    b"application/xml",
];

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let content_type = CONTENT_TYPES[input.dice.below(CONTENT_TYPES.len())];
    let content_type = input.text.unwrap_or(content_type);
    let accept = ACCEPT[input.dice.below(ACCEPT.len())];
    let streamed = input.dice.one_in(2);
    let outcome = |chunks: Vec<Bytes>| {
        // A stream that arrives more slowly may have another order of completion.
        let layer = BatchLayer::new("/batch")
            .format(Multipart::new().streamed_requests(streamed))
            .format(MultiStatus::new())
            .change_sets(ChangeSets::best_effort())
            .order(Order::Request)
            .concurrency(1);
        let layer = if streamed {
            layer.streamed(true)
        } else {
            layer
        };
        let headers = [("content-type", content_type), ("accept", accept)];
        let (exchange, calls) = exchange(layer, post("/batch", &headers, chunks));
        let calls = calls.into_iter().map(|call| (call.id, call.uri));
        let calls: Vec<_> = calls.collect();
        (exchange.status, comparable(&exchange), calls)
    };
    let whole = outcome(vec![Bytes::copy_from_slice(input.rest)]);
    let bytes = (input.rest.len() < 1000).then(|| {
        let bytes = input.rest.chunks(1);
        outcome(bytes.map(Bytes::copy_from_slice).collect())
    });
    assert_eq!(outcome(input.chunks()), whole);
    assert!(bytes.is_none_or(|outcome| outcome == whole));
}

/// The response, without the boundaries, which are random.
#[derive(Debug, PartialEq)]
enum Comparable {
    Parts(Vec<Part>),
    Bytes(Bytes),
}

fn comparable(exchange: &Exchange) -> Comparable {
    match exchange.header("content-type") {
        Some(value) if value.starts_with("multipart/") => {
            Comparable::Parts(parts::parse(value, &exchange.body))
        }
        _ => Comparable::Bytes(exchange.body.clone()),
    }
}
