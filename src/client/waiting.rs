//! A request that waits for its response.

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::entry::Entry;
use super::error::{BatchClientError, BatchClientErrorKind};

/// A request that waits in the queue, or for the response to its batch.
#[derive(Debug)]
pub(super) struct Waiting {
    /// As the caller has made it, but for the headers that the entry has.
    pub(super) request: Request<Bytes>,
    pub(super) entry: Entry,
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
    SendAlone(Request<Bytes>),
    Fail(BatchClientError),
}

impl Waiting {
    /// Whether the caller has gone away.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    pub(super) fn depends_on_others(&self) -> bool {
        self.entry.item.dependencies().next().is_some()
    }

    /// Makes the caller send the request itself.
    pub(super) fn send_alone(mut self) {
        if self.depends_on_others() {
            return self.fail(BatchClientError::new(BatchClientErrorKind::Dependency));
        }
        self.entry.put_headers(self.request.headers_mut());
        // A caller that is gone needs nothing.
        drop(self.reply.send(Verdict::SendAlone(self.request)));
    }

    pub(super) fn respond(self, response: Response<Bytes>) {
        drop(self.reply.send(Verdict::Respond(response)));
    }

    pub(super) fn fail(self, error: BatchClientError) {
        drop(self.reply.send(Verdict::Fail(error)));
    }
}
