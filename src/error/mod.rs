//! The error that refuses a batch.

mod kind;

use std::fmt;
use std::num::NonZeroU64;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::problem::Problem;
use crate::status::has_no_body;

pub use self::kind::ErrorKind;

/// A refusal: an [`ErrorKind`], a detail, and the place of the error in the envelope.
///
/// Custom formats return it from [`Decoder`](crate::Decoder). Callbacks
/// ([`admit`](crate::BatchLayer::admit), [`filter`](crate::BatchLayer::filter)) can return it, or a
/// [`StatusCode`] or [`ErrorKind`], which convert into it:
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
    pub(crate) kind: ErrorKind,
    pub(crate) detail: Option<&'static str>,
    pub(crate) item: Option<usize>,
    line: Option<NonZeroU64>,
    pub(crate) offset: Option<u64>,
    pub(crate) limit: Option<(&'static str, u64)>,
    pub(crate) headers: Option<Box<HeaderMap>>,
}

/// # Construction
impl Error {
    /// Creates a refusal of this kind.
    pub fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            detail: None,
            item: None,
            line: None,
            offset: None,
            limit: None,
            headers: None,
        }
    }

    /// Sets a fixed phrase that describes the error: `detail` in the problem document.
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

    /// Sets the number of bytes of the envelope before the error: `offset` in the problem document.
    /// A document with the `pointer` of an [item](Self::at_item) has no `offset`.
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

    /// Sets the index of the invalid item, counted from 0: `pointer` in the problem document.
    pub fn at_item(mut self, index: usize) -> Self {
        self.item = Some(index);
        self
    }

    /// Sets the line of the envelope that has the error, counted from 1, in a format of lines:
    /// `line` in the problem document. A document with a line has no `pointer`.
    ///
    /// ```
    /// use tower_multistatus::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Malformed).detail("not UTF-8").at_line(17);
    /// assert_eq!(error.line(), Some(17));
    /// ```
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = NonZeroU64::new(line);
        self
    }

    /// Sets `Retry-After` to this number of seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Sets a header of the response, `RateLimit` for example, and replaces one of the same name.
    /// `Content-Type`, `Content-Length` and `Cache-Control` are set by the layer only.
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

/// # Inspection
impl Error {
    /// Returns the kind of the refusal.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the index of the invalid item, counted from 0, if the error is about one.
    pub fn item(&self) -> Option<usize> {
        self.item
    }

    /// Returns the line of the envelope that has the error, counted from 1, if it is known.
    pub fn line(&self) -> Option<u64> {
        self.line.map(NonZeroU64::get)
    }

    /// Returns the problem document of the error (RFC 9457), which is JSON. It is empty if the
    /// status does not allow a body.
    ///
    /// ```
    /// use tower_multistatus::{Error, ErrorKind};
    ///
    /// let document = Error::new(ErrorKind::Malformed).at_line(17).problem_document();
    /// let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    /// assert_eq!((&document["code"], &document["line"]), (&"malformed".into(), &17.into()));
    /// ```
    pub fn problem_document(&self) -> Bytes {
        let status = self.kind.status();
        if has_no_body(status) {
            return Bytes::new();
        }
        let pointer = self.item.filter(|_| self.line.is_none());
        let problem = Problem {
            limit: self.limit.map(|(name, _)| name),
            max: self.limit.map(|(_, max)| max),
            detail: self.detail,
            pointer: pointer.map(|index| format!("#/requests/{index}")),
            line: self.line(),
            offset: self.offset.filter(|_| pointer.is_none()),
            ..Problem::new(self.kind.title(), status, self.kind.code())
        };
        problem.to_bytes()
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

    /// Returns the status and the headers of the response of an item that a filter rejects.
    pub(crate) fn into_rejection(self) -> (StatusCode, Option<Box<HeaderMap>>) {
        (self.kind.status(), self.headers)
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

/// The refusal of a batch by [`admit`](crate::BatchLayer::admit), or the rejection of an item by
/// [`filter`](crate::BatchLayer::filter). The response has no body if the status is 204, 205 or
/// 304. A 1xx becomes 500.
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
