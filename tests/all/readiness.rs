//! The instance that became ready is the one that is called, and no reservation outlives its use.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use tower::{Layer, Service, ServiceExt};
use tower_multistatus::{Batch, BatchLayer};

use crate::probe::{Book, Clones, Failed, Probe};
use crate::support::{envelope, gets, read, requests, send, with_header};

fn layer() -> BatchLayer {
    BatchLayer::new("/batch")
        .item_timeout(Duration::from_secs(1))
        .batch_timeout(Duration::from_secs(3))
}

/// A body that never ends.
fn stalled() -> Body {
    let start = stream::iter([Ok::<_, Failed>(Bytes::from_static(b"{\"requests\":["))]);
    Body::from_stream(start.chain(stream::pending()))
}

async fn ready(service: &mut Batch<Probe>) {
    let is_ready = ServiceExt::<Request<Body>>::ready(service).await;
    is_ready.map(|_| ()).expect("it gets ready");
}

/// Waits until the service is ready, and calls it. Returns the future of the response.
async fn call(
    service: &mut Batch<Probe>,
    request: Request<Body>,
) -> <Batch<Probe> as Service<Request<Body>>>::Future {
    ready(service).await;
    service.call(request)
}

/// Asserts that nothing is reserved, nothing runs, and no unready instance was called.
fn assert_clear(book: &Book, what: &str) {
    assert_eq!(book.reserved(), 0, "a reservation leaks: {what}");
    assert_eq!(book.in_flight(), 0, "a call lives on: {what}");
    assert_eq!(book.unready_calls(), 0, "{what}");
}

#[tokio::test(start_paused = true)]
async fn every_item_is_called_on_its_own_ready_instance() {
    for concurrency in [1, 3, 8, 100] {
        let (book, probe) = Probe::new();
        let paths: Vec<_> = ["/ok", "/yield/2", "/sleep/5"].repeat(7);
        let service = layer().concurrency(concurrency).layer(probe);
        let reply = send(service, requests(gets(&paths))).await;
        assert_eq!(reply.statuses(), [200; 21]);
        let mut callers = book.callers();
        callers.sort_unstable();
        callers.dedup();
        assert_eq!(callers.len(), 21, "one instance an item");
        assert_clear(&book, "a batch");
    }
}

#[tokio::test]
async fn other_requests_are_served_by_the_instance_that_was_made_ready() {
    let requests = [
        (Method::GET, "/ok"),
        (Method::POST, "/ok"),
        (Method::GET, "/batch"),
        (Method::OPTIONS, "/batch"),
        (Method::POST, "/batch?plain"),
        (Method::POST, "/batch/"),
    ];
    for (method, uri) in requests {
        let (book, probe) = Probe::new();
        let layer = layer().when(|parts| parts.uri.query() != Some("plain"));
        let mut service = layer.layer(probe);
        let request = Request::builder().method(method).uri(uri);
        let request = request.body(Body::empty()).expect("a request");
        ready(&mut service).await;
        assert_eq!(book.reserved(), 1);
        let response = service.call(request).await.expect("a response");
        response.into_body().collect().await.expect("a body");
        assert_eq!(book.callers(), [0], "{uri}");
        assert_eq!(book.clones(), 0, "{uri}");
        assert_clear(&book, uri);
    }
}

#[tokio::test]
async fn a_batch_gives_its_reservation_back_before_it_waits_for_anything() {
    let (book, probe) = Probe::new();
    let mut service = layer().layer(probe);
    ready(&mut service).await;
    assert_eq!(book.reserved(), 1);
    let mut response = pin!(service.call(envelope(stalled())));
    assert_eq!(book.reserved(), 0, "given back in the call");
    assert!(response.as_mut().now_or_never().is_none());
    assert_clear(&book, "the envelope never arrives");
}

#[tokio::test]
async fn a_service_can_be_used_again_while_its_batch_runs() {
    let (book, probe) = Probe::new();
    let mut service = layer().layer(probe);
    let hung = requests(gets(&["/hang"]));
    let mut hung = pin!(call(&mut service, hung).await);
    assert!(hung.as_mut().now_or_never().is_none());
    let reply = send(&mut service, requests(gets(&["/ok"]))).await;
    assert_eq!(reply.statuses(), [200]);
    assert_eq!((book.reserved(), book.in_flight()), (0, 1));
}

/// Sends a request to a service that lives on. Returns the status.
async fn status(service: &mut Batch<Probe>, request: Request<Body>) -> StatusCode {
    let response = call(service, request).await;
    read(response.await.expect("a response")).await.status
}

fn one_with_header(name: &'static str, value: &'static str) -> Request<Body> {
    with_header(requests(gets(&["/ok"])), name, value)
}

