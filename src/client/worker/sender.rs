//! The state of the worker.

use std::future::Future;
use std::iter::once;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use super::super::arrivals::Exit;
use super::super::body::ClientBody;
use super::super::error::{BatchClientError, BatchClientErrorKind};
use super::super::key::BatchKey;
use super::super::settings::Settings;
use super::super::waiting::Waiting;
use super::callers::Callers;
use super::endpoints::{Endpoint, Endpoints};
use super::in_flight::{Landed, fly};
use super::pack::pack;
use super::queue::Queue;
use crate::panics::{CatchDrop, catch};

pub(super) struct Sender<S> {
    /// Never called: each batch is sent by a clone.
    inner: S,
    /// The clone that sends the next batch.
    next: Option<CatchDrop<S>>,
    arrivals: Exit,
    is_closed: bool,
    queue: Queue,
    /// Ends when the requests that have arrived may leave.
    window: Option<Window>,
    /// The memory of `take_arrivals`, empty otherwise.
    arrived: Vec<Box<Waiting>>,
    tasks: FuturesUnordered<Task>,
    in_flight: usize,
    endpoints: Endpoints,
    last_id: u64,
    settings: Arc<Settings>,
}

type Task = Pin<Box<dyn Future<Output = Finished> + Send>>;

enum Finished {
    /// A batch. `None` if the inner client has panicked.
    Batch(Arc<BatchKey>, Option<Landed>),
    /// The time after which a request is sent again.
    Wait(Box<Waiting>),
}

/// The time for which requests wait for others.
enum Window {
    /// The worker yields once, so that all tasks that can run make their requests.
    Yield {
        has_yielded: bool,
    },
    Timer(Pin<Box<tokio::time::Sleep>>),
}

impl Window {
    fn new(length: Duration) -> Self {
        if length.is_zero() {
            Self::Yield { has_yielded: false }
        } else {
            Self::Timer(Box::pin(tokio::time::sleep(length)))
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Timer(timer) => timer.as_mut().poll(cx),
            Self::Yield { has_yielded: true } => Poll::Ready(()),
            Self::Yield { has_yielded: false } => {
                // `tokio::task::yield_now` would wait for the reactor, too.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl<S, B> Sender<S>
where
    S: Service<Request<ClientBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(inner: S, arrivals: Exit, settings: Arc<Settings>) -> Self {
        Self {
            inner,
            next: None,
            arrivals,
            is_closed: false,
            queue: Queue::default(),
            window: None,
            arrived: Vec::new(),
            tasks: FuturesUnordered::new(),
            in_flight: 0,
            endpoints: Endpoints::default(),
            last_id: 0,
            settings,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.arrivals.wake(cx.waker());
        if let Some(Window::Yield { has_yielded }) = &mut self.window {
            *has_yielded = true;
        }
        loop {
            while let Poll::Ready(Some(finished)) = self.tasks.poll_next_unpin(cx) {
                self.finish(finished);
            }
            self.take_arrivals();
            self.poll_window(cx);
            // A batch that was sent has to be polled, too.
            if !self.send_batches(cx) && self.takes_all() == self.arrivals.takes_all() {
                break;
            }
        }
        if self.is_closed && self.queue.is_empty() && self.tasks.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn finish(&mut self, finished: Finished) {
        match finished {
            Finished::Batch(key, landed) => {
                self.in_flight -= 1;
                // After a panic, nobody waits: the replies were dropped.
                let Some(landed) = landed else { return };
                if landed.endpoint != Endpoint::UNKNOWN {
                    self.endpoints.learn(key.origin(), landed.endpoint);
                }
                self.queue.put_back(&key, landed.put_back);
                for (wait, waiting) in landed.again {
                    self.tasks.push(Box::pin(async move {
                        tokio::time::sleep(wait).await;
                        Finished::Wait(waiting)
                    }));
                }
            }
            Finished::Wait(waiting) => {
                self.queue.push(once(waiting), self.settings.max_items);
            }
        }
    }

    fn take_arrivals(&mut self) {
        let takes_all = self.takes_all();
        self.is_closed = self.arrivals.take(&mut self.arrived, takes_all);
        let arrived = self.arrived.drain(..);
        self.queue.push(arrived, self.settings.max_items);
    }

    /// Whether a request that is alone waits for others: for those of its window, or because its
    /// group may wait for a batch.
    fn takes_all(&self) -> bool {
        !self.settings.window.is_zero() || !self.queue.is_empty()
    }

    fn poll_window(&mut self, cx: &mut Context<'_>) {
        if !self.queue.has_unripe() {
            return;
        }
        let length = self.settings.window;
        let window = self.window.get_or_insert_with(|| Window::new(length));
        if self.is_closed || window.poll(cx).is_ready() {
            self.window = None;
            let endpoints = &self.endpoints;
            self.queue.ripen(|key, group| {
                group.waiting.len() < 2 || endpoints.get(key.origin()).is_missing
            });
        }
    }

    /// Sends batches while one may be sent. Returns whether one was.
    fn send_batches(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.in_flight;
        while self.in_flight < self.settings.max_in_flight {
            let Some((key, group)) = self.queue.next() else {
                // Gives up what its readiness has reserved.
                self.next = None;
                break;
            };
            let key = Arc::clone(key);
            let endpoint = self.endpoints.get(key.origin());
            if group.waiting.len() < 2 || endpoint.is_missing {
                group
                    .waiting
                    .drain(..)
                    .for_each(|waiting| waiting.send_alone());
                continue;
            }
            let inner = &self.inner;
            let ready = catch(|| {
                let next = self
                    .next
                    .get_or_insert_with(|| CatchDrop::new(inner.clone()));
                next.poll_ready(cx)
            });
            match ready {
                Some(Poll::Pending) => break,
                Some(Poll::Ready(Ok(()))) => {}
                Some(Poll::Ready(Err(error))) => {
                    let error = BatchClientError::with_source(BatchClientErrorKind::NotSent, error);
                    let waiting = group.waiting.drain(..);
                    waiting.for_each(|waiting| waiting.fail(error.clone()));
                    self.next = None;
                    continue;
                }
                None => {
                    let error = BatchClientError::new(BatchClientErrorKind::NotSent);
                    let waiting = group.waiting.drain(..);
                    waiting.for_each(|waiting| waiting.fail(error.clone()));
                    self.next = None;
                    continue;
                }
            }
            let batch = pack(&key, group, endpoint, &mut self.last_id, &self.settings);
            if let (Some(batch), Some(mut next)) = (batch, self.next.take()) {
                let call = catch(|| next.call(batch.request));
                let callers = Callers::new(batch.items, batch.ids, self.settings.retry);
                let Some(call) = call else {
                    // The outcome is unknown to the callers, because the replies are dropped.
                    continue;
                };
                self.fly(call, callers, batch.bytes, key);
            }
        }
        self.queue.remove_empty();
        self.in_flight > before
    }

    fn fly(&mut self, call: S::Future, callers: Callers, bytes: usize, key: Arc<BatchKey>) {
        let settings = Arc::clone(&self.settings);
        let call = async { call.await.map_err(Into::into) };
        let flight = async move { fly(call, callers, bytes, &settings).await };
        self.in_flight += 1;
        self.tasks.push(Box::pin(async move {
            let landed = AssertUnwindSafe(flight).catch_unwind().await;
            let landed = landed.map_err(|panic| drop(CatchDrop::new(panic))).ok();
            Finished::Batch(key, landed)
        }));
    }
}
