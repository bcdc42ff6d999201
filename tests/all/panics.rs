//! An inner service that panics or fails at any step of an item.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::{BoxError, Layer, Service};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::support::{Reply, batch, failed, problem, requests, send};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Clone,
    Ready,
    Call,
}

#[derive(Debug, Clone, Copy)]
enum Effect {
    Panics,
    Fails,
}

/// A router that panics or fails once, at this step, after this number of calls.
struct Trapped {
    router: Router,
    step: Step,
    effect: Effect,
    calls_before: usize,
    calls: Arc<AtomicUsize>,
    sprung: Arc<AtomicBool>,
}

impl Trapped {
    fn new(step: Step, effect: Effect, calls_before: usize) -> Self {
        Self {
            router: fine(),
            step,
            effect,
            calls_before,
            calls: Arc::default(),
            sprung: Arc::default(),
        }
    }

    fn spring(&self, step: Step) -> Result<(), BoxError> {
        let is_due = self.step == step && self.calls.load(Ordering::SeqCst) == self.calls_before;
        if !is_due || self.sprung.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        match self.effect {
            Effect::Panics => panic!("a secret of the stack"),
            Effect::Fails => Err("a secret of the database".into()),
        }
    }
}

impl Clone for Trapped {
    fn clone(&self) -> Self {
        let _ = self.spring(Step::Clone);
        Self {
            router: self.router.clone(),
            calls: Arc::clone(&self.calls),
            sprung: Arc::clone(&self.sprung),
            ..*self
        }
    }
}

impl Service<Request<RequestBody<Body>>> for Trapped {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(self.spring(Step::Ready))
    }

    fn call(&mut self, request: Request<RequestBody<Body>>) -> Self::Future {
        let sprung = self.spring(Step::Call);
        self.calls.fetch_add(1, Ordering::SeqCst);
        let response = self.router.call(request);
        Box::pin(async {
            sprung?;
            Ok(response.await?)
        })
    }
}

fn fine() -> Router {
    Router::new().fallback(async || "fine")
}

fn three(urls: [&str; 3]) -> Value {
    let get = |(id, url): (&str, &str)| json!({ "id": id, "method": "GET", "url": url });
    json!(
        ["a", "b", "c"]
            .into_iter()
            .zip(urls)
            .map(get)
            .collect::<Vec<_>>()
    )
}

/// Asserts that only the second item failed, and the text of the error is not sent.
fn assert_second_failed(reply: &Reply, expected: Value) {
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    let headers = json!({ "Content-Type": "text/plain; charset=utf-8" });
    let fine = |id: &str| json!({ "id": id, "status": 200, "headers": headers, "body": "fine" });
    assert_eq!(reply.items(), [fine("a"), expected, fine("c")]);
}

fn panicked() -> Value {
    failed("b", 500, "panicked", "the service panicked")
}

#[tokio::test]
async fn a_panic_while_the_service_is_cloned_ready_or_called_is_500_and_the_rest_go_on() {
    for step in [Step::Clone, Step::Ready, Step::Call] {
        let service = Trapped::new(step, Effect::Panics, 1);
        let service = BatchLayer::new("/batch").concurrency(1).layer(service);
        let reply = send(service, requests(three(["/", "/", "/"]))).await;
        assert_second_failed(&reply, panicked());
    }
}

/// Panics at its first poll, or at its second.
async fn panics(waits: bool) -> &'static str {
    if waits {
        tokio::task::yield_now().await;
    }
    panic!("a secret of the stack")
}

fn panicking_body(waits: bool) -> Body {
    let first = stream::iter([Ok::<_, BoxError>(Bytes::from("begun"))]);
    let then = stream::once(async move { Ok(Bytes::from(panics(waits).await)) });
    Body::from_stream(stream::StreamExt::chain(first, then))
}

#[tokio::test]
async fn a_panic_in_a_future_or_in_a_body_is_500_and_the_rest_go_on() {
    let router = fine()
        .route("/future", get(|| panics(false)))
        .route("/future/later", get(|| panics(true)))
        .route("/body", get(async || panicking_body(false)))
        .route("/body/later", get(async || panicking_body(true)));
    for url in ["/future", "/future/later", "/body", "/body/later"] {
        for concurrency in [1, 8] {
            let layer = BatchLayer::new("/batch").concurrency(concurrency);
            let reply = batch(layer, router.clone(), three(["/", url, "/"])).await;
            assert_second_failed(&reply, panicked());
        }
    }
}