#[tokio::test(start_paused = true)]
async fn no_refusal_keeps_a_reservation() {
    let same = json!([
        { "id": "a", "method": "GET", "url": "/ok" },
        { "id": "a", "method": "GET", "url": "/ok" },
    ]);
    let unknown = json!([{ "id": "a", "method": "GET", "url": "/ok", "dependsOn": ["b"] }]);
    let group = json!([{ "id": "a", "method": "GET", "url": "/ok", "atomicityGroup": "g" }]);
    let broken = Body::from_stream(stream::iter([Err::<Bytes, _>(Failed)]));
    let refused = [
        (400, envelope("{")),
        (400, envelope(broken)),
        (400, requests(same)),
        (400, requests(unknown)),
        (
            405,
            Request::put("/batch")
                .body(Body::empty())
                .expect("a request"),
        ),
        (406, one_with_header("accept", "image/png")),
        (408, envelope(stalled())),
        (413, requests(gets(&["/ok"; 4]))),
        (413, envelope(vec![b' '; 2000])),
        (415, one_with_header("content-type", "text/plain")),
        (415, one_with_header("content-encoding", "gzip")),
        (429, one_with_header("x-poor", "yes")),
        (501, requests(group)),
    ];
    let (book, probe) = Probe::new();
    let layer = layer().max_items(3).max_envelope_bytes(1999);
    let layer = layer.exclusive(true).admit(|admission| {
        if admission.outer().headers.contains_key("x-poor") {
            Err(StatusCode::TOO_MANY_REQUESTS)
        } else {
            Ok(())
        }
    });
    let mut service = layer.layer(probe);
    for (expected, request) in refused {
        assert_eq!(status(&mut service, request).await, expected);
        assert_clear(&book, &format!("refused with {expected}"));
    }
    assert_eq!(book.callers().len(), 0);
}

#[tokio::test]
async fn a_batch_inside_a_batch_keeps_no_reservation() {
    let (book, probe) = Probe::new();
    let service = layer().layer(BatchLayer::new("/inner").layer(probe));
    let item = json!({ "requests": gets(&["/ok"]) });
    let nested = json!([{ "id": "a", "method": "POST", "url": "/inner", "body": item }]);
    let reply = send(service, requests(nested)).await;
    assert_eq!(reply.statuses(), [508]);
    assert_clear(&book, "a batch inside a batch");
}

#[tokio::test]
async fn a_description_keeps_no_reservation() {
    let (book, probe) = Probe::new();
    let mut service = layer().describe(true).layer(probe);
    let request = Request::get("/batch").body(Body::empty());
    assert_eq!(status(&mut service, request.expect("a request")).await, 200);
    assert_clear(&book, "a description");
}

#[tokio::test]
async fn a_cancelled_upload_keeps_no_reservation() {
    let (book, probe) = Probe::new();
    let mut service = layer().layer(probe);
    let mut response = Box::pin(call(&mut service, envelope(stalled())).await);
    assert!(response.as_mut().now_or_never().is_none());
    drop(response);
    assert_clear(&book, "an upload that was given up");
}

#[tokio::test]
async fn a_response_that_is_dropped_half_way_keeps_no_reservation() {
    for clones in [Clones::Sound, Clones::Hang] {
        for accept in ["application/json", "application/x-ndjson"] {
            let (book, probe) = Probe::with_clones(clones);
            let mut service = layer().layer(probe);
            let mut request = requests(gets(&["/ok", "/hang", "/hang-body"]));
            request
                .headers_mut()
                .insert("accept", accept.parse().expect("a value"));
            let response = call(&mut service, request).await;
            let mut read = Box::pin(response.then(|response| read(response.expect("a response"))));
            assert!(read.as_mut().now_or_never().is_none());
            assert_eq!(book.reserved(), 0);
            drop(read);
            assert_clear(&book, accept);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn items_that_take_too_long_keep_no_reservation() {
    let paths = ["/hang", "/hang-body", "/ok"];
    for (clones, expected) in [(Clones::Sound, [504, 504, 200]), (Clones::Hang, [504; 3])] {
        for layer in [
            layer(),
            layer().item_timeout(None),
            layer().batch_timeout(None),
        ] {
            let (book, probe) = Probe::with_clones(clones);
            let reply = send(layer.layer(probe), requests(gets(&paths))).await;
            assert_eq!(reply.statuses(), expected);
            assert_clear(&book, "items that take too long");
        }
    }
}

#[tokio::test]
async fn items_that_fail_keep_no_reservation() {
    let cases = [
        (Clones::Sound, "/panic-call", 500),
        (Clones::Sound, "/panic", 500),
        (Clones::Sound, "/panic-body", 500),
        (Clones::Sound, "/cut-body", 502),
        (Clones::Sound, "/error", 500),
        (Clones::Panic, "/ok", 500),
        (Clones::Fail, "/ok", 503),
        (Clones::Missing(3), "/ok", 500),
    ];
    for (clones, path, expected) in cases {
        let (book, probe) = Probe::with_clones(clones);
        let mut service = layer().layer(probe);
        let response = call(&mut service, requests(gets(&[path]))).await;
        let reply = read(response.await.expect("a response")).await;
        assert_eq!(reply.statuses(), [expected], "{path}");
        assert_clear(&book, path);
    }
}

#[tokio::test]
async fn a_service_that_cannot_be_cloned_for_the_batch_is_a_500() {
    for nth in [1, 2] {
        let (book, probe) = Probe::with_clones(Clones::Missing(nth));
        let reply = send(layer().layer(probe), requests(gets(&["/ok"]))).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(reply.json()["code"], "panicked");
        assert_clear(&book, "a clone that cannot be made");
    }
}
