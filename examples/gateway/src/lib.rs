//! A gateway: a batch endpoint in front of several upstreams. Items and ordinary requests go
//! through the same stack.
//!
//! `cargo run --manifest-path examples/gateway/Cargo.toml` serves it on 127.0.0.1:3000.

pub mod breaker;
pub mod error;
pub mod forward;
pub mod retry;
pub mod upstream;

use std::future::ready;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use http::uri::Authority;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::timeout;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::limit::ConcurrencyLimit;
use tower::load::{CompleteOnResponse, PeakEwma};
use tower::retry::Retry;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::breaker::Breaker;
use crate::error::Error;
use crate::forward::Outgoing;
use crate::retry::Again;

/// Requests that wait in the queue. Any more wait in front of it, also in order.
const QUEUE: usize = 64;

/// The load of an upstream before its first response.
const FIRST_RTT: Duration = Duration::from_millis(10);

/// How fast the load of an upstream forgets a slow response. It is short, so that an upstream that
/// returns gets its share after about a second.
const DECAY: Duration = Duration::from_secs(1);

/// How long an upstream that fails gets no requests.
const OPEN_FOR: Duration = Duration::from_secs(1);

/// The settings of a gateway. Twice `wait` and once `respond` are less than the time limit of an
/// item, so that an item fails with 503 or 504 before the layer ends it.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Maximum requests in flight to each upstream.
    pub limit: usize,
    /// Failures of an upstream in a row, after which it gets no requests for a second.
    pub failures: u32,
    /// Retries of a request that was not sent, for each upstream. With no fewer than `failures`, a
    /// request gets past all upstreams that are dead.
    pub unsent: usize,
    /// Retries of a request with a safe method whose connection broke.
    pub broken: usize,
    /// How long a request waits for an upstream, and how long it may be sent again.
    pub wait: Duration,
    /// How long an upstream has for the head of its response.
    pub respond: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limit: 32,
            failures: 3,
            unsent: 3,
            broken: 2,
            wait: Duration::from_secs(2),
            respond: Duration::from_secs(5),
        }
    }
}

/// The batch endpoint at this path, for a gateway.
pub fn batch(path: &str) -> BatchLayer {
    BatchLayer::new(path)
        .max_item_body_bytes(forward::MAX_WHOLE)
        // A client that stops reading a stream must not keep the places of its items in flight.
        .executor(|item| drop(tokio::spawn(item)))
        .map_error(|error, _item| error.downcast_ref().map(Error::status))
}

/// Creates a gateway. It needs a tokio runtime.
pub fn gateway(upstreams: &[Authority], batch: BatchLayer, settings: Settings) -> Router {
    let fleet = fleet(upstreams, settings);
    let unsent = settings.unsent * upstreams.len();
    let send = service_fn(move |request| {
        let accepted = timeout(settings.wait, fleet.clone().oneshot(request));
        async move {
            let accepted = accepted.await.map_err(|_| Error::NobodyReady)?;
            Ok::<_, Error>(accepted?.await?)
        }
    });
    let inner = service_fn(move |request: Request<RequestBody<Body>>| {
        let send = send.clone();
        async move {
            let request = forward::prepare(request).await?;
            let policy = Again::new(unsent, settings.broken, settings.wait);
            Retry::new(policy, send).oneshot(request).await
        }
    });
    Router::new().fallback_service(HandleError::new(batch.layer(inner), fail))
}

/// Balances requests over the upstreams. The response of this service is the future of the
/// response of an upstream: the caller can limit the time until an upstream accepts a request, and
/// knows that nothing is sent before.
fn fleet(
    upstreams: &[Authority],
    settings: Settings,
) -> impl Service<
    Request<Outgoing>,
    Response = impl Future<Output = Result<Response<Incoming>, BoxError>> + Send,
    Error = BoxError,
    Future: Send,
> + Clone
+ Send
+ Sync
+ 'static {
    let client = forward::client();
    let upstreams = upstreams.iter().map(|upstream| {
        let (client, upstream) = (client.clone(), upstream.clone());
        let send = service_fn(move |request| {
            forward::send(client.clone(), upstream.clone(), settings.respond, request)
        });
        let limited = ConcurrencyLimit::new(send, settings.limit);
        let guarded = Breaker::new(limited, settings.failures, OPEN_FOR, Error::is_of_upstream);
        let decay = DECAY.as_nanos() as f64;
        PeakEwma::new(guarded, FIRST_RTT, decay, CompleteOnResponse::default())
    });
    let upstreams: Vec<_> = upstreams.collect();
    ServiceBuilder::new()
        .buffer(QUEUE)
        .map_future(|response| ready(Ok::<_, BoxError>(response)))
        .service(Balance::new(ServiceList::new(upstreams)))
}

/// The response to an ordinary request that fails. It does not quote the error.
async fn fail(error: Error) -> (StatusCode, &'static str) {
    let status = error.status();
    (status, status.canonical_reason().unwrap_or_default())
}
