//! The response of one item.

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::item_error::ItemError;
use crate::item_error::ItemErrors;
use crate::status::has_no_body;
use crate::subrequest::{Extras, WHOLE_BATCH};
use crate::times::Times;

/// The response of one item, which is passed to an [`Encoder`](crate::Encoder).
///
/// Its headers are those that belong in an envelope: no hop-by-hop headers, no `Access-Control-*`,
/// and `Set-Cookie` only with [`SetCookie::keep`](crate::SetCookie::keep).
///
/// ```
/// use tower_multistatus::{Frames, Subresponse};
///
/// /// Writes a line per response.
/// fn put_line(response: &Subresponse, out: &mut Frames) {
///     let (id, status) = (response.id(), response.status().as_u16());
///     out.put(format!("{id} {status} {}\n", response.body().len()).as_bytes());
/// }
/// ```
#[derive(Debug)]
pub struct Subresponse {
    pub(crate) id: ByteString,
    pub(crate) url: ByteString,
    pub(crate) index: usize,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) extras: Option<Box<Extras>>,
    pub(crate) is_head: bool,
    /// The effects of the item are committed, so that no error may take the place of its status.
    pub(crate) is_committed: bool,
    pub(crate) error: Option<ItemError>,
    /// The format of an error.
    pub(crate) error_style: ItemErrors,
}

impl Subresponse {
    /// Creates a response, for the tests of encoders, and in a decoder of responses
    /// (`ResponseDecoder`).
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use tower_multistatus::Subresponse;
    ///
    /// let response = Subresponse::new("1", StatusCode::CREATED, HeaderMap::new(), "{}");
    /// assert_eq!((response.id(), response.status()), ("1", StatusCode::CREATED));
    /// assert!(response.is_success());
    /// ```
    #[cfg(any(test, feature = "test-util", feature = "client"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "test-util", feature = "client"))))]
    pub fn new(
        id: impl Into<String>,
        status: StatusCode,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Self {
        Self::with_parts(id.into().into(), status, headers, body.into())
    }

    /// Creates the response to an item whose response has an id and is invalid otherwise, in a
    /// decoder of responses. The caller of the item gets an error.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub fn unreadable(id: impl Into<String>) -> Self {
        let mut response = Self::new(id, StatusCode::BAD_GATEWAY, HeaderMap::new(), Bytes::new());
        response.error = Some(ItemError::ResponseBroken);
        response
    }

    #[cfg(any(test, feature = "test-util", feature = "client"))]
    pub(crate) fn with_parts(
        id: ByteString,
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        Self {
            id,
            url: ByteString::default(),
            index: 0,
            status,
            headers,
            body,
            extras: None,
            is_head: false,
            is_committed: false,
            error: None,
            error_style: ItemErrors::default(),
        }
    }

    /// Whether the response is invalid: see [`unreadable`](Self::unreadable).
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub fn is_unreadable(&self) -> bool {
        self.error == Some(ItemError::ResponseBroken)
    }

    /// The id of the item.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The item's URL, as the envelope has it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The index of the item in the batch, counted from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The atomicity group of the item.
    pub fn group(&self) -> Option<&str> {
        let group = self.extras.as_ref()?.group.as_deref();
        group.filter(|group| *group != WHOLE_BATCH)
    }

    /// Whether the item is the last of its group.
    pub(crate) fn ends_group(&self) -> bool {
        self.extras.as_ref().is_some_and(|extras| extras.ends_group)
    }

    /// The `Content-ID` of the item in a multipart envelope.
    #[cfg(feature = "multipart")]
    pub(crate) fn label(&self) -> Option<&str> {
        self.extras.as_ref()?.label.as_deref()
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers. A `Content-Length` among them is that of the inner service. A format that
    /// frames bodies writes its own.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body. Empty if there is none.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether the status is a 2xx or a 3xx, so that items that depend on this one may run.
    pub fn is_success(&self) -> bool {
        is_success(self.status)
    }

    /// The bytes of headers and body, which stay in memory until the response is written.
    pub(crate) fn held_len(&self) -> usize {
        headers_len(&self.headers) + self.body.len()
    }

    /// The stable code of the error, such as `item-timeout`, if the layer itself has failed the
    /// item. [`guide::errors`](crate::guide::errors) lists the codes.
    pub fn error_code(&self) -> Option<&'static str> {
        self.error.map(ItemError::code)
    }

    /// The title of the error, a fixed phrase, if the layer itself has failed the item.
    pub fn error_title(&self) -> Option<&'static str> {
        self.error.map(ItemError::title)
    }

    /// The [note](crate::Subrequest::with_note) that the decoder has set on the item.
    pub fn note(&self) -> Option<&str> {
        self.extras.as_ref()?.of_format.as_ref()?.note.as_deref()
    }

    /// Whether the item was not executed because another one failed.
    pub fn is_not_executed(&self) -> bool {
        self.error.is_some_and(ItemError::is_not_executed)
    }

    /// Returns a response to the same item that reports this error.
    #[cfg(feature = "multipart")]
    pub(crate) fn with_error(&self, error: ItemError) -> Self {
        let mut replacement = Self {
            id: self.id.clone(),
            url: self.url.clone(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            extras: self.extras.clone(),
            ..*self
        };
        replacement.replace_with_error(error);
        replacement
    }

    /// Replaces the status, headers and body by those that report this error. The times stay.
    pub(crate) fn replace_with_error(&mut self, error: ItemError) {
        (self.status, self.headers, self.body) =
            error_response(error, self.error_style, self.is_head);
        self.error = Some(error);
        let times = self
            .extras
            .as_ref()
            .and_then(|extras| extras.times.as_ref());
        if let Some(times) = times.filter(|times| times.has_ended()) {
            times.put_header(&mut self.headers);
        }
    }

    pub(crate) fn times(&self) -> Option<&Times> {
        self.extras.as_ref()?.times.as_deref()
    }

    /// Called when the item has its response.
    #[cold]
    pub(crate) fn end(&mut self) {
        if let Some(extras) = &mut self.extras
            && let Some(times) = &mut extras.times
            && !times.has_ended()
        {
            times.end();
            times.put_header(&mut self.headers);
        }
    }

    /// Removes the headers, the body and the URL.
    pub(crate) fn strip(&mut self) {
        self.headers = HeaderMap::new();
        self.body = Bytes::new();
        self.url = ByteString::default();
    }
}

/// Maximum header fields. A `HeaderMap` panics when it has too many names.
pub(crate) const MAX_FIELDS: usize = 1000;

/// The overhead in bytes of a header field besides its name and value, as in HPACK (RFC 7541 §4.1).
pub(crate) const FIELD_OVERHEAD: usize = 32;

/// The bytes that these header fields use.
pub(crate) fn headers_len(headers: &HeaderMap) -> usize {
    let lengths = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD);
    lengths.sum()
}

pub(crate) fn is_success(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

/// Returns the status, headers and body that report an error.
pub(crate) fn error_response(
    error: ItemError,
    style: ItemErrors,
    is_head: bool,
) -> (StatusCode, HeaderMap, Bytes) {
    let status = error.status();
    if has_no_body(status) {
        return (status, HeaderMap::new(), Bytes::new());
    }
    let (content_type, document) = error.document(style);
    let mut headers = HeaderMap::with_capacity(1);
    headers.insert(CONTENT_TYPE, content_type);
    let body = if is_head { Bytes::new() } else { document };
    (status, headers, body)
}
