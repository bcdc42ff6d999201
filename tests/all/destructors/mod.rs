//! Destructors that panic, wherever a batch holds a value of the inner service.

use std::fmt;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, Service};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::support::{end, gets, read, requests, responding, send};

mod outcomes;

/// A value that is counted while it lives, and panics when it is dropped.
struct Fragile(Arc<AtomicUsize>);

impl Fragile {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(alive))
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        panic!("a secret of the destructor");
    }
}

impl fmt::Debug for Fragile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fragile")
    }
}

impl fmt::Display for Fragile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret of the error")
    }
}

impl std::error::Error for Fragile {}

/// The place of a value whose destructor panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The instance of the batch, which items are cloned from.
    Batch,
    /// The instance of an item, which never becomes ready.
    Readiness,
    /// A request that waits for such an instance.
    Request,
    /// A future that hangs.
    Future,
    /// A body that hangs.
    Body,
    /// The error of the readiness of an item's instance.
    Error,
    /// A request whose instance cannot be cloned.
    Clone,
}

const HANGING: [Place; 5] = [
    Place::Batch,
    Place::Readiness,
    Place::Request,
    Place::Future,
    Place::Body,
];

/// A service with the number of clones up to it. The layer has the first instance, items have the
/// third.
struct Frail {
    place: Place,
    generation: usize,
    alive: Arc<AtomicUsize>,
    _value: Option<Fragile>,
}

impl Frail {
    fn new(place: Place) -> (Arc<AtomicUsize>, Self) {
        let alive = Arc::<AtomicUsize>::default();
        let frail = Self {
            place,
            generation: 1,
            alive: Arc::clone(&alive),
            _value: None,
        };
        (alive, frail)
    }
}

impl Clone for Frail {
    fn clone(&self) -> Self {
        let generation = self.generation + 1;
        assert!(self.place != Place::Clone || generation < 3, "a secret");
        let is_fragile = match self.place {
            Place::Batch => generation == 2,
            Place::Readiness | Place::Request => generation == 3,
            _ => false,
        };
        Self {
            place: self.place,
            generation,
            alive: Arc::clone(&self.alive),
            _value: is_fragile.then(|| Fragile::new(&self.alive)),
        }
    }
}

