//! The worker: collects requests, sends batches, and distributes the responses.

#![expect(
    clippy::vec_box,
    reason = "requests are large, and move from list to list"
)]

mod callers;
mod endpoints;
mod in_flight;
mod pack;
mod queue;
mod sender;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use self::sender::Sender;
use super::arrivals::Exit;
use super::body::ClientBody;
use super::settings::Settings;

/// The worker of a [`BatchClient`](crate::BatchClient), which
/// [`BatchClientLayer::pair`](crate::BatchClientLayer::pair) returns. It sends the batches while it
/// is polled.
///
/// It ends when all clones of the client are dropped, and all their batches have ended.
#[must_use = "without its worker, a client sends no batches"]
pub struct BatchClientWorker(Pin<Box<dyn Future<Output = ()> + Send>>);

impl BatchClientWorker {
    pub(super) fn new<S, B>(inner: S, arrivals: Exit, settings: Arc<Settings>) -> Self
    where
        S: Service<Request<ClientBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut sender = Sender::new(inner, arrivals, settings);
        Self(Box::pin(std::future::poll_fn(move |cx| sender.poll(cx))))
    }
}

impl Future for BatchClientWorker {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for BatchClientWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchClientWorker").finish_non_exhaustive()
    }
}
