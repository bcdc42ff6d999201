//! Item timeouts, batch timeouts and slow uploads, with a paused clock.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::get;
use futures_util::stream;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{
    Reply, batch, end, envelope, failed, gets_by_url, problem, recorder, requests, send,
};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// `/head/N` responds after N seconds. `/body/N` responds at once, with a body that ends after N
/// seconds.
fn slow() -> Router {
    let body = |seconds| {
        stream::once(async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok::<_, Infallible>(Bytes::from("late"))
        })
    };
    Router::new()
        .route("/fail", get(async || StatusCode::CONFLICT))
        .route(
            "/head/{seconds}",
            get(async |Path(seconds): Path<u64>| sleep(Duration::from_secs(seconds)).await),
        )
        .route(
            "/body/{seconds}",
            get(async move |Path(seconds): Path<u64>| Body::from_stream(body(seconds))),
        )
}

/// Sends GETs to these URLs. Each has its URL as its id.
async fn ask(layer: BatchLayer, urls: &[&str]) -> (Duration, Reply) {
    ask_router(layer, slow(), urls).await
}

async fn ask_router(layer: BatchLayer, router: Router, urls: &[&str]) -> (Duration, Reply) {
    let begun = Instant::now();
    let reply = batch(layer, router, gets_by_url(urls)).await;
    // The timer has a resolution of a millisecond.
    (Duration::from_secs(begun.elapsed().as_secs()), reply)
}

fn item_timeout(id: &str) -> Value {
    failed(id, 504, "item-timeout", "the item timed out")
}

fn deadline(id: &str) -> Value {
    failed(id, 504, "deadline", "the batch timed out")
}

