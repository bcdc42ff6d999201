//! The reasons to refuse a batch.

use http::StatusCode;

use crate::status::final_status;

/// Why a whole batch is refused.
///
/// A refusal is a response, never an `Err` of the service. Nothing was dispatched, and the client
/// gets an `application/problem+json` body (RFC 9457) whose `code` is [`code`](Self::code). The
/// body never quotes what the client sent.
///
/// ```
/// use tower_multistatus::ErrorKind;
///
/// assert_eq!(ErrorKind::DuplicateId.code(), "duplicate-id");
/// assert_eq!(ErrorKind::TooManyItems.status(), 413);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The envelope, or a header that says how to read it, is invalid in its format: 400.
    Malformed,
    /// Two items have the same id: 400.
    DuplicateId,
    /// An item depends on an id that no earlier item has: 400.
    UnknownDependency,
    /// The batch path is [`exclusive`](crate::BatchLayer::exclusive) and the method is not POST:
    /// 405.
    MethodNotAllowed,
    /// No format can write a type that `Accept` allows: 406.
    NotAcceptable,
    /// The envelope had not arrived when the batch timed out, or one of the sources of the body's
    /// error is an [`io::Error`](std::io::Error) of the kind
    /// [`TimedOut`](std::io::ErrorKind::TimedOut): 408. The error of tower-http's
    /// `RequestBodyTimeoutLayer` has no such source. It becomes
    /// [`UploadFailed`](Self::UploadFailed) unless a layer between the two maps it.
    UploadTimeout,
    /// The body of the outer request failed before its end: 400.
    UploadFailed,
    /// More items than [`max_items`](crate::BatchLayer::max_items): 413.
    TooManyItems,
    /// More bytes than [`max_envelope_bytes`](crate::BatchLayer::max_envelope_bytes), or than a
    /// body limit outside the layer allows: 413.
    EnvelopeTooLarge,
    /// No format reads this `Content-Type`, or the envelope has a `Content-Encoding`: 415.
    UnsupportedMediaType,
    /// The envelope has an atomicity group or a condition, which the layer does not support: 501.
    UnsupportedAtomicity,
    /// The request has more than 1,000 header fields: 431.
    TooManyHeaders,
    /// A form that a page of another site may have sent with the user's cookies: 403.
    CrossSite,
    /// An item of a batch has reached a second batch endpoint: 508. An item that requests the
    /// endpoint of its own batch fails alone.
    NestedBatch,
    /// [`when`](crate::BatchLayer::when) or [`admit`](crate::BatchLayer::admit) panicked, or the
    /// inner service panicked when it was cloned for the batch: 500.
    Panicked,
    /// [`admit`](crate::BatchLayer::admit) had not decided when the batch timed out: 503.
    AdmissionTimeout,
    /// [`admit`](crate::BatchLayer::admit) refused the batch with this status. A 1xx becomes 500.
    NotAdmitted(StatusCode),
}

impl ErrorKind {
    /// The status of the refusal.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::DuplicateId | Self::UnknownDependency | Self::UploadFailed => {
                StatusCode::BAD_REQUEST
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::UploadTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooManyItems | Self::EnvelopeTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UnsupportedAtomicity => StatusCode::NOT_IMPLEMENTED,
            Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::NestedBatch => StatusCode::LOOP_DETECTED,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::AdmissionTimeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotAdmitted(status) => final_status(status),
        }
    }

    /// The stable name of the kind, which is the `code` of the problem document.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::DuplicateId => "duplicate-id",
            Self::UnknownDependency => "unknown-dependency",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotAcceptable => "not-acceptable",
            Self::UploadTimeout => "upload-timeout",
            Self::UploadFailed => "upload-failed",
            Self::TooManyItems => "too-many-items",
            Self::EnvelopeTooLarge => "envelope-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::UnsupportedAtomicity => "unsupported-atomicity",
            Self::TooManyHeaders => "too-many-headers",
            Self::CrossSite => "cross-site",
            Self::NestedBatch => "nested-batch",
            Self::Panicked => "panicked",
            Self::AdmissionTimeout => "admission-timeout",
            Self::NotAdmitted(_) => "not-admitted",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Malformed => "the envelope is malformed",
            Self::DuplicateId => "two items have the same id",
            Self::UnknownDependency => "an item depends on an id that no earlier item has",
            Self::MethodNotAllowed => "a batch must be sent with POST",
            Self::NotAcceptable => "no format matches the Accept header",
            Self::UploadTimeout => "the upload of the envelope timed out",
            Self::UploadFailed => "the upload of the envelope failed",
            Self::TooManyItems => "the batch has too many items",
            Self::EnvelopeTooLarge => "the envelope is too large",
            Self::UnsupportedMediaType => "no format reads this content type",
            Self::UnsupportedAtomicity => "atomicity groups and conditions are not supported",
            Self::TooManyHeaders => "the request has too many header fields",
            Self::CrossSite => "another site may have sent this form",
            Self::NestedBatch => "a batch cannot contain another batch",
            Self::Panicked => "the service panicked before the batch ran",
            Self::AdmissionTimeout => "the batch was not admitted in time",
            Self::NotAdmitted(_) => "the batch was not admitted",
        }
    }
}
