//! Responses that HTTP forbids: a body where none is allowed, a 1xx as the final status.

use std::sync::atomic::{AtomicU16, Ordering};

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::{BoxError, Layer, service_fn};
use tower_multistatus::{
    BatchLayer, Decoder, Encoder, EnvelopeStatus, Error, ErrorKind, Format, Frames, Json, Limits,
    RequestBody, Subrequest, Subresponse,
};

use crate::support::{
    Reply, failed, gets, problem, recorder, requests, response_to, send, with_header,
};

/// Statuses whose responses have no body (RFC 9110 §15).
const WITHOUT_BODY: [u16; 3] = [204, 205, 304];
const NOT_FINAL: [u16; 4] = [100, 101, 103, 199];

fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status")
}

fn bare(status: u16) -> Value {
    json!({ "id": "x", "status": status, "headers": {}, "body": null })
}

fn without_body(mut item: Value) -> Value {
    item["body"] = Value::Null;
    item
}

#[tokio::test]
async fn an_item_of_head_that_fails_has_no_body() {
    let head = |url: &str| json!({ "method": "HEAD", "url": url });
    let layer = || BatchLayer::new("/batch").filter(|_| Err(StatusCode::FORBIDDEN));
    let item = response_to(layer().layer(recorder().1), head("/")).await;
    let rejected = failed("x", 403, "rejected", "Forbidden");
    assert_eq!(item, without_body(rejected));
    let item = response_to(layer().layer(recorder().1), head("//evil")).await;
    let title = "the URL is not allowed in an item";
    assert_eq!(item, without_body(failed("x", 400, "bad-target", title)));
    let item = response_to(BatchLayer::graph("/batch").layer(failing()), head("/")).await;
    let expected = json!({ "id": "x", "status": 500, "body": null,
                           "headers": { "Content-Type": "application/json" } });
    assert_eq!(item, expected);
    // The same holds for items that did not run, or did not fit.
    let items = json!([
        { "id": "a", "method": "GET", "url": "//evil" },
        { "id": "x", "method": "HEAD", "url": "/", "dependsOn": ["a"] },
    ]);
    let reply = send(
        BatchLayer::new("/batch").layer(recorder().1),
        requests(items),
    )
    .await;
    assert_eq!(
        (&reply.items()[1]["status"], &reply.items()[1]["body"]),
        (&json!(424), &Value::Null)
    );
    let layer = BatchLayer::new("/batch").max_total_response_bytes(1);
    let item = response_to(layer.layer(recorder().1), head("/")).await;
    assert_eq!(
        (&item["status"], &item["body"]),
        (&json!(507), &Value::Null)
    );
}

/// An inner service whose calls fail.
fn failing() -> impl tower::Service<
    Request<RequestBody<Body>>,
    Response = http::Response<Body>,
    Error = BoxError,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    service_fn(async |_| Err("out of tea".into()))
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn an_item_of_head_that_fails_has_no_body_in_multipart_either() {
    let body = "--b\r\nContent-Type: application/http\r\n\r\nHEAD //evil HTTP/1.1\r\n\r\n--b--";
    let request = Request::post("/batch").header("content-type", "multipart/mixed; boundary=b");
    let request = request.body(Body::from(body)).expect("a request");
    let layer = BatchLayer::new("/batch").format(tower_multistatus::Multipart::new());
    let reply = send(layer.layer(recorder().1), request).await;
    let responses = crate::multipart::responses_of(&reply);
    assert_eq!((responses[0].status, &*responses[0].body), (400, &b""[..]));
}

/// The response to an item that a decoder has rejected with this status.
async fn decoded(rejection: u16) -> Value {
    let layer = BatchLayer::new("/batch").format(Rejecting(status(rejection)));
    let mut request = requests(json!([]));
    let content_type = HeaderValue::from_static("text/rejecting");
    request.headers_mut().insert("content-type", content_type);
    let accept = HeaderValue::from_static("application/json");
    request.headers_mut().insert("accept", accept);
    send(layer.layer(recorder().1), request).await.item("x")
}

#[derive(Debug)]
struct Rejecting(StatusCode);

impl Format for Rejecting {
    fn media_types(&self) -> &[&str] {
        &["text/rejecting"]
    }

    fn decoder(&self, _: &Parts, _: &Limits) -> Option<Result<Box<dyn Decoder>, Error>> {
        Some(Ok(Box::new(Rejecting(self.0))))
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        None
    }
}

impl Decoder for Rejecting {
    fn push(&mut self, _: Bytes, _: &mut Vec<Subrequest>) -> Result<(), Error> {
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let item = Subrequest::new("x")?.with_method(b"GET").with_url("/");
        found.push(item.reject(self.0));
        Ok(())
    }
}

