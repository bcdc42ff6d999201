//! One call of `on_batch` per batch, however it ends.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use tower::{Layer, Service, ServiceExt};
use tower_multistatus::BatchLayer;

use super::{Told, api};
use crate::probe::{Clones, Probe};
use crate::streams::{Lines, channel, get, lines};
use crate::support::{envelope, gets, in_chunks, requests, send};

#[tokio::test(start_paused = true)]
async fn every_refusal_is_told_with_its_kind() {
    let plain = || BatchLayer::new("/batch");
    let good = || requests(gets(&["/"]));
    let slow = || in_chunks(good(), Duration::from_millis(20));
    let cases = [
        (plain(), envelope("{"), "refused 400 malformed 0"),
        (
            plain(),
            requests(json!([{ "id": "a" }, { "id": "a" }])),
            "refused 400 duplicate-id 0",
        ),
        (
            plain(),
            Request::post("/batch").body(Body::empty()).unwrap(),
            "refused 415 unsupported-media-type 0",
        ),
        (
            plain().max_items(1),
            requests(gets(&["/", "/"])),
            "refused 413 too-many-items 0",
        ),
        (
            plain().max_envelope_bytes(10),
            good(),
            "refused 413 envelope-too-large 0",
        ),
        (
            plain().when(|_| panic!("in when")),
            good(),
            "refused 500 panicked 0",
        ),
        (
            plain().admit(|_| Err::<(), _>(StatusCode::TOO_MANY_REQUESTS)),
            good(),
            "refused 429 not-admitted 0",
        ),
        (
            plain().admit(|_| -> Result<(), StatusCode> { panic!("in admit") }),
            good(),
            "refused 500 panicked 0",
        ),
        (
            plain().batch_timeout(Duration::from_millis(50)),
            slow(),
            "refused 408 upload-timeout 50",
        ),
        (
            plain().exclusive(true),
            Request::get("/batch").body(Body::empty()).unwrap(),
            "refused 405 method-not-allowed 0",
        ),
    ];
    for (layer, request, expected) in cases {
        let told = Told::default();
        let reply = send(told.observe(layer).layer(api()), request).await;
        let (head, millis) = expected.rsplit_once(' ').unwrap();
        let expected = format!("{head} 0 items, 0 failed, {millis} ms");
        assert_eq!(told.take(), [expected], "{}", reply.status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_panics_when_it_is_cloned_is_told_as_a_refusal() {
    let told = Told::default();
    let (_, probe) = Probe::with_clones(Clones::Missing(1));
    let service = told.observe(BatchLayer::new("/batch")).layer(probe);
    send(service, requests(gets(&["/ok"]))).await;
    assert_eq!(
        told.take(),
        ["refused 500 panicked 0 items, 0 failed, 0 ms"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_no_batch_is_not_told() {
    let told = Told::default();
    let layer = told.observe(BatchLayer::new("/batch").describe(true));
    for request in [
        Request::get("/"),
        Request::get("/batch"),
        Request::options("/batch"),
    ] {
        send(layer.layer(api()), request.body(Body::empty()).unwrap()).await;
    }
    assert_eq!(told.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_duration_includes_the_upload() {
    let told = Told::default();
    // 9 waits of 10 ms, and an item of 10 ms.
    let request = in_chunks(requests(gets(&["/sleep"])), Duration::from_millis(10));
    send(
        told.observe(BatchLayer::new("/batch")).layer(api()),
        request,
    )
    .await;
    let batch = told.take().pop();
    assert_eq!(
        batch.as_deref(),
        Some("ended 207 - 1 items, 0 failed, 100 ms")
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_dropped_is_told_at_once_with_the_items_that_have_responses() {
    let told = Told::default();
    let layer = told.observe(BatchLayer::new("/batch"));

    // During the upload.
    let (_sender, body) = channel();
    let request = Request::post("/batch").header("content-type", "application/json");
    let calling = layer.layer(api()).oneshot(request.body(body).unwrap());
    assert!(
        tokio::time::timeout(Duration::from_millis(5), calling)
            .await
            .is_err()
    );
    assert_eq!(told.take(), ["dropped 0 - 0 items, 0 failed, 5 ms"]);

    // While items run.
    let calling = layer
        .layer(api())
        .oneshot(requests(gets(&["/", "/hang", "/fail"])));
    assert!(
        tokio::time::timeout(Duration::from_millis(7), calling)
            .await
            .is_err()
    );
    assert_eq!(
        told.take(),
        [
            "0 200 - sent [0, 0, 0]",
            "dropped 0 - 1 items, 0 failed, 7 ms"
        ]
    );

    // While the response is read.
    let mut response = Lines::of(layer.layer(api()), get("a", "/") + &get("b", "/hang")).await;
    assert_eq!(response.next_item().await, ("a".to_owned(), 200));
    drop(response);
    assert_eq!(
        told.take(),
        [
            "a 200 - sent [0, 0, 0]",
            "dropped 207 - 1 items, 0 failed, 0 ms"
        ]
    );

    // Before it is polled.
    drop(layer.layer(api()).call(requests(gets(&["/"]))));
    assert_eq!(told.take(), ["dropped 0 - 0 items, 0 failed, 0 ms"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_last_frame_is_taken() {
    let told = Told::default();
    let layer = told.observe(BatchLayer::new("/batch"));
    let response = layer
        .layer(api())
        .oneshot(lines(get("a", "/")))
        .await
        .unwrap();
    let mut body = response.into_body();
    assert_eq!(told.take(), [""; 0]);
    while !http_body::Body::is_end_stream(&body) {
        body.frame().await.expect("a frame").expect("no error");
    }
    assert_eq!(
        told.take(),
        [
            "a 200 - sent [0, 0, 0]",
            "ended 207 - 1 items, 0 failed, 0 ms"
        ]
    );
    drop(body);
    assert_eq!(told.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_error_that_ends_an_upload_early_is_told() {
    let told = Told::default();
    let layer = told.observe(BatchLayer::new("/batch"));
    let upload = get("a", "/") + "{\n" + &get("b", "/");
    Lines::of(layer.layer(api()), upload).await.rest().await;
    let batch = told.take().pop();
    assert_eq!(
        batch.as_deref(),
        Some("ended 207 malformed 1 items, 0 failed, 0 ms")
    );
}
