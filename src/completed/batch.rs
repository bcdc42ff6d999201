//! A batch that has ended.

use std::time::Duration;

use http::StatusCode;

use crate::error::ErrorKind;

/// A batch that has ended, for [`BatchLayer::on_batch`](crate::BatchLayer::on_batch).
///
/// A batch ends when its response is complete, when it is refused, or when its response is dropped
/// before, because the client has gone away for example.
#[derive(Clone, Debug)]
pub struct CompletedBatch {
    pub(crate) items: usize,
    pub(crate) succeeded: usize,
    pub(crate) duration: Duration,
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) end: End,
}

/// How a batch has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Responded,
    Refused,
    Dropped,
}

impl CompletedBatch {
    /// The number of items with a response, each of which had its call of
    /// [`on_response`](crate::BatchLayer::on_response). 0 if the batch was refused. If it was
    /// dropped, items without a response do not count.
    pub fn items(&self) -> usize {
        self.items
    }

    /// Number of items whose status is a 2xx or a 3xx.
    pub fn succeeded(&self) -> usize {
        self.succeeded
    }

    /// Number of all other items.
    pub fn failed(&self) -> usize {
        self.items - self.succeeded
    }

    /// The time from the call of the layer to the end of the batch. It includes the upload. For a
    /// streamed response, it includes the time that the client took to read.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The outer status. `None` if the batch was dropped before it had one.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Why the batch was refused, or why the upload of a [stream](crate::guide::streams) ended
    /// early.
    pub fn error(&self) -> Option<ErrorKind> {
        self.error
    }

    /// Whether the batch was refused, so that no item was dispatched.
    pub fn is_refused(&self) -> bool {
        self.end == End::Refused
    }

    /// Whether the batch was dropped before its response was complete. All items in flight were
    /// cancelled then.
    ///
    /// The layer does not see whether a client receives the bytes of a complete response.
    pub fn is_dropped(&self) -> bool {
        self.end == End::Dropped
    }
}
