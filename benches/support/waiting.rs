//! Services whose items wait for one another.

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

/// An item that waits.
#[derive(Debug)]
struct Place {
    is_free: bool,
    waker: Waker,
}

/// Each item waits until [`release`](Self::release) has come to it.
#[derive(Clone, Debug)]
struct OneByOne {
    /// The first to come in front.
    waiting: Arc<Mutex<VecDeque<Arc<Mutex<Place>>>>>,
    answer: Bytes,
}

impl OneByOne {
    /// Lets the item go on that has waited longest.
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
        let (waiting, answer) = (Arc::clone(&self.waiting), self.answer.clone());
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
                // The layer polls an item by another waker once it has to wait.
                place.waker.clone_from(waker);
                match place.is_free {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            })
            .await;
            Ok(json(answer))
        })
    }
}

/// The load, whose items finish one at a time: after each poll of the batch one item is let go.
pub(crate) fn one_by_one<'a>(
    runtime: &'a Runtime,
    layer: BatchLayer,
    answer: Bytes,
    load: &'a Load,
) -> Variant<'a> {
    let inner = OneByOne {
        waiting: Arc::default(),
        answer,
    };
    let mut service = layer.layer(inner.clone());
    Box::new(move |times| {
        runtime.block_on(async {
            for round in 0..times {
                let answered = async {
                    let answer = service.call(load.request()).await.expect("an answer");
                    answer.into_body().collect().await.expect("a body")
                };
                let mut answered = pin!(answered);
                let answered = std::future::poll_fn(|cx| {
                    let poll = answered.as_mut().poll(cx);
                    if poll.is_pending() {
                        inner.release();
                    }
                    poll
                });
                let answered = answered.await.to_bytes();
                if round == 0 {
                    let text = std::str::from_utf8(&answered).expect("JSON");
                    let succeeded = text.matches("\"status\":200,").count();
                    assert_eq!(succeeded, load.ready.len());
                }
            }
        });
    })
}

/// Makes each answer anew, and holds it until as many have come as the barrier counts.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) answer: Bytes,
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
        let Self { answer, others } = self.clone();
        Box::pin(async move {
            let answer = Bytes::copy_from_slice(&answer);
            others.wait().await;
            Ok(json(answer))
        })
    }
}
