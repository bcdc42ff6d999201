//! Concurrency, order, and stopping at a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, Order};

use crate::support::{Reply, batch, failed, gets_by_url, numbered_gets, recorder, requests, send};

#[tokio::test(start_paused = true)]
async fn items_in_flight_are_limited_by_concurrency() {
    let layer = BatchLayer::new("/batch");
    for (layer, expected) in [
        (layer.clone().concurrency(1), 1),
        (layer.clone().concurrency(3), 3),
        (layer.clone(), 8),
        (layer.concurrency(50), 20),
    ] {
        let (now, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let router = Router::new().fallback({
            let most = Arc::clone(&most);
            async move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                now.fetch_sub(1, Ordering::SeqCst);
            }
        });
        let begun = tokio::time::Instant::now();
        let reply = batch(layer, router, numbered_gets(20)).await;
        assert_eq!(reply.statuses(), [200; 20]);
        assert_eq!(most.load(Ordering::SeqCst), expected);
        let rounds = 20usize.div_ceil(expected) as u64;
        assert_eq!(begun.elapsed().as_secs(), rounds);
    }
}

#[tokio::test]
async fn with_a_concurrency_of_one_items_run_in_order() {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").concurrency(1);
    send(layer.layer(service), requests(numbered_gets(5))).await;
    assert_eq!(log.uris(), ["/0", "/1", "/2", "/3", "/4"]);
}

/// `/after/N` responds after N seconds, and `/fail/N` fails after N seconds.
fn slow() -> Router {
    let after = async |Path(seconds): Path<u64>| {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    };
    let fail = async move |path: Path<u64>| {
        after(path).await;
        http::StatusCode::CONFLICT
    };
    Router::new()
        .route("/after/{n}", get(after))
        .route("/fail/{n}", get(fail))
}

async fn ask(layer: BatchLayer, urls: &[&str]) -> Reply {
    batch(layer, slow(), gets_by_url(urls)).await
}

fn ids(reply: &Reply) -> Vec<String> {
    let id = |item: &Value| item["id"].as_str().expect("an id").to_owned();
    reply.items().iter().map(id).collect()
}

#[tokio::test(start_paused = true)]
async fn responses_are_in_the_order_of_the_request_unless_streamed_or_configured() {
    let given = ["/after/3", "/after/1", "/fail/2"];
    let finished = ["/after/1", "/fail/2", "/after/3"];
    let layer = BatchLayer::new("/batch");
    for (layer, expected) in [
        (layer.clone(), given),
        (layer.clone().order(Order::Request), given),
        (layer.clone().order(Order::Completion), finished),
        (layer.clone().streamed(true), finished),
        (layer.clone().streamed(true).order(Order::Request), given),
        (layer.streamed(true).order(Order::Completion), finished),
    ] {
        let reply = ask(layer, &given).await;
        assert_eq!(ids(&reply), expected);
    }
}

fn stopped(id: &str) -> Value {
    let title = "the batch stopped after an earlier item failed";
    failed(id, 424, "stopped", title)
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_stops_at_a_failure_finishes_items_in_flight_and_starts_no_more() {
    let urls = ["/after/5", "/fail/1", "/after/3", "/after/2", "/after/1"];
    let layer = BatchLayer::new("/batch")
        .concurrency(3)
        .continue_on_error(false);
    let reply = ask(layer.clone(), &urls).await;
    assert_eq!(reply.statuses(), [200, 409, 200, 424, 424]);
    assert_eq!(reply.item("/after/2"), stopped("/after/2"));
    assert_eq!(reply.item("/after/1"), stopped("/after/1"));

    let reply = ask(layer.concurrency(1), &urls).await;
    assert_eq!(reply.statuses(), [200, 409, 424, 424, 424]);
}

#[tokio::test]
async fn a_failure_without_a_dispatch_stops_a_batch_too() {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").continue_on_error(false);
    let items = json!([
        { "id": "a", "method": "GET", "url": "/a" },
        { "id": "b", "method": "GET", "url": "//evil" },
        { "id": "c", "method": "GET", "url": "/c" },
    ]);
    let reply = send(layer.layer(service), requests(items)).await;
    assert_eq!(reply.statuses(), [200, 400, 424]);
    assert_eq!(reply.item("c"), stopped("c"));
    assert_eq!(log.uris(), ["/a"]);
}

#[tokio::test]
async fn a_client_can_choose_whether_its_batch_continues_after_a_failure() {
    let rows = [
        (true, None, 200),
        (false, None, 424),
        (true, Some("continue-on-error=false"), 424),
        (true, Some("Continue-On-Error = \"false\""), 424),
        (true, Some("odata.continue-on-error=false"), 424),
        (
            true,
            Some("respond-async, odata.continue-on-error=false; x"),
            424,
        ),
        (false, Some("continue-on-error"), 200),
        (false, Some("continue-on-error=true"), 200),
        (false, Some("odata.continue-on-error"), 200),
        // The first one wins.
        (
            true,
            Some("continue-on-error=false, continue-on-error=true"),
            424,
        ),
        (true, Some("continue-on-error=maybe"), 200),
        (false, Some("continue-on-error=maybe"), 424),
        (true, Some("x-continue-on-error=false"), 200),
    ];
    for (by_default, prefer, expected) in rows {
        let layer = BatchLayer::new("/batch")
            .concurrency(1)
            .continue_on_error(by_default);
        let items = json!([
            { "id": "a", "method": "GET", "url": "/fail/0" },
            { "id": "b", "method": "GET", "url": "/after/0" },
        ]);
        let mut request = requests(items);
        if let Some(prefer) = prefer {
            request
                .headers_mut()
                .insert("prefer", http::HeaderValue::from_static(prefer));
        }
        let reply = send(layer.layer(slow()), request).await;
        assert_eq!(reply.statuses(), [409, expected], "{by_default} {prefer:?}");
    }
}

#[tokio::test]
async fn the_response_names_the_preferences_that_were_applied() {
    let mut request = requests(numbered_gets(1));
    let prefer = "respond-async, odata.continue-on-error=false, wait=5";
    request
        .headers_mut()
        .insert("prefer", http::HeaderValue::from_static(prefer));
    let reply = send(BatchLayer::new("/batch").layer(slow()), request).await;
    assert_eq!(
        reply.header("preference-applied"),
        Some("odata.continue-on-error=false, wait=5")
    );
}