#[tokio::test(start_paused = true)]
async fn an_item_that_takes_longer_than_its_timeout_is_504_and_the_rest_go_on() {
    let layer = BatchLayer::new("/batch").item_timeout(seconds(5));
    let urls = ["/head/4", "/head/6", "/body/6", "/body/4"];
    let (took, reply) = ask(layer, &urls).await;
    assert_eq!(reply.statuses(), [200, 504, 504, 200]);
    assert_eq!(reply.item("/head/6"), item_timeout("/head/6"));
    assert_eq!(reply.item("/body/6"), item_timeout("/body/6"));
    assert_eq!(took, seconds(5));
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_an_item_starts_at_its_own_dispatch() {
    let layer = BatchLayer::new("/batch")
        .item_timeout(seconds(5))
        .concurrency(1);
    let (took, reply) = ask(layer, &["/head/4", "/head/3", "/head/9", "/body/4"]).await;
    assert_eq!(reply.statuses(), [200, 200, 504, 200]);
    assert_eq!(took, seconds(4 + 3 + 5 + 4));
}

#[tokio::test(start_paused = true)]
async fn each_waiting_item_has_its_own_timeout() {
    // The clock does not advance while items start, so some start at the same time. Each starts
    // when another ends: 0 to 3, 0 to 5, 3 to 8, 5 to 9, 8 to 13, 9 to 12.
    let layer = BatchLayer::new("/batch")
        .item_timeout(seconds(5))
        .concurrency(2);
    let urls = [
        "/head/3", "/head/90", "/head/91", "/head/4", "/head/92", "/body/3",
    ];
    let (took, reply) = ask(layer.clone(), &urls).await;
    assert_eq!(reply.statuses(), [200, 504, 504, 200, 504, 200]);
    assert_eq!(took, seconds(13));
    let (took, reply) = ask(layer.concurrency(6), &urls).await;
    assert_eq!(reply.statuses(), [200, 504, 504, 200, 504, 200]);
    assert_eq!(took, seconds(5));
}

/// When the time of an item is checked, the calls that go on are moved. What wakes them afterwards
/// must still reach them.
#[tokio::test(start_paused = true)]
async fn an_item_that_is_woken_after_the_timeout_of_another_ends_at_once() {
    for (other, status) in [("/head/2", 200), ("/head/9", 504)] {
        let (wake, woken) = tokio::sync::watch::channel(false);
        let woken = get(async move || {
            woken
                .clone()
                .wait_for(|is_woken| *is_woken)
                .await
                .map(drop)
                .expect("it is woken")
        });
        let router = slow().route("/woken", woken);
        // The others are due after 5 s. `/woken` starts after 1 s, so it is due after 6 s.
        let layer = BatchLayer::new("/batch").item_timeout(seconds(5));
        let begun = Instant::now();
        tokio::spawn(async move {
            sleep(Duration::from_millis(5_500)).await;
            wake.send(true)
        });
        let urls = ["/head/1", other, "/woken"];
        let service = layer.concurrency(2).layer(router);
        let reply = end(service, gets_by_url(&urls)).await;
        assert_eq!(reply.statuses(), [200, status, 200]);
        assert!(begun.elapsed() < Duration::from_millis(5_510), "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_may_take_ten_seconds_and_a_batch_thirty_by_default() {
    let layer = BatchLayer::new("/batch").concurrency(1);
    let (took, reply) = ask(
        layer,
        &["/head/9", "/head/11", "/head/8", "/body/7", "/fail"],
    )
    .await;
    assert_eq!(reply.statuses(), [200, 504, 200, 504, 504]);
    assert_eq!(reply.item("/head/11"), item_timeout("/head/11"));
    assert_eq!(reply.item("/body/7"), deadline("/body/7"));
    assert_eq!(reply.item("/fail"), deadline("/fail"));
    assert_eq!(took, seconds(30));
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_finished_items_keep_their_response_and_the_rest_is_504() {
    let layer = BatchLayer::new("/batch")
        .batch_timeout(seconds(5))
        .concurrency(3);
    let urls = ["/head/4", "/head/6", "/body/7", "/body/8", "/fail"];
    let (took, reply) = ask(layer, &urls).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    assert_eq!(reply.statuses(), [200, 504, 504, 504, 504]);
    for late in &urls[1..] {
        assert_eq!(reply.item(late), deadline(late));
    }
    assert_eq!(took, seconds(5));
}

#[tokio::test(start_paused = true)]
async fn without_an_item_timeout_only_the_batch_timeout_ends_an_item() {
    let layer = BatchLayer::new("/batch").item_timeout(None);
    let (took, reply) = ask(layer.clone(), &["/head/29", "/head/31"]).await;
    assert_eq!(reply.statuses(), [200, 504]);
    assert_eq!(reply.item("/head/31"), deadline("/head/31"));
    assert_eq!(took, seconds(30));
    let (took, reply) = ask(layer.batch_timeout(None), &["/head/5000"]).await;
    assert_eq!(reply.statuses(), [200]);
    assert_eq!(took, seconds(5000));
}

#[tokio::test(start_paused = true)]
async fn dependants_of_an_item_that_timed_out_are_424() {
    let layer = BatchLayer::new("/batch").item_timeout(seconds(5));
    let items = json!([
        { "id": "a", "method": "GET", "url": "/head/6" },
        { "id": "b", "method": "GET", "url": "/head/1", "dependsOn": ["a"] },
    ]);
    let reply = batch(layer, slow(), items).await;
    assert_eq!(reply.statuses(), [504, 424]);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_hanging_item_after_a_batch_stops_at_a_failure() {
    let layer = BatchLayer::new("/batch")
        .continue_on_error(false)
        .concurrency(2);
    for layer in [
        layer.clone().item_timeout(None).batch_timeout(seconds(5)),
        layer.item_timeout(seconds(9)).batch_timeout(seconds(5)),
    ] {
        let reply = ask(layer, &["/head/60", "/fail", "/head/1"]);
        let reply = tokio::time::timeout(seconds(100), reply).await;
        let (took, reply) = reply.expect("the batch ends by its deadline");
        assert_eq!(reply.statuses(), [504, 409, 424]);
        assert_eq!(reply.item("/head/60"), deadline("/head/60"));
        assert_eq!(took, seconds(5));
    }
}

#[tokio::test(start_paused = true)]
async fn prefer_wait_only_shortens_the_deadline() {
    let rows = [
        ("wait=2", 2),
        ("wait=5", 5),
        ("wait=60", 5),
        ("respond-async, wait=3", 3),
        ("wait=x", 5),
    ];
    for (prefer, expected) in rows {
        let layer = BatchLayer::new("/batch").batch_timeout(seconds(5));
        let items = json!([{ "id": "a", "method": "GET", "url": "/head/6" }]);
        let mut request = requests(items);
        let value = http::HeaderValue::from_static(prefer);
        request.headers_mut().insert("prefer", value);
        let begun = Instant::now();
        let reply = send(layer.layer(slow()), request).await;
        assert_eq!(reply.items(), [deadline("a")]);
        assert_eq!(begun.elapsed().as_secs(), expected, "{prefer}");
    }
}

/// An envelope of one item whose last bytes arrive after this number of seconds.
fn late_envelope(after: u64) -> Body {
    let envelope = json!({ "requests": [{ "id": "a", "method": "GET", "url": "/head/3" }] });
    let envelope = Bytes::from(envelope.to_string());
    let (first, last) = (envelope.slice(..20), envelope.slice(20..));
    let late = async move {
        sleep(seconds(after)).await;
        Ok::<_, Infallible>(last)
    };
    let first = stream::once(async { Ok(first) });
    Body::from_stream(stream::StreamExt::chain(first, stream::once(late)))
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_not_done_by_the_deadline_is_refused_with_408() {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").batch_timeout(seconds(5));
    let begun = Instant::now();
    let reply = send(layer.layer(service), envelope(late_envelope(6))).await;
    assert_eq!(begun.elapsed().as_secs(), 5);
    assert_eq!(reply.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(
        reply.json(),
        problem(
            408,
            "upload-timeout",
            "the upload of the envelope timed out"
        )
    );
    assert_eq!(log.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_includes_the_upload() {
    let layer = BatchLayer::new("/batch").batch_timeout(seconds(5));
    for (upload, expected) in [(1, 200), (3, 504)] {
        let begun = Instant::now();
        let reply = send(layer.clone().layer(slow()), envelope(late_envelope(upload))).await;
        assert_eq!(reply.statuses(), [expected]);
        assert_eq!(begun.elapsed().as_secs(), (upload + 3).min(5));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_gets_ready_is_504() {
    let stuck = tower::limit::ConcurrencyLimit::new(slow(), 1);
    let layer = BatchLayer::new("/batch").item_timeout(seconds(5));
    let items = json!([
        { "id": "a", "method": "GET", "url": "/head/6" },
        { "id": "b", "method": "GET", "url": "/head/1" },
        { "id": "c", "method": "GET", "url": "/head/6" },
    ]);
    let reply = send(layer.layer(stuck), requests(items)).await;
    // The first item holds the only permit until all have timed out.
    assert_eq!(reply.items(), ["a", "b", "c"].map(item_timeout));
}

#[tokio::test(start_paused = true)]
async fn a_batch_does_not_hold_the_permit_that_its_items_need() {
    // The service with the ready instance lives on while the batch runs.
    let limited = tower::limit::ConcurrencyLimit::new(slow(), 1);
    let mut service = BatchLayer::new("/batch").layer(limited);
    let reply = send(&mut service, envelope(late_envelope(1))).await;
    assert_eq!(reply.statuses(), [200]);
}

#[test]
#[should_panic = "`item_timeout` must be more than 0"]
fn an_item_timeout_of_zero_panics() {
    let _ = BatchLayer::new("/batch").item_timeout(Duration::ZERO);
}

#[test]
#[should_panic = "`batch_timeout` must be more than 0"]
fn a_batch_timeout_of_zero_panics() {
    let _ = BatchLayer::new("/batch").batch_timeout(Duration::ZERO);
}
