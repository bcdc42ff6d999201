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
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tower::BoxError;

use super::alone::{Alone, Sending};
use super::arrivals::{Entrance, Leader};
use super::body::ClientBody;
use super::entry::Travel;
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
    Waiting {
        /// Until the caller knows whether others have joined it, if it leads.
        leader: Option<Leader>,
        verdict: oneshot::Receiver<Verdict>,
        alone: Alone<B>,
    },
    Sending(Sending<B>),
    Failed(Option<BatchClientError>),
}

/// What all clones of a client share.
pub(super) struct Shared<B> {
    pub(super) entrance: Entrance,
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
        let (parts, body) = request.into_parts();
        let (places, settings) = (&shared.places, &shared.settings);
        Self(
            match Travel::of(&parts, &body.size_hint(), places, settings) {
                // The place is free for another request while this one is sent.
                None => shared.send_alone(Request::from_parts(parts, body)),
                Some(travel) if body.is_end_stream() => {
                    shared.enter(Request::from_parts(parts, Bytes::new()), travel, place)
                }
                Some(travel) => {
                    let shared = Arc::clone(shared);
                    State::Reading(Box::pin(read(parts, body, travel, place, shared)))
                }
            },
        )
    }
}

impl<B: 'static> Shared<B> {
    fn send_alone<ReqBody>(&self, request: Request<ReqBody>) -> State<B>
    where
        ReqBody: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        State::Sending(self.alone.send(request.map(ClientBody::new)))
    }

    /// Puts a request into the queue.
    fn enter(
        &self,
        request: Request<Bytes>,
        travel: Travel,
        place: Option<OwnedSemaphorePermit>,
    ) -> State<B> {
        let (reply, verdict) = oneshot::channel();
        let waiting = Box::new(Waiting {
            request,
            travel,
            reply,
            place,
            retries: 0,
        });
        match self.entrance.enter(waiting) {
            Ok(leader) => State::Waiting {
                leader,
                verdict,
                alone: self.alone.clone(),
            },
            Err(_) => State::failed(BatchClientErrorKind::NotSent),
        }
    }
}

/// Reads the body of a request, and puts the request into the queue.
async fn read<ReqBody, B: 'static>(
    parts: Parts,
    body: ReqBody,
    travel: Travel,
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
            shared.send_alone(Request::from_parts(parts, body))
        }
        Ok(body) => {
            let request = Request::from_parts(parts, body.to_bytes());
            shared.enter(request, travel, place)
        }
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
                State::Waiting {
                    leader,
                    verdict,
                    alone,
                } => {
                    if let Some(leads) = leader {
                        let taken_back = ready!(leads.poll_take_back(cx));
                        *leader = None;
                        if let Some(waiting) = taken_back {
                            self.0 = match waiting.into_alone().0 {
                                Ok(request) => {
                                    State::Sending(alone.send(request.map(ClientBody::from)))
                                }
                                Err(error) => State::Failed(Some(error)),
                            };
                            continue;
                        }
                    }
                    match ready!(Pin::new(verdict).poll(cx)) {
                        Ok(Verdict::Respond(response)) => {
                            let response = response.map(Envelope::Item);
                            return Poll::Ready(Ok(response.map(ResponseBody::envelope)));
                        }
                        Ok(Verdict::SendAlone(request)) => {
                            State::Sending(alone.send(request.map(ClientBody::from)))
                        }
                        Ok(Verdict::Fail(error)) => State::Failed(Some(error)),
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