impl Service<Request<RequestBody<Body>>> for Frail {
    type Response = Response<Body>;
    type Error = Fragile;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Fragile>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fragile>> {
        match self.place {
            Place::Readiness | Place::Request if self.generation == 3 => Poll::Pending,
            Place::Error if self.generation == 3 => Poll::Ready(Err(Fragile::new(&self.alive))),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: Request<RequestBody<Body>>) -> Self::Future {
        let fragile = Fragile::new(&self.alive);
        match self.place {
            Place::Body => Box::pin(async move {
                let frames = stream::poll_fn(move |_| {
                    let _held = &fragile;
                    Poll::<Option<Result<Bytes, Fragile>>>::Pending
                });
                Ok(Response::new(Body::from_stream(frames)))
            }),
            _ => Box::pin(async move {
                let _held = fragile;
                pending().await
            }),
        }
    }
}

fn layer(place: Place) -> BatchLayer {
    let layer = BatchLayer::new("/batch").concurrency(8);
    let layer = layer.item_timeout(None).batch_timeout(None);
    match place {
        Place::Request | Place::Clone => layer.inherit_extension::<Fragile>(),
        _ => layer,
    }
}

/// A batch whose extension panics when dropped, for the places that need one.
fn request(place: Place, alive: &Arc<AtomicUsize>) -> Request<Body> {
    let mut request = requests(gets(&["/"; 8]));
    if matches!(place, Place::Request | Place::Clone) {
        request.extensions_mut().insert(Fragile::new(alive));
    }
    request
}

/// Calls a service without dropping it, as its destructor may panic outside of the batch.
async fn respond<S: Service<Request<Body>, Error: fmt::Debug>>(
    mut service: S,
    request: Request<Body>,
) -> S::Response {
    std::future::poll_fn(|cx| service.poll_ready(cx))
        .await
        .expect("ready");
    let response = service.call(request);
    std::mem::forget(service);
    response.await.expect("a response")
}

fn is_dropped_in_peace<T>(value: T) -> bool {
    catch_unwind(AssertUnwindSafe(|| drop(value))).is_ok()
}

/// The layer without and with an executor.
fn ways(layer: &BatchLayer) -> [BatchLayer; 2] {
    let spawned = layer.clone().executor(|item| {
        tokio::spawn(item);
    });
    [layer.clone(), spawned]
}

/// Polls a future that never becomes ready until all items wait.
async fn settle<F: Future>(mut future: Pin<&mut F>) {
    for _ in 0..20 {
        let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
        tokio::task::yield_now().await;
    }
}

/// The number of values that the leaked service holds.
fn leaked(place: Place) -> usize {
    usize::from(place == Place::Batch)
}

#[tokio::test]
async fn a_dropped_response_future_drops_every_item_even_if_all_panic() {
    for place in HANGING {
        for layer in ways(&layer(place)) {
            let (alive, frail) = Frail::new(place);
            let mut response = Box::pin(respond(layer.layer(frail), request(place, &alive)));
            settle(response.as_mut()).await;
            assert!(alive.load(Ordering::SeqCst) >= 8, "{place:?}");
            assert!(is_dropped_in_peace(response), "{place:?}");
            assert_eq!(alive.load(Ordering::SeqCst), leaked(place), "{place:?}");
        }
    }
}

#[tokio::test]
async fn a_dropped_streamed_body_drops_every_item_even_if_all_panic() {
    for place in HANGING {
        for layer in ways(&layer(place).streamed(true)) {
            let (alive, frail) = Frail::new(place);
            let response = respond(layer.layer(frail), request(place, &alive)).await;
            let mut body = Box::pin(response.into_body());
            let _head = body.frame().await;
            settle(pin!(body.frame())).await;
            assert!(alive.load(Ordering::SeqCst) >= 8, "{place:?}");
            assert!(is_dropped_in_peace(body), "{place:?}");
            assert_eq!(alive.load(Ordering::SeqCst), leaked(place), "{place:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_drops_every_item_even_if_all_panic() {
    let second = Duration::from_secs(1);
    for place in HANGING {
        for layer in ways(&layer(place)) {
            let item = layer.clone().item_timeout(second);
            for layer in [item, layer.batch_timeout(second)] {
                let (alive, frail) = Frail::new(place);
                let request = request(place, &alive);
                let response = respond(layer.layer(frail), request).await;
                let reply = read(response).await;
                assert_eq!(reply.statuses(), [504; 8], "{place:?}");
                assert_eq!(alive.load(Ordering::SeqCst), leaked(place), "{place:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_or_never_polled_is_dropped_without_a_panic() {
    let (alive, frail) = Frail::new(Place::Batch);
    let mut service = layer(Place::Batch).layer(frail);
    let refused = service.call(requests(gets(&["/"; 101])));
    let dropped = service.call(requests(gets(&["/"])));
    std::mem::forget(service);
    assert_eq!(refused.await.expect("a refusal").status(), 413);
    assert!(is_dropped_in_peace(dropped));
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_error_of_readiness_whose_destructor_panics_is_503() {
    for layer in ways(&layer(Place::Error)) {
        let (alive, frail) = Frail::new(Place::Error);
        let reply = end(layer.layer(frail), gets(&["/"; 3])).await;
        assert_eq!(reply.statuses(), [503; 3]);
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_request_whose_service_cannot_be_cloned_is_dropped_without_a_panic() {
    for layer in ways(&layer(Place::Clone)) {
        let (alive, frail) = Frail::new(Place::Clone);
        let request = request(Place::Clone, &alive);
        let reply = send(layer.layer(frail), request).await;
        assert_eq!(reply.statuses(), [500; 8]);
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn an_outer_extension_whose_destructor_panics_is_harmless() {
    for (count, status) in [(1, 207), (101, 413)] {
        let alive = Arc::<AtomicUsize>::default();
        let mut request = requests(gets(&vec!["/"; count]));
        request.extensions_mut().insert(Fragile::new(&alive));
        let service = responding(200, &[], "well");
        let reply = send(BatchLayer::new("/batch").layer(service), request).await;
        assert_eq!(reply.status, status);
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
}
