//! The item of an envelope, and its checks.

mod extras;
mod getters;
mod setters;

use std::num::NonZeroU32;

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};

use crate::error::Error;
use crate::item_error::ItemError;
use crate::times::Times;

pub(crate) use self::extras::{BULK_ID, CreatedIds, Extras, OfFormat};

pub(crate) const MAX_ID: usize = 256;

/// The name of the group of all items, if a batch is one group. No item can depend on it.
pub(crate) const WHOLE_BATCH: &str = "\0";

pub(crate) const MAX_HEADERS: u8 = 64;
pub(crate) const MAX_HEADER_BYTES: u16 = 16 * 1024;

/// An id that is not UTF-8, is not 1 to 256 bytes long, or contains a control character.
#[derive(Debug)]
pub(crate) struct InvalidId;

impl InvalidId {
    pub(crate) const DETAIL: &str =
        "an id must be 1 to 256 bytes of UTF-8 without control characters";
}

impl From<InvalidId> for Error {
    fn from(_: InvalidId) -> Self {
        Self::malformed(InvalidId::DETAIL)
    }
}

static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The methods that are allowed for every item.
pub(crate) static METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// One item of a batch, which a [`Decoder`](crate::Decoder) creates.
///
/// Every value is checked when it is set. An invalid value does not refuse the batch. It fails this
/// item, which is then not dispatched, and the other items run.
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
    /// All headers but the content type.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) extras: Option<Box<Extras>>,
    pub(crate) error: Option<ItemError>,
    /// The index of the method, if it is one of [`METHODS`].
    method: Option<u8>,
    /// The line of the envelope that has the item, in a format of lines.
    pub(crate) line: Option<NonZeroU32>,
    header_bytes: u16,
    header_count: u8,
    /// Whether the content type is `application/json`, the type of nearly every body.
    is_json: bool,
}

impl Subrequest {
    /// Creates an item with this id and without a method or URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if the id is not UTF-8, is not 1 to
    /// 256 bytes long, or contains a control character.
    pub fn new(id: impl Into<Bytes>) -> Result<Self, Error> {
        let mut item = Self::without_id();
        let id = ByteString::try_from(id.into());
        item.set_id(id.map_err(|_| InvalidId)?)?;
        Ok(item)
    }

    /// Creates an item without an id, for a format that reads the members of an item in any order.
    pub(crate) fn without_id() -> Self {
        Self {
            id: ByteString::default(),
            url: ByteString::default(),
            body: Bytes::new(),
            method: None,
            headers: Vec::new(),
            extras: None,
            error: None,
            line: None,
            header_bytes: 0,
            header_count: 0,
            is_json: false,
        }
    }
}

impl Subrequest {
    pub(crate) fn add_dependency(&mut self, id: &str) {
        let ids = &mut self.extras_mut().depends_on;
        // An id has no control characters, so one with a NUL is unknown.
        ids.push_str(if id.as_bytes().contains(&0) { "" } else { id });
        ids.push('\0');
    }

    /// The bytes that the item uses, with some for the links of a plan.
    pub(crate) fn memory(&self) -> usize {
        let depends_on = self
            .extras
            .as_ref()
            .map_or(0, |extras| extras.depends_on.len());
        let texts = self.id.len() + self.url.len() + self.body.len() + depends_on;
        2 * size_of::<Self>() + texts + usize::from(self.header_bytes)
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

    fn known_method(&self) -> Option<&'static Method> {
        METHODS.get(usize::from(self.method?))
    }

    pub(crate) fn set_method(&mut self, method: &[u8]) {
        let same = |known: &&Method| known.as_str().as_bytes().eq_ignore_ascii_case(method);
        self.method = METHODS
            .iter()
            .zip(0..)
            .find(|(known, _)| same(known))
            .map(|(_, index)| index);
        if self.method.is_some() {
            return;
        }
        match Method::from_bytes(method) {
            Ok(method) => self.extras_mut().method = Some(method),
            Err(_) => self.fail(ItemError::Method),
        }
    }

    pub(crate) fn add_header(&mut self, name: &[u8], value: Bytes) {
        // Counted before a map is built, because `HeaderMap` panics when it has too many names.
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

    /// Adds a header that is parsed, and counted by the caller.
    #[cfg(feature = "client")]
    pub(crate) fn add_valid_header(&mut self, name: HeaderName, value: HeaderValue) {
        if name == CONTENT_TYPE {
            self.set_content_type(value);
        } else {
            self.headers.push((name, value));
        }
    }

    /// Whether the item has this header, in any case, and with `_` for `-`, which many backends
    /// treat alike.
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
            self.is_json = true;
        } else {
            self.extras_mut().content_type = Some(value);
        }
    }

    fn other_content_type(&self) -> Option<&HeaderValue> {
        self.extras.as_ref()?.content_type.as_ref()
    }

    /// Returns the content type of the body.
    pub(crate) fn content_type(&self) -> Option<&HeaderValue> {
        if self.is_json {
            Some(&JSON)
        } else {
            self.other_content_type()
        }
    }

    /// Returns the content type of the body, after setting an absent one to `application/json`.
    pub(crate) fn content_type_or_json(&mut self) -> &HeaderValue {
        self.is_json |= !self.has_content_type();
        self.content_type().unwrap_or(&JSON)
    }

    #[cfg(feature = "multipart")]
    pub(crate) fn label(&self) -> Option<&str> {
        self.extras.as_ref()?.label.as_deref()
    }

    pub(crate) fn created_ids(&self) -> Option<&CreatedIds> {
        let of_format = self.extras.as_ref()?.of_format.as_deref();
        let created_ids = of_format.map(|of_format| &of_format.created_ids);
        created_ids.filter(|ids| !ids.in_url.is_empty() || !ids.in_body.is_empty())
    }

    pub(crate) fn of_format_mut(&mut self) -> &mut OfFormat {
        self.extras_mut().of_format.get_or_insert_default()
    }

    pub(crate) fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Begins to record the moments of the item.
    #[cold]
    pub(crate) fn record_times(&mut self, has_header: bool) {
        let times = Times::new(self.method().cloned(), has_header);
        self.extras_mut().times = Some(Box::new(times));
    }

    pub(crate) fn times_mut(&mut self) -> Option<&mut Times> {
        self.extras.as_mut()?.times.as_deref_mut()
    }

    /// Sets the error of the item. The first error is the one that is reported.
    pub(crate) fn fail(&mut self, error: ItemError) {
        self.error.get_or_insert(error);
    }

    /// Returns the method if it is one of [`METHODS`] or of `others`, compared case-insensitively.
    pub(crate) fn allowed_method(&self, others: &[Method]) -> Result<Method, ItemError> {
        if let Some(method) = self.known_method() {
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
