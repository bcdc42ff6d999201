//! One call: the request waits for its batch, or is sent alone.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tower::BoxError;

use super::alone::{Alone, Sending};
use super::body::ClientBody;
use super::entry::Entry;
use super::error::{BatchClientError, BatchClientErrorKind};
use super::place::Places;
use super::settings::Settings;
use super::waiting::{Verdict, Waiting};
use crate::body::{Envelope, ResponseBody};

/// The future of [`BatchClient`](crate::BatchClient). Dropping it removes the request from its
/// batch, if the batch has not been sent. A batch whose callers are all gone is cancelled.
#[must_use = "futures do nothing unless polled"]
pub struct BatchClientFuture<B>(State<B>);

enum State<B> {
    /// The request cannot be in the queue before its body has been read.
    Reading(Pin<Box<dyn Future<Output = Self> + Send>>),
    Waiting(oneshot::Receiver<Verdict>, Alone<B>),
    Sending(Sending<B>),
    Failed(Option<BatchClientError>),
}

/// What all clones of a client share.
pub(super) struct Shared<B> {
    pub(super) queue: mpsc::UnboundedSender<Box<Waiting>>,
    pub(super) alone: Alone<B>,
    pub(super) places: Places,
    pub(super) settings: Arc<Settings>,
}

impl<B: 'static> BatchClientFuture<B> {
    /// Begins to send a request, which has a place in the queue.
    pub(super) fn new<ReqBody>(
        request: Request<ReqBody>,
        place: Option<OwnedSemaphorePermit>,
        shared: &Arc<Shared<B>>,
    ) -> Self
    where
        ReqBody: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (mut parts, body) = request.into_parts();
        let (places, settings) = (&shared.places, &shared.settings);
        Self(
            match Entry::new(&mut parts, &body.size_hint(), places, settings) {
                // The place is free for another request while this one is sent.
                None => shared.send_alone(parts, body),
                Some(entry) if body.is_end_stream() => {
                    shared.enter(entry, parts, Bytes::new(), place)
                }
                Some(entry) => {
                    let shared = Arc::clone(shared);
                    State::Reading(Box::pin(read(entry, parts, body, place, shared)))
                }
            },
        )
    }
}

impl<B: 'static> Shared<B> {
    fn send_alone<ReqBody>(&self, parts: Parts, body: ReqBody) -> State<B>
    where
        ReqBody: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let request = Request::from_parts(parts, ClientBody::new(body));
        State::Sending(self.alone.send(request))
    }

    /// Puts a request into the queue.
    fn enter(
        &self,
        mut entry: Entry,
        parts: Parts,
        body: Bytes,
        place: Option<OwnedSemaphorePermit>,
    ) -> State<B> {
        let (reply, verdict) = oneshot::channel();
        entry.item.body = body.clone();
        let waiting = Box::new(Waiting {
            request: Request::from_parts(parts, body),
            entry,
            reply,
            place,
            retries: 0,
        });
        match self.queue.send(waiting) {
            Ok(()) => State::Waiting(verdict, self.alone.clone()),
            Err(_) => State::failed(BatchClientErrorKind::NotSent),
        }
    }
}

/// Reads the body of a request, and puts the request into the queue.
async fn read<ReqBody, B: 'static>(
    entry: Entry,
    mut parts: Parts,
    body: ReqBody,
    place: Option<OwnedSemaphorePermit>,
    shared: Arc<Shared<B>>,
) -> State<B>
where
    ReqBody: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let body = Limited::new(body, shared.settings.max_item_body_bytes);
    match body.collect().await {
        // A batch has no place for trailers.
        Ok(body) if body.trailers().is_some() => {
            entry.put_headers(&mut parts.headers);
            shared.send_alone(parts, body)
        }
        Ok(body) => shared.enter(entry, parts, body.to_bytes(), place),
        Err(error) => {
            let kind = BatchClientErrorKind::NotSent;
            State::Failed(Some(BatchClientError::with_source(kind, error)))
        }
    }
}

impl<B> State<B> {
    fn failed(kind: BatchClientErrorKind) -> Self {
        Self::Failed(Some(BatchClientError::new(kind)))
    }
}

impl<B: 'static> Future for BatchClientFuture<B> {
    type Output = Result<Response<ResponseBody<B>>, BatchClientError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            self.0 = match &mut self.0 {
                State::Reading(reading) => ready!(reading.as_mut().poll(cx)),
                State::Waiting(verdict, alone) => {
                    match ready!(Pin::new(verdict).poll(cx)) {
                        Ok(Verdict::Respond(response)) => {
                            let response = response.map(Envelope::from);
                            return Poll::Ready(Ok(response.map(ResponseBody::envelope)));
                        }
                        Ok(Verdict::SendAlone(request)) => {
                            State::Sending(alone.send(request.map(ClientBody::from)))
                        }
                        Ok(Verdict::Fail(error)) => return Poll::Ready(Err(error)),
                        // The batch or its worker has panicked, or was dropped.
                        Err(_) => State::failed(BatchClientErrorKind::OutcomeUnknown),
                    }
                }
                State::Sending(sending) => {
                    let response = ready!(sending.as_mut().poll(cx));
                    let passed = response.map(|response| response.map(ResponseBody::passthrough));
                    return Poll::Ready(passed);
                }
                State::Failed(error) => {
                    // A future that is polled after its end has no error left.
                    let unknown = || BatchClientError::new(BatchClientErrorKind::OutcomeUnknown);
                    return Poll::Ready(Err(error.take().unwrap_or_else(unknown)));
                }
            }
        }
    }
}

impl<B> fmt::Debug for BatchClientFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchClientFuture").finish_non_exhaustive()
    }
}
