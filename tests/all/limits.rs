//! Each limit: the largest value that fits, and one more.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::get;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{
    Log, Reply, batch, envelope, failed, numbered_gets, problem, recorded, recorder,
    recording_router, requests, response_to, send,
};

/// Asserts a 413 and no dispatch.
fn assert_too_large(reply: &Reply, log: &Log, code: &str, title: &str, limit: &str, max: usize) {
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut expected = problem(413, code, title);
    expected["limit"] = json!(limit);
    expected["max"] = json!(max);
    assert_eq!(reply.json(), expected);
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn one_item_too_many_refuses_the_batch() {
    for (layer, max) in [
        (BatchLayer::new("/batch"), 100),
        (BatchLayer::new("/batch").max_items(3), 3),
        (BatchLayer::new("/batch").max_items(1), 1),
    ] {
        let (log, service) = recorder();
        let reply = send(layer.clone().layer(service), requests(numbered_gets(max))).await;
        assert_eq!(reply.statuses(), vec![200; max]);
        assert_eq!(log.len(), max);

        let (log, service) = recorder();
        let reply = send(layer.layer(service), requests(numbered_gets(max + 1))).await;
        let title = "the batch has too many items";
        assert_too_large(&reply, &log, "too-many-items", title, "max_items", max);
    }
}

#[tokio::test]
async fn items_are_counted_while_they_are_read() {
    // Everything after the first item too many is not read.
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").max_items(1);
    let text = r#"{"requests":[{"id":"a","method":"GET","url":"/"},!!!"#;
    let reply = send(layer.layer(service), envelope(text)).await;
    let title = "the batch has too many items";
    assert_too_large(&reply, &log, "too-many-items", title, "max_items", 1);
}

/// An envelope of one item with exactly this length.
fn envelope_of(length: usize) -> String {
    let mut text = json!({ "requests": numbered_gets(1) }).to_string();
    text.push_str(&" ".repeat(length - text.len()));
    text
}

/// A body in chunks of at most 1000 bytes and without a size hint. Counts the chunks that were
/// read.
fn chunked(text: &str) -> (Arc<AtomicUsize>, Body) {
    let read = Arc::<AtomicUsize>::default();
    let chunks: Vec<_> = text
        .as_bytes()
        .chunks(1000)
        .map(Bytes::copy_from_slice)
        .collect();
    let count = Arc::clone(&read);
    let chunks = stream::iter(chunks).map(move |chunk| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Infallible>(chunk)
    });
    (read, Body::from_stream(chunks))
}

#[tokio::test]
async fn one_byte_of_envelope_too_many_refuses_the_batch() {
    for (layer, max) in [
        (BatchLayer::new("/batch"), 1 << 20),
        (BatchLayer::new("/batch").max_envelope_bytes(5000), 5000),
    ] {
        for body in [envelope_of(max).into(), chunked(&envelope_of(max)).1] {
            let (log, service) = recorder();
            let reply = send(layer.clone().layer(service), envelope(body)).await;
            assert_eq!(reply.statuses(), [200]);
            assert_eq!(log.len(), 1);
        }
        for body in [
            envelope_of(max + 1).into(),
            chunked(&envelope_of(max + 1)).1,
        ] {
            let (log, service) = recorder();
            let reply = send(layer.clone().layer(service), envelope(body)).await;
            let title = "the envelope is too large";
            assert_too_large(
                &reply,
                &log,
                "envelope-too-large",
                title,
                "max_envelope_bytes",
                max,
            );
        }
    }
}

