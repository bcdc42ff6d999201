//! Why a batch is refused, and how that is said on the wire.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::content_length::content_length;
use crate::status::{final_status, has_no_body};

pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a whole batch is refused.
///
/// A refusal is a response, never an `Err` of the service: nothing was dispatched, and the client gets an
/// `application/problem+json` body (RFC 9457) whose `code` is [`code`](Self::code). Neither quotes what the client sent.
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
    /// The envelope, or a header that says how to read it, is not what its format asks for: 400.
    Malformed,
    /// Two items have the same id: 400.
    DuplicateId,
    /// An item depends on an id that no earlier item has: 400.
    UnknownDependency,
    /// The batch path is [`exclusive`](crate::BatchLayer::exclusive) and the method is another one than POST: 405.
    MethodNotAllowed,
    /// No format can write what `Accept` asks for: 406.
    NotAcceptable,
    /// The envelope had not arrived when the deadline passed, or an error of its body has an
    /// [`io::Error`](std::io::Error) of the kind [`TimedOut`](std::io::ErrorKind::TimedOut) among
    /// its sources: 408. That of tower-http's `RequestBodyTimeoutLayer` has none, and is
    /// [`UploadFailed`](Self::UploadFailed) unless a layer between maps it to one that has.
    UploadTimeout,
    /// The body of the outer request failed before the envelope was whole: 400.
    UploadFailed,
    /// More items than [`max_items`](crate::BatchLayer::max_items): 413.
    TooManyItems,
    /// More bytes than [`max_envelope_bytes`](crate::BatchLayer::max_envelope_bytes), or than a
    /// body limit outside of the layer lets through: 413.
    EnvelopeTooLarge,
    /// No format reads this `Content-Type`, or the envelope has a `Content-Encoding`: 415.
    UnsupportedMediaType,
    /// The envelope has an atomicity group or a condition, which cannot be honoured: 501.
    UnsupportedAtomicity,
    /// The request has more than 1,000 header fields: 431.
    TooManyHeaders,
    /// An item of a batch has reached a second batch endpoint: 508. One that asks for the endpoint
    /// of its own batch fails alone.
    NestedBatch,
    /// [`when`](crate::BatchLayer::when) or [`admit`](crate::BatchLayer::admit) panicked, or the
    /// wrapped service did when it was cloned for the batch: 500.
    Panicked,
    /// [`admit`](crate::BatchLayer::admit) had not decided when the batch's time was over: 503.
    AdmissionTimeout,
    /// [`admit`](crate::BatchLayer::admit) said no, with this status; with 500 in the place of a
    /// 1xx.
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
            Self::NestedBatch => StatusCode::LOOP_DETECTED,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::AdmissionTimeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotAdmitted(status) => final_status(status),
        }
    }

    /// The stable name that stands as `code` in the problem document.
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
            Self::NestedBatch => "nested-batch",
            Self::Panicked => "panicked",
            Self::AdmissionTimeout => "admission-timeout",
            Self::NotAdmitted(_) => "not-admitted",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Malformed => "the envelope is malformed",
            Self::DuplicateId => "two items have the same id",
            Self::UnknownDependency => "an item depends on one that does not stand before it",
            Self::MethodNotAllowed => "a batch is sent by POST",
            Self::NotAcceptable => "no format can write what is accepted",
            Self::UploadTimeout => "the envelope did not arrive in time",
            Self::UploadFailed => "the envelope did not arrive whole",
            Self::TooManyItems => "the batch has too many items",
            Self::EnvelopeTooLarge => "the envelope is too large",
            Self::UnsupportedMediaType => "no format reads an envelope of this type",
            Self::UnsupportedAtomicity => "atomicity groups and conditions are not supported",
            Self::TooManyHeaders => "the request has too many header fields",
            Self::NestedBatch => "a batch cannot be an item of a batch",
            Self::Panicked => "the service panicked before the batch ran",
            Self::AdmissionTimeout => "the batch was not admitted in time",
            Self::NotAdmitted(_) => "the batch was not admitted",
        }
    }
}

/// A refusal: an [`ErrorKind`], what is wrong, and where in the envelope it was found.
///
/// Formats of your own return it from [`Decoder`](crate::Decoder). Callbacks
/// ([`admit`](crate::BatchLayer::admit), [`filter`](crate::BatchLayer::filter)) can return it, or
/// the [`StatusCode`] or [`ErrorKind`] that it is made from:
///
/// ```
/// use http::StatusCode;
/// use tower_multistatus::{Error, ErrorKind};
///
/// let full = Error::from(StatusCode::TOO_MANY_REQUESTS).retry_after(30);
/// assert_eq!(full.kind(), ErrorKind::NotAdmitted(StatusCode::TOO_MANY_REQUESTS));
///
/// let broken = Error::new(ErrorKind::Malformed).detail("`id` is missing").at_item(3);
/// assert_eq!(broken.to_string(), "the envelope is malformed: `id` is missing");
/// assert_eq!(broken.item(), Some(3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    detail: Option<&'static str>,
    item: Option<usize>,
    offset: Option<u64>,
    limit: Option<(&'static str, u64)>,
    headers: Option<Box<HeaderMap>>,
}