#[tokio::test]
async fn an_item_that_the_owner_fails_with_a_status_without_a_body_has_none() {
    for code in WITHOUT_BODY {
        let layer = BatchLayer::new("/batch").filter(move |_| Err(status(code)));
        let item = response_to(layer.layer(recorder().1), json!({})).await;
        assert_eq!(item, bare(code));
        let layer = BatchLayer::new("/batch").map_error(move |_, _| Some(status(code)));
        let item = response_to(layer.layer(failing()), json!({})).await;
        assert_eq!(item, bare(code));
        assert_eq!(decoded(code).await, bare(code));
    }
}

#[tokio::test]
async fn an_item_that_the_owner_fails_with_a_1xx_is_500() {
    for code in NOT_FINAL {
        let rejected = failed("x", 500, "rejected", "Internal Server Error");
        let layer = BatchLayer::new("/batch").filter(move |_| Err(status(code)));
        let item = response_to(layer.layer(recorder().1), json!({})).await;
        assert_eq!(item, rejected);
        assert_eq!(decoded(code).await, rejected);
        // The default, as if `map_error` returned `None`.
        let layer = BatchLayer::new("/batch").map_error(move |_, _| Some(status(code)));
        let item = response_to(layer.layer(failing()), json!({})).await;
        assert_eq!(item, failed("x", 500, "call-failed", "the service failed"));
    }
}

async fn not_admitted(code: u16) -> Reply {
    let layer = BatchLayer::new("/batch").admit(move |_| Err(status(code)));
    send(layer.layer(recorder().1), requests(gets(&["/"]))).await
}

#[tokio::test]
async fn a_refusal_with_a_status_without_a_body_has_none() {
    for code in WITHOUT_BODY {
        let reply = not_admitted(code).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (code, &b""[..]));
        assert_eq!(reply.header("content-type"), None);
        assert_eq!(reply.header("content-length"), None);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_refusal_with_a_1xx_is_500() {
    let expected = problem(500, "not-admitted", "the batch was not admitted");
    for code in NOT_FINAL {
        let reply = not_admitted(code).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(reply.json(), expected);
        let kind = ErrorKind::NotAdmitted(status(code));
        assert_eq!(kind.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}

#[test]
fn an_outer_status_that_cannot_have_a_body_panics_in_its_setter() {
    for code in WITHOUT_BODY.into_iter().chain(NOT_FINAL) {
        let set = std::panic::catch_unwind(|| BatchLayer::new("/batch").status(status(code)));
        let message = set.expect_err("it panics");
        let message = message.downcast_ref::<&str>().expect("a text");
        assert_eq!(
            *message,
            "the status of an envelope must be one whose response has a body"
        );
    }
}

#[tokio::test]
async fn an_outer_status_of_a_callback_that_cannot_have_a_body_is_207() {
    static CODE: AtomicU16 = AtomicU16::new(0);
    let layer = BatchLayer::new("/batch");
    let layer = layer.status(EnvelopeStatus::with(|_| {
        status(CODE.load(Ordering::SeqCst))
    }));
    for code in WITHOUT_BODY.into_iter().chain(NOT_FINAL) {
        CODE.store(code, Ordering::SeqCst);
        let reply = send(layer.clone().layer(recorder().1), requests(gets(&["/"]))).await;
        assert_eq!(reply.status, StatusCode::MULTI_STATUS);
        assert_eq!(reply.statuses(), [200]);
    }
}

/// A format that sets the outer status.
#[derive(Debug)]
struct Fixing(StatusCode);

impl Format for Fixing {
    fn media_types(&self) -> &[&str] {
        &["text/fixing"]
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        Some(Box::new(Fixing(self.0)))
    }
}

impl Encoder for Fixing {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/fixing")
    }

    fn status(&self) -> Option<StatusCode> {
        Some(self.0)
    }

    fn push(&mut self, _: &Subresponse, out: &mut Frames) {
        out.put(b"item");
    }
}

#[tokio::test]
async fn an_outer_status_of_a_format_that_cannot_have_a_body_is_ignored() {
    for (code, expected) in [(204, 200), (205, 200), (304, 200), (103, 200), (202, 202)] {
        let layer = BatchLayer::new("/batch").format(Fixing(status(code)));
        let request = with_header(requests(gets(&["/"])), "accept", "text/fixing");
        let layer = layer.status(StatusCode::OK);
        let reply = send(layer.layer(recorder().1), request).await;
        assert_eq!(
            (reply.status.as_u16(), &*reply.body),
            (expected, &b"item"[..])
        );
    }
}

#[tokio::test]
async fn head_of_the_batch_path_has_no_body() {
    let layer = BatchLayer::new("/batch")
        .exclusive(true)
        .format(Json::new());
    for (layer, expected) in [(layer.clone(), 405), (layer.describe(true), 200)] {
        let request = Request::builder().method(Method::HEAD).uri("/batch");
        let request = request.body(Body::empty()).expect("a request");
        let reply = send(layer.layer(recorder().1), request).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (expected, &b""[..]));
        assert!(reply.header("content-type").is_some());
    }
}
