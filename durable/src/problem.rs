//! Problem documents (RFC 9457).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

/// A problem that this crate reports, for a request or for an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The item has begun in an attempt that was lost, and cannot be repeated.
    UnknownOutcome,
    /// The batch was cancelled before the item had a response.
    Cancelled,
    /// The batch ended before the item began, because workers have died of it.
    AttemptsExhausted,
    /// The batch ended before the item began, because its deadline had passed.
    DeadlineExceeded,
    /// There is no such monitor, or it is that of somebody else.
    NoSuchBatch,
    Expired,
    MethodNotAllowed,
    KeyReused,
    StoreUnavailable,
    StoreFull,
    Internal,
}

impl Problem {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::UnknownOutcome | Self::AttemptsExhausted | Self::Internal => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Cancelled => StatusCode::FAILED_DEPENDENCY,
            Self::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::NoSuchBatch => StatusCode::NOT_FOUND,
            Self::Expired => StatusCode::GONE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::StoreUnavailable | Self::StoreFull => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn code_and_title(self) -> (&'static str, &'static str) {
        match self {
            Self::UnknownOutcome => (
                "unknown-outcome",
                "the item has begun, and whether it has taken effect is not known",
            ),
            Self::Cancelled => ("cancelled", "the batch was cancelled"),
            Self::AttemptsExhausted => (
                "attempts-exhausted",
                "the batch ended before the item began, because its worker stopped too often",
            ),
            Self::DeadlineExceeded => (
                "deadline-exceeded",
                "the batch ended before the item began, because its time was up",
            ),
            Self::NoSuchBatch => ("no-such-batch", "there is no such batch"),
            Self::Expired => ("expired", "the result of the batch was removed"),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                "the monitor of a batch takes GET and DELETE",
            ),
            Self::KeyReused => (
                "idempotency-key-reused",
                "another batch was sent with this idempotency key",
            ),
            Self::StoreUnavailable => (
                "store-unavailable",
                "the batch cannot be stored or read now",
            ),
            Self::StoreFull => ("store-full", "too many batches are stored"),
            Self::Internal => ("internal", "the batch cannot be stored"),
        }
    }

    /// The headers and the body of the response that reports the problem.
    pub(crate) fn response(self) -> (HeaderMap, Bytes) {
        let (code, title) = self.code_and_title();
        let document = json!({
            "type": "about:blank", "title": title, "status": self.status().as_u16(), "code": code,
        });
        let mut headers = HeaderMap::new();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, problem);
        (headers, Bytes::from(document.to_string()))
    }
}
