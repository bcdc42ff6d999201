//! The header `Server-Timing`.

use axum::Router;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use super::api;
use crate::probe::Probe;
use crate::streams::{Lines, get, get_after};
use crate::support::{batch, gets, requests, responding, send};
use crate::transactions::{Fault, Store, member, service};

fn layer() -> BatchLayer {
    BatchLayer::new("/batch").server_timing(true)
}

/// Asserts that each of these items has the header.
fn assert_timed(items: &[Value]) {
    for item in items {
        assert!(timing(item).starts_with("deps;dur="), "{item}");
    }
}

/// The header of an item.
fn timing(item: &Value) -> &str {
    let timing = item["headers"]["Server-Timing"].as_str();
    timing.unwrap_or_else(|| panic!("no timing: {item}"))
}

#[tokio::test(start_paused = true)]
async fn each_item_and_the_whole_have_their_times() {
    let items = json!([
        { "id": "a", "method": "GET", "url": "/sleep" },
        { "id": "queued", "method": "GET", "url": "/fail" },
        { "id": "lost", "method": "GET", "url": "/", "dependsOn": ["queued"] },
        { "id": "bad", "method": "GET", "url": "//x" },
        { "id": "hangs", "method": "GET", "url": "/hang" },
        { "id": "after", "method": "HEAD", "url": "/sleep", "dependsOn": ["a"] },
    ]);
    let reply = batch(layer().concurrency(1), api(), items).await;
    let timings: Vec<_> = reply
        .items()
        .iter()
        .map(|item| timing(item).to_owned())
        .collect();
    assert_eq!(
        timings,
        [
            "deps;dur=0.000, queued;dur=0.000, run;dur=10.000",
            "deps;dur=0.000, queued;dur=10.000, run;dur=0.000",
            "deps;dur=10.000, queued;dur=0.000, run;dur=0.000",
            "deps;dur=0.000, queued;dur=10.000, run;dur=0.000",
            "deps;dur=0.000, queued;dur=10.000, run;dur=10000.000",
            "deps;dur=10.000, queued;dur=10000.000, run;dur=10.000",
        ]
    );
    let whole = reply.header("server-timing");
    assert_eq!(whole, Some("read;dur=0.000, run;dur=10020.000"));
}

#[tokio::test]
async fn without_the_setting_there_are_no_times() {
    let reply = batch(BatchLayer::new("/batch"), api(), gets(&["/", "//"])).await;
    assert_eq!(reply.header("server-timing"), None);
    let items = reply.items();
    assert!(
        items
            .iter()
            .all(|item| item["headers"]["Server-Timing"].is_null())
    );
    let (status, body) = (reply.status, reply.body);
    // Callbacks need times, but no client sees them.
    let observed = BatchLayer::new("/batch")
        .on_response(|_| ())
        .on_batch(|_| ());
    let reply = batch(observed, api(), gets(&["/", "//"])).await;
    assert_eq!((reply.status, reply.body), (status, body));
    assert_eq!(reply.headers.get("server-timing"), None);
}

#[tokio::test(start_paused = true)]
async fn times_of_the_inner_service_stay() {
    let inner = responding(200, &[("server-timing", "db;dur=5")], "");
    let reply = batch(layer(), inner, gets(&["/"])).await;
    let expected = "db;dur=5, deps;dur=0.000, queued;dur=0.000, run;dur=0.000";
    assert_eq!(timing(&reply.item("0")), expected);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_replaced_has_its_times() {
    let (_, probe) = Probe::new();
    let probing = layer()
        .max_total_response_bytes(1500)
        .concurrency(1)
        .layer(probe);
    let reply = send(probing, requests(gets(&["/big/400", "/big/1400", "/ok"]))).await;
    assert_eq!(reply.statuses(), [200, 507, 507]);
    assert_timed(&reply.items());

    let store = Store::with(&[Fault::CommitFails]);
    let items = json!([member("g", "/slow/a"), member("g", "/add/b")]);
    let reply = send(
        store.layer().server_timing(true).layer(service(&store)),
        requests(items),
    )
    .await;
    assert_eq!(reply.statuses(), [500, 500]);
    let expected = "deps;dur=0.000, queued;dur=0.000, run;dur=100.000";
    assert_eq!(timing(&reply.items()[0]), expected);

    let store = Store::default();
    let items = json!([member("g", "/slow/a"), member("g", "/fail/b")]);
    let reply = send(
        store.layer().server_timing(true).layer(service(&store)),
        requests(items),
    )
    .await;
    assert_eq!(reply.statuses(), [424, 409]);
    assert_timed(&reply.items());
}

#[tokio::test(start_paused = true)]
async fn items_of_a_stream_have_their_times_and_its_head_has_none() {
    let upload = get("a", "/sleep") + &get("b", "/fail") + &get_after("c", "/", &["b"]);
    let mut lines = Lines::of(layer().layer(api()), upload).await.rest().await;
    lines.pop();
    assert_eq!(lines.len(), 3);
    assert_timed(&lines);

    let mut request = requests(gets(&["/"]));
    request
        .headers_mut()
        .insert("accept", "application/x-ndjson".parse().unwrap());
    let reply = send(layer().layer(Router::new()), request).await;
    assert_eq!(
        reply.headers.get("server-timing"),
        None::<&http::HeaderValue>
    );
    assert_ne!(reply.headers, HeaderMap::new());
}
