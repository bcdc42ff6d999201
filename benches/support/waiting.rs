//! Inner services whose items wait for each other.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::runtime::Runtime;
use tokio::sync::Barrier;
use tower::{Layer, Service};
use tower_multistatus::{BatchLayer, RequestBody};

use super::Load;
use super::harness::Variant;
use super::inner::json;

/// The place of an item in the queue.
#[derive(Debug)]
struct Place {
    is_free: bool,
    waker: Waker,
}

/// An inner service whose items wait until [`release`](Self::release) lets them finish.
#[derive(Clone, Debug)]
struct OneByOne {
    /// The queue, oldest first.
    waiting: Arc<Mutex<VecDeque<Arc<Mutex<Place>>>>>,
    body: Bytes,
}

impl OneByOne {
    /// Lets the oldest item finish.
    fn release(&self) {
        let first = self.waiting.lock().expect("the queue").pop_front();
        if let Some(first) = first {
            let mut first = first.lock().expect("a place");
            first.is_free = true;
            first.waker.wake_by_ref();
        }
    }
}

impl<B> Service<Request<B>> for OneByOne {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let (waiting, body) = (Arc::clone(&self.waiting), self.body.clone());
        Box::pin(async move {
            let mut place: Option<Arc<Mutex<Place>>> = None;
            std::future::poll_fn(|cx| {
                let waker = cx.waker();
                let Some(place) = &place else {
                    let queued = place.insert(Arc::new(Mutex::new(Place {
                        is_free: false,
                        waker: waker.clone(),
                    })));
                    let mut waiting = waiting.lock().expect("the queue");
                    waiting.push_back(Arc::clone(queued));
                    return Poll::Pending;
                };
                let mut place = place.lock().expect("a place");
                // The layer polls an item with another waker once the item has to wait.
                place.waker.clone_from(waker);
                if place.is_free {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
            Ok(json(body))
        })
    }
}

/// Sends the load to a service whose items finish one at a time: one after each poll of the batch.
pub(crate) fn one_by_one<'a>(
    runtime: &'a Runtime,
    layer: BatchLayer,
    body: Bytes,
    load: &'a Load,
) -> Variant<'a> {
    let inner = OneByOne {
        waiting: Arc::default(),
        body,
    };
    let mut service = layer.layer(inner.clone());
    Box::new(move |times| {
        runtime.block_on(async {
            for round in 0..times {
                let response = async {
                    let response = service.call(load.request()).await.expect("a response");
                    response.into_body().collect().await.expect("a body")
                };
                let mut response = pin!(response);
                let response = std::future::poll_fn(|cx| {
                    let poll = response.as_mut().poll(cx);
                    if poll.is_pending() {
                        inner.release();
                    }
                    poll
                });
                let response = response.await.to_bytes();
                if round == 0 {
                    let text = std::str::from_utf8(&response).expect("JSON");
                    let succeeded = text.matches("\"status\":200,").count();
                    assert_eq!(succeeded, load.ready.len());
                }
            }
        });
    })
}

/// Allocates each response, and holds it until the barrier has counted enough of them.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) body: Bytes,
    pub(crate) others: Arc<Barrier>,
}

impl<B> Service<Request<RequestBody<B>>> for Held {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<RequestBody<B>>) -> Self::Future {
        let Self { body, others } = self.clone();
        Box::pin(async move {
            let body = Bytes::copy_from_slice(&body);
            others.wait().await;
            Ok(json(body))
        })
    }
}
