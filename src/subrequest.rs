//! One item of an envelope, and every check on it.

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::error::Error;
use crate::item_error::ItemError;

pub(crate) const MAX_ID: usize = 256;
const MAX_HEADERS: u8 = 64;
const MAX_HEADER_BYTES: u16 = 16 * 1024;

/// An id that is not UTF-8, not of 1 to 256 bytes, or has a control character.
#[derive(Debug)]
pub(crate) struct InvalidId;

impl InvalidId {
    pub(crate) const DETAIL: &str =
        "an id is not UTF-8 of 1 to 256 bytes without control characters";
}

impl From<InvalidId> for Error {
    fn from(_: InvalidId) -> Self {
        Self::malformed(InvalidId::DETAIL)
    }
}

static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The methods that an item may have without being allowed by name.
pub(crate) static METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// One item of a batch, as a [`Decoder`](crate::Decoder) finds it in an envelope.
///
/// Every value is checked as it is set. An invalid one does not refuse the batch: it fails this
/// item, which is then not dispatched, and the others go on.
///
/// ```
/// use http::Method;
/// use tower_multistatus::Subrequest;
///
/// let item = Subrequest::new("1")?
///     .with_method(b"get")
///     .with_url("/users/1")
///     .with_header(b"accept", "application/json")
///     .with_dependency("0");
/// assert_eq!((item.id(), item.method(), item.url()), ("1", Some(&Method::GET), "/users/1"));
/// assert!(item.dependencies().eq(["0"]));
/// assert_eq!(item.rejection(), None);
/// # Ok::<(), tower_multistatus::Error>(())
/// ```
#[derive(Debug)]
pub struct Subrequest {
    pub(crate) id: ByteString,
    pub(crate) url: ByteString,
    pub(crate) body: Bytes,
    /// If it is one of those that every item may have.
    method: Option<&'static Method>,
    /// All but the content type.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) extras: Option<Box<Extras>>,
    pub(crate) error: Option<ItemError>,
    header_bytes: u16,
    header_count: u8,
    /// Whether the content type is `application/json`, as that of nearly every body is.
    is_json: bool,
}

/// What few items have. Boxed, so that the others are small: a batch holds all its items until they
/// have run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    /// Any other method.
    method: Option<Method>,
    /// Any other content type.
    content_type: Option<HeaderValue>,
    /// Ids, a NUL behind each: one of a byte or two must not take ten times its size.
    depends_on: String,
    /// The atomicity group that the item is of.
    pub(crate) group: Option<ByteString>,
    pub(crate) ends_group: bool,
    /// Headers that a filter which rejected the item gives its response.
    pub(crate) rejection_headers: Option<Box<HeaderMap>>,
    /// The id as a multipart envelope spells it, for the answer; `None` if it was made up.
    #[cfg_attr(
        not(feature = "multipart"),
        expect(dead_code, reason = "only multipart has labels")
    )]
    pub(crate) label: Option<ByteString>,
}

impl Subrequest {
    /// An item with this id, and as yet with no method and no URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) for an id that is not UTF-8, not of 1
    /// to 256 bytes, or has a control character.
    pub fn new(id: impl Into<Bytes>) -> Result<Self, Error> {
        let mut item = Self::without_id();
        let id = ByteString::try_from(id.into());
        item.set_id(id.map_err(|_| InvalidId)?)?;
        Ok(item)
    }

    /// An item whose id is still to come; a format that reads members in any order starts here.
    pub(crate) fn without_id() -> Self {
        Self {
            id: ByteString::default(),
            url: ByteString::default(),
            body: Bytes::new(),
            method: None,
            headers: Vec::new(),
            extras: None,
            error: None,
            header_bytes: 0,
            header_count: 0,
            is_json: false,
        }
    }
}

/// # Getting its members
///
/// What has been set so far, for the tests of a [`Decoder`](crate::Decoder). The checks that depend
/// on the layer, such as [`filter`](crate::BatchLayer::filter), come later.
impl Subrequest {
    /// The id, which the response of the item has too.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The method; `None` if none was set, or only one that is no method.
    pub fn method(&self) -> Option<&Method> {
        self.method
            .or_else(|| self.extras.as_ref()?.method.as_ref())
    }

