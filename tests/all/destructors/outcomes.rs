//! Destructors that panic in a call that completes.

use std::future::Future;
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::{Request, Response};
use http_body::Frame;
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

use super::{Fragile, ways};
use crate::support::{end, gets};

/// An empty body that holds a value. If the flag is set, `is_end_stream` panics.
struct Ruin(Option<Fragile>, bool);

impl http_body::Body for Ruin {
    type Data = Bytes;
    type Error = Fragile;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fragile>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        assert!(!self.1, "a secret of the body");
        false
    }
}

/// A future that holds a value, and is pending for this number of polls.
struct Held(usize, Fragile);

impl Future for Held {
    type Output = Result<Response<Ruin>, Fragile>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0 == 0 {
            return Poll::Ready(Ok(Response::new(Ruin(Some(self.1.clone()), false))));
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

type Responding = Pin<Box<dyn Future<Output = Result<Response<Ruin>, Fragile>> + Send>>;

/// Responds according to the path, with a value whose destructor panics.
fn act(path: &str, alive: &Arc<AtomicUsize>) -> Responding {
    let fragile = || Fragile::new(alive);
    let mut response = Response::new(Ruin(None, false));
    match path {
        "/future" => return Box::pin(Held(0, fragile())),
        "/late" => return Box::pin(Held(2, fragile())),
        "/error" => {
            let fragile = fragile();
            return Box::pin(async { Err(fragile) });
        }
        "/throw" => panic_any(fragile()),
        "/body" => response.body_mut().0 = Some(fragile()),
        "/extension" => {
            response.extensions_mut().insert(fragile());
        }
        "/everywhere" => {
            *response.body_mut() = Ruin(Some(fragile()), true);
            response.extensions_mut().insert(fragile());
        }
        _ => {}
    }
    Box::pin(async { Ok(response) })
}

#[tokio::test]
async fn a_destructor_that_panics_fails_at_most_its_item() {
    let rows = [
        ("/future", 500),
        ("/late", 500),
        ("/body", 200),
        ("/extension", 200),
        ("/error", 500),
        ("/throw", 500),
        ("/everywhere", 500),
    ];
    for (path, status) in rows {
        for layer in ways(&BatchLayer::new("/batch")) {
            let alive = Arc::<AtomicUsize>::default();
            let service = service_fn({
                let alive = Arc::clone(&alive);
                move |request: Request<RequestBody<Body>>| act(request.uri().path(), &alive)
            });
            let reply = end(layer.layer(service), gets(&["/", path, "/", path])).await;
            assert_eq!(reply.statuses(), [200, status, 200, status], "{path}");
            assert_eq!(alive.load(Ordering::SeqCst), 0, "{path}");
        }
    }
}
