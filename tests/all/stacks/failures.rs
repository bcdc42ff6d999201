//! Layers that end, repeat or catch what fails.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{Request, Response, StatusCode};
use tower::retry::{Policy, Retry};
use tower::timeout::{Timeout, error::Elapsed};
use tower::{BoxError, Layer, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tower_multistatus::BatchLayer;

use super::{Count, THREE, layer, limits};
use crate::probe::Probe;
use crate::support::{api, batch, gets, requests, send};

const SECOND: Duration = Duration::from_secs(1);

/// The items of a batch of which some are slow.
const SLOW: [&str; 4] = ["/ok", "/hang", "/sleep/500", "/hang-body"];

fn with_mapped_error() -> BatchLayer {
    limits::layer()
        .map_error(|error, _| error.is::<Elapsed>().then_some(StatusCode::GATEWAY_TIMEOUT))
}

pub(super) async fn a_timeout_inside_ends_an_item() {
    // A timeout around a service does not include the body. The item timeout of the layer does.
    let layer = with_mapped_error().item_timeout(3 * SECOND);
    let inside = Timeout::new(Probe::new().1, SECOND);
    for reply in limits::flood(layer.layer(inside), 12, &SLOW).await {
        assert_eq!(reply.statuses(), [200, 504, 200, 504]);
        assert_eq!(reply.item("1")["body"]["code"], "call-failed");
        assert_eq!(reply.item("3")["body"]["code"], "item-timeout");
    }
}

pub(super) async fn a_timeout_outside_ends_the_batch() {
    let (book, probe) = Probe::new();
    let outside = Timeout::new(with_mapped_error().layer(probe), SECOND);
    let error: BoxError = outside
        .oneshot(requests(gets(&SLOW)))
        .await
        .expect_err("too slow");
    assert!(error.is::<Elapsed>());
    assert_eq!(book.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_tower_http_inside_responds_to_an_item() {
    let slow = get(async || tokio::time::sleep(5 * SECOND).await);
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, SECOND);
    let inner = api().route("/slow", slow).layer(timeout);
    let reply = batch(layer(), inner, gets(&["/users/1", "/slow", "/users/2"])).await;
    assert_eq!(reply.statuses(), [200, 408, 200]);
}

/// Sends a request without a body a second time, whatever the response is.
#[derive(Clone)]
struct Twice {
    is_first: bool,
}

impl<B, R> Policy<Request<B>, Response<R>, Infallible> for Twice
where
    B: http_body::Body + From<bytes::Bytes>,
{
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<B>,
        _: &mut Result<Response<R>, Infallible>,
    ) -> Option<Ready<()>> {
        std::mem::take(&mut self.is_first).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        let copy = Request::builder()
            .method(request.method())
            .uri(request.uri());
        let mut copy = copy.body(bytes::Bytes::new().into()).ok()?;
        copy.headers_mut().clone_from(request.headers());
        request.body().is_end_stream().then_some(copy)
    }
}

pub(super) async fn a_retry_inside_runs_an_item_again() {
    let count = Count::default();
    let inside = Retry::new(Twice { is_first: true }, count.inside());
    let reply = send(layer().layer(inside), requests(gets(&THREE))).await;
    assert_eq!(reply.statuses(), [200; 3]);
    assert_eq!(count.get(), 6);
}

pub(super) async fn a_retry_outside_runs_all_items_again() {
    let count = Count::default();
    let envelope = tower::service_fn({
        let batch = layer().layer(count.inside());
        // The envelope is in memory, so a retry can send it again.
        move |request: Request<Body>| batch.clone().oneshot(request.map(|_| three()))
    });
    let outside = Retry::new(Twice { is_first: true }, envelope);
    let request = requests(gets(&[])).map(|_| Body::empty());
    assert_eq!(send(outside, request).await.statuses(), [200; 3]);
    assert_eq!(count.get(), 6);
}

/// The envelope of three items.
fn three() -> Body {
    requests(gets(&THREE)).into_body()
}

fn catch_panic()
-> CatchPanicLayer<impl Fn(Box<dyn std::any::Any + Send>) -> axum::response::Response + Clone> {
    CatchPanicLayer::custom(|_| (StatusCode::IM_A_TEAPOT, "sorry").into_response())
}

fn panicking() -> axum::Router {
    let broken = get(async || -> () { std::panic::panic_any("broken") });
    api().route("/broken", broken)
}

pub(super) async fn a_catch_panic_inside_responds_to_an_item() {
    let inner = panicking().layer(catch_panic());
    let reply = batch(layer(), inner, gets(&["/users/1", "/broken"])).await;
    assert_eq!(reply.statuses(), [200, 418]);
    assert_eq!(reply.item("1")["body"], "sorry");
}

pub(super) async fn a_catch_panic_outside_catches_no_panic_of_an_item() {
    let service = catch_panic().layer(layer().layer(panicking()));
    let reply = send(service, requests(gets(&["/users/1", "/broken"]))).await;
    assert_eq!(reply.statuses(), [200, 500]);
    assert_eq!(reply.item("1")["body"]["code"], "panicked");
}
