//! Why a request has no response.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use tower::BoxError;

/// Why a request through a [`BatchClient`](crate::BatchClient) has no response.
///
/// An error response of a server is a response, not one of these.
///
/// ```
/// use tower_multistatus::{BatchClientError, BatchClientErrorKind};
///
/// /// Whether the request can be sent again without the risk that it runs twice.
/// fn has_not_run(error: &BatchClientError) -> bool {
///     matches!(error.kind(), BatchClientErrorKind::NotSent | BatchClientErrorKind::Dependency)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct BatchClientError {
    kind: BatchClientErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kind of a [`BatchClientError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BatchClientErrorKind {
    /// The request was not sent: its body failed, the inner client was not ready, or the worker has
    /// ended.
    NotSent,
    /// The request depends on another one, and the two could not be sent in one batch. It was not
    /// sent.
    Dependency,
    /// The inner client failed with a request that was sent alone. The error of the client is the
    /// [source](StdError::source).
    Client,
    /// The batch was sent, and its response was lost or cannot be read. The request may have run,
    /// and its method is not idempotent. So it was not sent again.
    OutcomeUnknown,
    /// The response to the batch is complete and has no response to this request.
    MissingResponse,
    /// The response to the batch has several responses to this request.
    AmbiguousResponse,
    /// The response to this request is invalid.
    UnreadableResponse,
}

impl BatchClientError {
    pub(super) fn new(kind: BatchClientErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(super) fn with_source(kind: BatchClientErrorKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: Some(Arc::from(source.into())),
        }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> BatchClientErrorKind {
        self.kind
    }
}

impl fmt::Display for BatchClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            BatchClientErrorKind::NotSent => "the request was not sent",
            BatchClientErrorKind::Dependency => {
                "the request was not sent in one batch with one that it depends on"
            }
            BatchClientErrorKind::Client => "the client failed",
            BatchClientErrorKind::OutcomeUnknown => {
                "the response to the batch was lost, and the request may have run"
            }
            BatchClientErrorKind::MissingResponse => "the batch has no response to the request",
            BatchClientErrorKind::AmbiguousResponse => {
                "the batch has several responses to the request"
            }
            BatchClientErrorKind::UnreadableResponse => "the response is invalid",
        })
    }
}

impl StdError for BatchClientError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