/// # Construction
impl Error {
    /// A refusal of this kind.
    pub fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            detail: None,
            item: None,
            offset: None,
            limit: None,
            headers: None,
        }
    }

    /// Says what is wrong, in a fixed phrase; `detail` in the problem document.
    ///
    /// ```
    /// use tower_multistatus::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Malformed).detail("the header has no version");
    /// assert_eq!(error.to_string(), "the envelope is malformed: the header has no version");
    /// ```
    pub fn detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Says how many bytes of the envelope stand before the fault; `offset` in the problem
    /// document, unless that has the `pointer` of an [item](Self::at_item).
    ///
    /// ```
    /// use tower_multistatus::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Malformed).detail("not UTF-8").offset(17);
    /// ```
    pub fn offset(mut self, bytes: u64) -> Self {
        self.offset = Some(bytes);
        self
    }

    /// Says which item is at fault, counted from 0; `pointer` in the problem document.
    pub fn at_item(mut self, index: usize) -> Self {
        self.item = Some(index);
        self
    }

    /// Sets `Retry-After` to this number of seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Sets a header of the response, in place of one of the same name: `RateLimit`, for instance.
    /// `Content-Type`, `Content-Length` and `Cache-Control` of a refusal are not the caller's.
    ///
    /// ```
    /// use http::{HeaderName, HeaderValue, StatusCode};
    /// use tower_multistatus::Error;
    ///
    /// let left = HeaderValue::from_static("\"default\";r=0;t=30");
    /// let full = Error::from(StatusCode::TOO_MANY_REQUESTS)
    ///     .with_header(HeaderName::from_static("ratelimit"), left);
    /// ```
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.get_or_insert_default().insert(name, value);
        self
    }
}

/// # What it says
impl Error {
    /// Why.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The item at fault, counted from 0, where one is.
    pub fn item(&self) -> Option<usize> {
        self.item
    }

    pub(crate) fn malformed(detail: &'static str) -> Self {
        Self::new(ErrorKind::Malformed).detail(detail)
    }

    pub(crate) fn over(kind: ErrorKind, limit: &'static str, max: usize) -> Self {
        Self {
            limit: Some((limit, max as u64)),
            ..Self::new(kind)
        }
    }

    pub(crate) fn allow(self, methods: &'static str) -> Self {
        self.with_header(header::ALLOW, HeaderValue::from_static(methods))
    }

    pub(crate) fn accept_post(self, types: &str) -> Self {
        let name = HeaderName::from_static("accept-post");
        match HeaderValue::from_str(types) {
            Ok(types) => self.with_header(name, types),
            Err(_) => self,
        }
    }

    /// What an item that is rejected with this has of it: the status, and the headers.
    pub(crate) fn into_rejection(self) -> (StatusCode, Option<Box<HeaderMap>>) {
        (self.kind.status(), self.headers)
    }

    /// The problem document; empty for a status whose response has no body.
    pub(crate) fn document(&self) -> Bytes {
        let status = self.kind.status();
        if has_no_body(status) {
            return Bytes::new();
        }
        let problem = Problem {
            limit: self.limit.map(|(name, _)| name),
            max: self.limit.map(|(_, max)| max),
            detail: self.detail,
            pointer: self.item.map(|index| format!("#/requests/{index}")),
            offset: self.offset.filter(|_| self.item.is_none()),
            ..Problem::new(self.kind.title(), status, self.kind.code())
        };
        problem.to_bytes()
    }

    pub(crate) fn into_response<B: From<Bytes>>(self) -> Response<B> {
        crate::trace::refused(&self);
        let status = self.kind.status();
        let body = self.document();
        let length = body.len();
        let mut response = Response::new(B::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if let Some(own) = self.headers {
            *headers = *own;
            headers.remove(header::CONTENT_TYPE);
            headers.remove(header::CONTENT_LENGTH);
        }
        if length > 0 {
            headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
            headers.insert(header::CONTENT_LENGTH, content_length(length));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        response
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

/// What [`admit`](crate::BatchLayer::admit) refuses a batch with, and
/// [`filter`](crate::BatchLayer::filter) an item. With 204, 205 or 304 the response has no body,
/// and a 1xx becomes 500.
impl From<StatusCode> for Error {
    fn from(status: StatusCode) -> Self {
        Self::new(ErrorKind::NotAdmitted(status))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.title())?;
        match self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// RFC 9457, with the members that we add.
#[derive(Serialize)]
pub(crate) struct Problem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(title: &'a str, status: StatusCode, code: &'a str) -> Self {
        Self {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail: None,
            limit: None,
            max: None,
            pointer: None,
            offset: None,
        }
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        // Strings and numbers only: it cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}