#[tokio::test]
async fn reading_stops_where_the_envelope_is_too_large() {
    let (read, body) = chunked(&envelope_of(50_000));
    let layer = BatchLayer::new("/batch").max_envelope_bytes(5000);
    let reply = send(layer.layer(recorder().1), envelope(body)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(read.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn a_body_of_one_byte_too_many_fails_its_item_and_the_rest_go_on() {
    let text = |length: usize| json!("a".repeat(length));
    let layer = BatchLayer::new("/batch").max_envelope_bytes(4 << 20);
    for (layer, max) in [
        (layer.clone(), 256 << 10),
        (layer.clone().max_item_body_bytes(10), 10),
        (layer.max_item_body_bytes(0), 0),
    ] {
        let (log, router) = recording_router();
        let post = |id: &str, kind: &str, body: Value| {
            json!({ "id": id, "method": "POST", "url": format!("/{id}"), "body": body,
                    "headers": { "Content-Type": kind } })
        };
        // Base64 counts as its decoded bytes.
        let bytes = base64_of_zeros(max);
        let items = json!([
            post("fits", "text/plain", text(max)),
            post("over", "text/plain", text(max + 1)),
            post("json", "application/json", text(max)),
            post("bytes", "image/png", json!(bytes)),
            post("bytes-over", "image/png", json!(base64_of_zeros(max + 1))),
        ]);
        let reply = batch(layer, router, items).await;
        let over = |id| failed(id, 413, "body-too-large", "the body is too large");
        assert_eq!(
            reply.items(),
            [
                recorded("fits"),
                over("over"),
                over("json"),
                recorded("bytes"),
                over("bytes-over")
            ]
        );
        let lengths: Vec<_> = log
            .all()
            .iter()
            .map(|received| received.body.len())
            .collect();
        assert_eq!(lengths, [max, max]);
    }
}

/// The base64 of this number of zero bytes, without padding.
fn base64_of_zeros(bytes: usize) -> String {
    "A".repeat(bytes.div_ceil(3) * 4 - (3 - bytes % 3) % 3)
}

/// `/whole/N` sends N bytes of known length, `/chunked/N` sends N chunks without a length.
fn sized() -> Router {
    let chunks = |bytes: usize| {
        let chunks = vec![Bytes::from("a"); bytes];
        Body::from_stream(stream::iter(chunks).map(Ok::<_, Infallible>))
    };
    Router::new()
        .route(
            "/whole/{n}",
            get(async |Path(n): Path<usize>| "a".repeat(n)),
        )
        .route(
            "/chunked/{n}",
            get(async move |Path(n): Path<usize>| chunks(n)),
        )
}

/// The counted bytes of the headers of `/whole/N`: name, value and 32 bytes each.
fn headers_of(n: usize) -> usize {
    let content_type = "content-type".len() + "text/plain; charset=utf-8".len() + 32;
    content_type + "content-length".len() + n.to_string().len() + 32
}

#[tokio::test(start_paused = true)]
async fn a_response_of_one_byte_too_many_is_502_and_the_rest_go_on() {
    for (layer, max) in [
        (BatchLayer::new("/batch"), 1 << 20),
        (BatchLayer::new("/batch").max_response_bytes(5000), 5000),
    ] {
        let get = |url: String| json!({ "id": url, "method": "GET", "url": url });
        let whole = max - headers_of(max - 200);
        let limits = [("whole", whole), ("chunked", max)];
        let urls = limits.map(|(kind, most)| format!("/{kind}/{most}"));
        let over = limits.map(|(kind, most)| format!("/{kind}/{}", most + 1));
        let items: Vec<_> = over.iter().chain(&urls).cloned().map(get).collect();
        let reply = batch(layer, sized(), json!(items)).await;
        assert_eq!(reply.statuses(), [502, 502, 200, 200]);
        for url in &over {
            let title = "the response is too large";
            assert_eq!(
                reply.item(url),
                failed(url, 502, "response-too-large", title)
            );
        }
        assert_eq!(reply.item(&urls[0])["body"], "a".repeat(whole));
    }
}

#[tokio::test]
async fn a_response_that_does_not_fit_is_507_and_later_items_are_not_dispatched() {
    let (log, router) = recording_router();
    let sequential = BatchLayer::new("/batch").concurrency(1);
    let whole = batch(sequential.clone(), router.clone(), numbered_gets(50)).await;
    assert_eq!(whole.statuses(), [200; 50]);
    assert_eq!(log.len(), 50);

    // Room for about half of the responses, and for empty responses of the others.
    let max = whole.body.len() - 200;
    let layer = sequential.clone().max_total_response_bytes(max);
    let before = log.len();
    let reply = batch(layer, router.clone(), numbered_gets(50)).await;
    let fit = reply
        .statuses()
        .iter()
        .filter(|status| **status == 200)
        .count();
    assert!((10..40).contains(&fit), "{fit}");
    // Only the item that did not fit.
    assert_eq!(log.len() - before, fit + 1);
    for (at, item) in reply.items().into_iter().enumerate() {
        let id = at.to_string();
        let title = "the responses exceed the total size limit";
        let expected = if at < fit {
            recorded(&id)
        } else if item["body"].is_null() {
            json!({ "id": id, "status": 507, "headers": {}, "body": null })
        } else {
            failed(&id, 507, "total-too-large", title)
        };
        assert_eq!(item, expected);
    }

    // A streamed envelope is never held whole.
    let layer = sequential.streamed(true).max_total_response_bytes(1);
    assert_eq!(
        batch(layer, router, numbered_gets(50)).await.body,
        whole.body
    );
}

#[tokio::test]
async fn the_default_total_limit_is_eight_mebibytes() {
    let body = 1_000_000;
    let url = format!("/whole/{body}");
    let get = |n: usize| json!({ "id": format!("{n}"), "method": "GET", "url": url });
    let layer = BatchLayer::new("/batch").concurrency(1);
    let items: Value = (0..10).map(get).collect();
    let reply = batch(layer, sized(), items).await;
    let statuses = reply.statuses();
    assert_eq!(statuses[..8], [200; 8]);
    assert_eq!(statuses[8..], [507; 2]);
    assert!(reply.body.len() <= 8 << 20);
}

#[tokio::test]
async fn an_empty_response_needs_room_only_for_its_headers() {
    let layer = BatchLayer::new("/batch").max_response_bytes(headers_of(0));
    let expected = json!({ "id": "x", "status": 200, "body": null,
                           "headers": { "Content-Type": "text/plain; charset=utf-8" } });
    let service = layer.layer(sized());
    assert_eq!(
        response_to(service, json!({ "url": "/whole/0" })).await,
        expected
    );
}