    /// The URL as it was set; empty if none was, or only one that is not UTF-8.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers, without those that are invalid. `Content-Type` is first, and the others stand
    /// in the order in which they were added.
    ///
    /// ```
    /// use http::{HeaderName, HeaderValue};
    /// use tower_multistatus::Subrequest;
    ///
    /// let item = Subrequest::new("1")?
    ///     .with_header(b"Accept", "text/plain")
    ///     .with_header(b"Content-Type", "text/html");
    /// let headers: Vec<_> = item.headers().map(|(name, value)| (name.as_str(), value)).collect();
    /// assert_eq!(headers[0], ("content-type", &HeaderValue::from_static("text/html")));
    /// assert_eq!(headers[1], ("accept", &HeaderValue::from_static("text/plain")));
    /// # Ok::<(), tower_multistatus::Error>(())
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        static NAME: HeaderName = CONTENT_TYPE;
        let content_type = self.content_type().map(|value| (&NAME, value));
        let others = self.headers.iter().map(|(name, value)| (name, value));
        content_type.into_iter().chain(others)
    }

    /// The body, decoded; empty if there is none.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The ids of the items that must have succeeded before this one runs.
    pub fn dependencies(&self) -> impl Iterator<Item = &str> {
        let extras = self.extras.iter();
        extras.flat_map(|extras| extras.depends_on.split_terminator(['\0']))
    }

    /// The atomicity group of the item.
    pub fn group(&self) -> Option<&str> {
        self.extras.as_ref()?.group.as_deref()
    }

    /// The status that the item fails with, if it was [rejected](Self::reject) or a value that was
    /// set is invalid. Of several reasons, the first one counts.
    ///
    /// ```
    /// use http::StatusCode;
    /// use tower_multistatus::Subrequest;
    ///
    /// let item = Subrequest::new("1")?.with_method(b"G T").reject(StatusCode::CONFLICT);
    /// assert_eq!(item.rejection(), Some(StatusCode::BAD_REQUEST));
    /// # Ok::<(), tower_multistatus::Error>(())
    /// ```
    pub fn rejection(&self) -> Option<StatusCode> {
        self.error.map(ItemError::status)
    }
}

/// # Setting its members
impl Subrequest {
    /// Sets the method, in any case.
    #[must_use]
    pub fn with_method(mut self, method: &[u8]) -> Self {
        self.set_method(method);
        self
    }

