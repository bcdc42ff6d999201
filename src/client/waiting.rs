//! A request that waits for its response.

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::entry::Travel;
use super::error::{BatchClientError, BatchClientErrorKind};
use super::extensions::DependsOn;

/// A request that waits in the queue, or for the response to its batch.
#[derive(Debug)]
pub(super) struct Waiting {
    /// As the caller has made it.
    pub(super) request: Request<Bytes>,
    pub(super) travel: Travel,
    pub(super) reply: oneshot::Sender<Verdict>,
    /// The place in the queue. `None` once the request has left it.
    pub(super) place: Option<OwnedSemaphorePermit>,
    /// How often the item was sent again.
    pub(super) retries: u32,
}

/// What the caller does.
#[derive(Debug)]
pub(super) enum Verdict {
    Respond(Response<Bytes>),
    /// Boxed, because most callers get a response, which is half as large.
    SendAlone(Box<Request<Bytes>>),
    Fail(BatchClientError),
}

impl Waiting {
    /// Whether the caller has gone away.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    /// The ids of the requests on which this one depends.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = &str> {
        let depends_on = self.request.extensions().get::<DependsOn>();
        depends_on.into_iter().flat_map(DependsOn::ids)
    }

    pub(super) fn depends_on_others(&self) -> bool {
        self.dependencies().next().is_some()
    }

    /// Makes the caller send the request itself.
    pub(super) fn send_alone(self) {
        let (request, reply) = self.into_alone();
        let verdict = match request {
            Ok(request) => Verdict::SendAlone(Box::new(request)),
            Err(error) => Verdict::Fail(error),
        };
        // A caller that is gone needs nothing.
        drop(reply.send(verdict));
    }

    /// The request, for its caller to send, and the way to tell the caller.
    pub(super) fn into_alone(
        self,
    ) -> (
        Result<Request<Bytes>, BatchClientError>,
        oneshot::Sender<Verdict>,
    ) {
        let request = match self.depends_on_others() {
            true => Err(BatchClientError::new(BatchClientErrorKind::Dependency)),
            false => Ok(self.request),
        };
        (request, self.reply)
    }

    pub(super) fn respond(self, response: Response<Bytes>) {
        drop(self.reply.send(Verdict::Respond(response)));
    }

    /// Called if the worker ends before it has sent the request.
    pub(super) fn not_sent(self) {
        self.fail(BatchClientError::new(BatchClientErrorKind::NotSent));
    }

    pub(super) fn fail(self, error: BatchClientError) {
        drop(self.reply.send(Verdict::Fail(error)));
    }
}
