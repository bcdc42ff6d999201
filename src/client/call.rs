//! One call: the request waits for its batch, or is sent alone.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tower::BoxError;

use super::alone::Alone;
use super::body::ClientBody;
use super::entry::Entry;
use super::error::{BatchClientError, BatchClientErrorKind};
use super::settings::Settings;
use super::waiting::{Verdict, Waiting};
use crate::body::{Envelope, ResponseBody};

/// The future of [`BatchClient`](crate::BatchClient). Dropping it removes the request from its
/// batch, if the batch has not been sent. A batch whose callers are all gone is cancelled.
#[must_use = "futures do nothing unless polled"]
pub struct BatchClientFuture<B>(Pin<Box<dyn Future<Output = Outcome<B>> + Send>>);

type Outcome<B> = Result<Response<ResponseBody<B>>, BatchClientError>;

impl<B> BatchClientFuture<B> {
    pub(super) fn new(call: impl Future<Output = Outcome<B>> + Send + 'static) -> Self {
        Self(Box::pin(call))
    }
}

impl<B> Future for BatchClientFuture<B> {
    type Output = Outcome<B>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<B> fmt::Debug for BatchClientFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchClientFuture").finish_non_exhaustive()
    }
}

/// The way to the worker: the queue, and a place in it.
pub(super) struct Access {
    pub(super) queue: mpsc::UnboundedSender<Waiting>,
    pub(super) place: Option<OwnedSemaphorePermit>,
    pub(super) settings: Arc<Settings>,
}

/// Sends a request, alone or in a batch.
pub(super) async fn call<ReqBody, ResBody>(
    alone: Alone<ResBody>,
    request: Request<ReqBody>,
    access: Access,
) -> Outcome<ResBody>
where
    ReqBody: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    ResBody: 'static,
{
    let (parts, body) = request.into_parts();
    let Some(entry) = Entry::new(&parts, &body.size_hint(), &access.settings) else {
        // Its place in the queue is free for another request while this one is sent.
        drop(access);
        let request = Request::from_parts(parts, ClientBody::new(body));
        return alone.send(request).await.map(passed_through);
    };
    let body = if body.is_end_stream() {
        Bytes::new()
    } else {
        let collected = Limited::new(body, access.settings.max_item_body_bytes)
            .collect()
            .await;
        let collected = collected
            .map_err(|error| BatchClientError::with_source(BatchClientErrorKind::NotSent, error))?;
        if collected.trailers().is_some() {
            drop(access);
            let request = Request::from_parts(parts, ClientBody::new(collected));
            return alone.send(request).await.map(passed_through);
        }
        collected.to_bytes()
    };
    match enter(entry, Request::from_parts(parts, body), access).await? {
        Verdict::Respond(response) => {
            Ok(response.map(|bytes| ResponseBody::envelope(Envelope::from(bytes))))
        }
        Verdict::SendAlone(request) => {
            let response = alone.send(request.map(ClientBody::from)).await;
            response.map(passed_through)
        }
        Verdict::Fail(error) => Err(error),
    }
}

fn passed_through<B>(response: Response<B>) -> Response<ResponseBody<B>> {
    response.map(ResponseBody::passthrough)
}

/// Puts a request into the queue, and waits for the verdict of the worker.
async fn enter(
    entry: Entry,
    request: Request<Bytes>,
    access: Access,
) -> Result<Verdict, BatchClientError> {
    let (reply, verdict) = oneshot::channel();
    let mut item = entry.item;
    item.body = request.body().clone();
    let waiting = Waiting {
        request,
        item,
        key: entry.key,
        reply,
        place: access.place,
        retries: 0,
    };
    let sent = access.queue.send(waiting);
    sent.map_err(|_| BatchClientError::new(BatchClientErrorKind::NotSent))?;
    drop(access.queue);
    // Without a verdict, the batch or its worker has panicked or was dropped.
    verdict
        .await
        .map_err(|_| BatchClientError::new(BatchClientErrorKind::OutcomeUnknown))
}