#[tokio::test]
async fn a_panic_while_the_service_is_cloned_for_the_batch_refuses_it() {
    let service = Trapped::new(Step::Clone, Effect::Panics, 0);
    let calls = Arc::clone(&service.calls);
    let mut service = BatchLayer::new("/batch").layer(service);
    let reply = send(&mut service, requests(three(["/", "/", "/"]))).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        reply.json(),
        problem(500, "panicked", "the service panicked before the batch ran")
    );
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    // The next batch succeeds.
    let reply = send(&mut service, requests(three(["/", "/", "/"]))).await;
    assert_eq!(reply.statuses(), [200, 200, 200]);
}

/// A value that panics when it is dropped.
struct Brittle;

impl Drop for Brittle {
    fn drop(&mut self) {
        panic!("a secret of the destructor");
    }
}

/// A service that panics in `poll_ready` or `call`, and again when it is dropped.
#[derive(Clone)]
struct TwiceBroken {
    trapped: Trapped,
    is_broken: bool,
}

impl Drop for TwiceBroken {
    fn drop(&mut self) {
        assert!(!self.is_broken, "a secret of the destructor");
    }
}

impl Service<Request<RequestBody<Body>>> for TwiceBroken {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = <Trapped as Service<Request<RequestBody<Body>>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.is_broken = true;
        let ready = self.trapped.poll_ready(cx);
        self.is_broken = false;
        ready
    }

    fn call(&mut self, request: Request<RequestBody<Body>>) -> Self::Future {
        self.is_broken = true;
        let future = self.trapped.call(request);
        self.is_broken = false;
        future
    }
}

#[tokio::test]
async fn a_service_that_panics_and_whose_destructor_panics_too_harms_no_other_item() {
    for step in [Step::Ready, Step::Call] {
        let service = TwiceBroken {
            trapped: Trapped::new(step, Effect::Panics, 1),
            is_broken: false,
        };
        let service = BatchLayer::new("/batch").concurrency(1).layer(service);
        let reply = send(service, requests(three(["/", "/", "/"]))).await;
        assert_second_failed(&reply, panicked());
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_destructor_panics_harms_no_other_item() {
    let hangs = async || {
        let _brittle = Brittle;
        std::future::pending::<&str>().await
    };
    let router = fine().route("/hangs", get(hangs));
    let reply = batch(
        BatchLayer::new("/batch"),
        router,
        three(["/", "/hangs", "/"]),
    )
    .await;
    let timeout = failed("b", 504, "item-timeout", "the item timed out");
    assert_second_failed(&reply, timeout);
}

#[tokio::test]
async fn a_service_that_does_not_get_ready_is_503_and_the_rest_go_on() {
    let service = Trapped::new(Step::Ready, Effect::Fails, 1);
    let service = BatchLayer::new("/batch").concurrency(1).layer(service);
    let reply = send(service, requests(three(["/", "/", "/"]))).await;
    let expected = failed("b", 503, "not-ready", "the service was not ready");
    assert_second_failed(&reply, expected);
}

#[tokio::test]
async fn a_call_that_fails_is_500_and_the_rest_go_on() {
    let service = Trapped::new(Step::Call, Effect::Fails, 1);
    let service = BatchLayer::new("/batch").concurrency(1).layer(service);
    let reply = send(service, requests(three(["/", "/", "/"]))).await;
    let expected = failed("b", 500, "call-failed", "the service failed");
    assert_second_failed(&reply, expected);
}

#[tokio::test]
async fn map_error_maps_an_error_or_keeps_the_default() {
    let rows = [
        (
            Step::Ready,
            None,
            (503, "not-ready", "the service was not ready"),
        ),
        (Step::Call, None, (500, "call-failed", "the service failed")),
        (
            Step::Ready,
            Some(429),
            (429, "call-failed", "Too Many Requests"),
        ),
        (
            Step::Call,
            Some(504),
            (504, "call-failed", "Gateway Timeout"),
        ),
        (
            Step::Call,
            Some(599),
            (599, "call-failed", "the item failed"),
        ),
    ];
    for (step, mapped, (status, code, title)) in rows {
        let layer = BatchLayer::new("/batch")
            .concurrency(1)
            .map_error(move |error, item| {
                assert_eq!((item.method.as_str(), item.uri.path()), ("GET", "/"));
                assert_eq!(error.to_string(), "a secret of the database");
                mapped.map(|status| StatusCode::from_u16(status).expect("a status"))
            });
        let service = layer.layer(Trapped::new(step, Effect::Fails, 1));
        let reply = send(service, requests(three(["/", "/", "/"]))).await;
        assert_second_failed(&reply, failed("b", status, code, title));
    }
}
