//! Batches inside batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use gateway::upstream::Upstream;
use gateway::{Settings, batch, gateway};
use serde_json::{Value, json};

use crate::support::{ANY_PORT, Fleet, Server};

/// A batch of one GET, as an item for this path.
fn nested(path: &str) -> Value {
    let inner = json!({ "requests": [{ "id": "i", "method": "GET", "url": "/quick/inner" }] });
    json!([{ "id": "o", "method": "POST", "url": path, "body": inner,
        "headers": { "content-type": "application/json" } }])
}

/// A second gateway as the upstream, with its batch endpoint at this path. Counts its requests.
fn second_gateway(fleet: &Fleet, path: &'static str) -> (Upstream, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let count = from_fn(move |request: Request, next: Next| {
        counter.fetch_add(1, Ordering::SeqCst);
        next.run(request)
    });
    let second = gateway(&fleet.authorities(), batch(path), Settings::default());
    let second = Router::new().fallback_service(second).layer(count);
    (Upstream::start(ANY_PORT, second).unwrap(), requests)
}

#[tokio::test]
async fn an_item_that_would_be_a_batch_at_the_upstream_too_does_not_leave() {
    let fleet = Fleet::start(1);
    let (second, requests) = second_gateway(&fleet, "/batch");
    let first = Server::of(&[second.authority()], batch("/batch"), Settings::default());
    assert_eq!(first.batch_with(&[], nested("/batch")).await, [508]);
    assert_eq!(requests.load(Ordering::SeqCst), 0);
    // Other items and ordinary requests pass through both.
    let item = json!([{ "id": "a", "method": "GET", "url": "/quick/a" }]);
    assert_eq!(first.batch_with(&[], item).await, [200]);
    assert_eq!(first.status("GET", "/quick/a").await, 200);
    assert_eq!(fleet.records[0].served(), 2);
}

#[tokio::test]
async fn a_filter_refuses_items_for_a_batch_endpoint_at_another_path() {
    let fleet = Fleet::start(1);
    let (second, requests) = second_gateway(&fleet, "/bulk");
    let upstreams = [second.authority()];
    let open = Server::of(&upstreams, batch("/batch"), Settings::default());
    assert_eq!(open.batch_with(&[], nested("/bulk")).await, [207]);
    assert_eq!(requests.load(Ordering::SeqCst), 1);

    let filtered = batch("/batch").filter(|item| match item.uri.path() {
        "/bulk" => Err(StatusCode::LOOP_DETECTED),
        _ => Ok(()),
    });
    let filtered = Server::of(&upstreams, filtered, Settings::default());
    assert_eq!(filtered.batch_with(&[], nested("/bulk")).await, [508]);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}
