//! What holds for every batch.

use std::collections::HashSet;

use serde_json::Value;

use crate::exchange::{Call, echo};
use crate::model::exchange::Exchange;
use crate::model::read::Response;

/// Asserts that nothing was dispatched, and that the response is a problem document.
pub(crate) fn assert_refused((exchange, calls): &(Exchange, Vec<Call>)) {
    let status = exchange.status.as_u16();
    assert_eq!(exchange.media_type(), "application/problem+json");
    let document: Value = serde_json::from_slice(&exchange.body).expect("JSON");
    assert_eq!(document["status"], status);
    assert!(document["code"].is_string() && document["title"].is_string());
    assert_not_run(exchange, calls);
}

/// Asserts that nothing was dispatched, and that the response is an error that nobody caches.
pub(crate) fn assert_not_run(exchange: &Exchange, calls: &[Call]) {
    assert!(exchange.status.is_client_error() || exchange.status.is_server_error());
    assert_eq!(exchange.header("cache-control"), Some("no-store"));
    assert_eq!(calls.len(), 0, "a refused batch has run");
}

/// Asserts that no item was dispatched twice, that each that was has its own response, and that
/// the others have failed. The items are in the order of the request.
pub(crate) fn assert_each_once((exchange, calls): &(Exchange, Vec<Call>), items: &[Response]) {
    assert_outer(exchange);
    let mut indices = HashSet::new();
    for call in calls {
        assert!(indices.insert(call.index), "dispatched twice");
        assert!(call.total.is_none_or(|total| total == items.len()));
        let item = &items[call.index];
        assert_eq!(item.status, 200);
        assert!(is_echo(item, call), "the response of another item");
    }
    let mut ids = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(id) = &item.id {
            assert!(ids.insert(id), "an id occurs twice");
        }
        if !indices.contains(&index) {
            assert_failed_in_the_layer(item);
        }
    }
}

/// Asserts what holds for the items of change sets as well, which may have one response together:
/// no response is that of an item that was not dispatched, and none is there twice.
pub(crate) fn assert_at_most_once((exchange, calls): &(Exchange, Vec<Call>), items: &[Response]) {
    assert_outer(exchange);
    let mut indices = HashSet::new();
    assert!(calls.iter().all(|call| indices.insert(call.index)));
    for item in items {
        match item.json()["index"].as_u64() {
            Some(index) => assert!(indices.remove(&(index as usize)), "no such item has run"),
            // A response to HEAD has no body.
            None => assert!(item.status >= 400 || has_no_body(item)),
        }
    }
}

/// Whether the body is that of the inner service's response to this call.
fn is_echo(item: &Response, call: &Call) -> bool {
    match has_no_body(item) {
        true => call.is_head,
        false => item.body.as_deref() == Some(echo(call.index).as_bytes()),
    }
}

/// Whether there is no body, which is `null` in JSON.
fn has_no_body(item: &Response) -> bool {
    matches!(item.body.as_deref(), None | Some(b"null"))
}

fn assert_outer(exchange: &Exchange) {
    assert!(exchange.status.is_success());
    assert_eq!(exchange.header("cache-control"), Some("no-store"));
    assert_eq!(exchange.header("x-content-type-options"), Some("nosniff"));
}

fn assert_failed_in_the_layer(item: &Response) {
    assert!(item.status >= 400, "a success of an item that has not run");
    // An item with the method HEAD has no body.
    if has_no_body(item) {
        return;
    }
    let document = item.json();
    let code = [&document["code"], &document["error"]["code"]];
    assert!(code.iter().any(|code| code.is_string()), "{document}");
}