    /// Sets the URL: a path and query, a relative reference, or an absolute URL of the batch's own
    /// origin.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<Bytes>) -> Self {
        match ByteString::try_from(url.into()) {
            Ok(url) => self.url = url,
            Err(_) => self.fail(ItemError::Target),
        }
        self
    }

    /// Adds a header: at most 64, and 16 KiB of names and values together.
    #[must_use]
    pub fn with_header(mut self, name: &[u8], value: impl Into<Bytes>) -> Self {
        self.add_header(name, value.into());
        self
    }

    /// Sets the body, decoded: what the inner service will read.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Lets the item wait until the item with this id has succeeded. That item must stand before
    /// this one.
    #[must_use]
    pub fn with_dependency(mut self, id: impl Into<Bytes>) -> Self {
        // What is not UTF-8 is nobody's id, and neither is the empty text.
        let id = ByteString::try_from(id.into()).unwrap_or_default();
        self.add_dependency(&id);
        self
    }

    /// Puts the item into an atomicity group. Its members stand next to each other, and the name is
    /// no item's id.
    #[must_use]
    pub fn in_group(mut self, name: impl Into<Bytes>) -> Self {
        let name = ByteString::try_from(name.into()).unwrap_or_default();
        self.extras_mut().group = Some(name);
        self
    }

    /// Fails the item with this status: it is not dispatched. A 1xx, which is not final, becomes
    /// 500.
    #[must_use]
    pub fn reject(mut self, status: StatusCode) -> Self {
        self.fail(ItemError::Rejected(status));
        self
    }

    pub(crate) fn add_dependency(&mut self, id: &str) {
        let ids = &mut self.extras_mut().depends_on;
        // An id has no control characters.
        ids.push_str(if id.as_bytes().contains(&0) { "" } else { id });
        ids.push('\0');
    }

    pub(crate) fn set_id(&mut self, id: ByteString) -> Result<(), InvalidId> {
        let is_plain = |byte: u8| (0x20..0x7F).contains(&byte);
        let has_control = !id.bytes().all(is_plain) && id.chars().any(char::is_control);
        if has_control || !(1..=MAX_ID).contains(&id.len()) {
            return Err(InvalidId);
        }
        self.id = id;
        Ok(())
    }

    pub(crate) fn set_method(&mut self, method: &[u8]) {
        let same = |known: &&Method| known.as_str().as_bytes().eq_ignore_ascii_case(method);
        self.method = METHODS.iter().find(same);
        if self.method.is_some() {
            return;
        }
        match Method::from_bytes(method) {
            Ok(method) => self.extras_mut().method = Some(method),
            Err(_) => self.fail(ItemError::Method),
        }
    }

    pub(crate) fn add_header(&mut self, name: &[u8], value: Bytes) {
        // Counted before a map is built: `HeaderMap` panics when it has too many names.
        let bytes = u16::try_from(name.len() + value.len()).unwrap_or(u16::MAX);
        self.header_count = self.header_count.saturating_add(1);
        self.header_bytes = self.header_bytes.saturating_add(bytes);
        if self.header_count > MAX_HEADERS || self.header_bytes > MAX_HEADER_BYTES {
            return self.fail(ItemError::TooManyHeaders);
        }
        if name.eq_ignore_ascii_case(CONTENT_TYPE.as_str().as_bytes()) {
            return self.add_content_type(value);
        }
        match (
            HeaderName::from_bytes(name),
            HeaderValue::from_maybe_shared(value),
        ) {
            (Ok(name), Ok(value)) => self.headers.push((name, value)),
            _ => self.fail(ItemError::Header),
        }
    }

    /// Whether it has this header, in any case, and with `_` for `-`: to many a backend these are
    /// one.
    #[cfg(feature = "json")]
    pub(crate) fn has_header(&self, name: &[u8]) -> bool {
        let mut names = self.headers.iter().map(|(name, _)| name.as_str());
        names.any(|known| is_same_name(known, name))
            || (self.has_content_type() && is_same_name(CONTENT_TYPE.as_str(), name))
    }

    fn add_content_type(&mut self, value: Bytes) {
        match HeaderValue::from_maybe_shared(value) {
            Ok(value) if !self.has_content_type() => self.set_content_type(value),
            _ => self.fail(ItemError::Header),
        }
    }

    fn has_content_type(&self) -> bool {
        self.is_json || self.other_content_type().is_some()
    }

    fn set_content_type(&mut self, value: HeaderValue) {
        if value == JSON {
            self.is_json = true
        } else {
            self.extras_mut().content_type = Some(value)
        }
    }

    fn other_content_type(&self) -> Option<&HeaderValue> {
        self.extras.as_ref()?.content_type.as_ref()
    }

    /// What says what the body is.
    pub(crate) fn content_type(&self) -> Option<&HeaderValue> {
        if self.is_json {
            Some(&JSON)
        } else {
            self.other_content_type()
        }
    }

    /// The same, unless nothing does.
    pub(crate) fn content_type_or_json(&mut self) -> &HeaderValue {
        self.is_json |= !self.has_content_type();
        self.content_type().unwrap_or(&JSON)
    }

    #[cfg(feature = "multipart")]
    pub(crate) fn label(&self) -> Option<&str> {
        self.extras.as_ref()?.label.as_deref()
    }

    pub(crate) fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// The first error is the one that is told.
    pub(crate) fn fail(&mut self, error: ItemError) {
        self.error.get_or_insert(error);
    }

    /// The method, if it is one that every item may have, or one of these, in any case.
    pub(crate) fn allowed_method(&self, others: &[Method]) -> Result<Method, ItemError> {
        if let Some(method) = self.method {
            return Ok(method.clone());
        }
        let method = self.method().ok_or(ItemError::Method)?;
        let same = |other: &&Method| other.as_str().eq_ignore_ascii_case(method.as_str());
        let allowed = others.iter().find(same);
        allowed.cloned().ok_or(ItemError::MethodNotAllowed)
    }
}

#[cfg(feature = "json")]
fn is_same_name(name: &str, other: &[u8]) -> bool {
    let fold = |byte: u8| match byte {
        b'_' => b'-',
        other => other.to_ascii_lowercase(),
    };
    let pairs = name.bytes().zip(other.iter().copied());
    name.len() == other.len()
        && pairs
            .into_iter()
            .all(|(one, other)| fold(one) == fold(other))
}
