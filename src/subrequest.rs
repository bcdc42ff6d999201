//! One part of an envelope, and every check on it.

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::error::{Error, ErrorKind};
use crate::fault::Fault;
use crate::policy::ChangeSets;
use crate::target::Targets;

const MAX_ID: usize = 256;
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// The methods that an item may have without being allowed by name.
pub(crate) const METHODS: [Method; 7] = [
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
/// Every value is checked as it is set. A bad one does not refuse the batch: it fails this item, which is then answered
/// without being dispatched, and the others go on.
///
/// ```
/// use tower_multistatus::Subrequest;
///
/// let item = Subrequest::new("1")?
///     .with_method(b"get")
///     .with_url("/users/1")
///     .with_header(b"accept", "application/json")
///     .depends_on("0");
/// assert_eq!(item.id(), "1");
/// # Ok::<(), tower_multistatus::Error>(())
/// ```
#[derive(Debug)]
pub struct Subrequest {
    pub(crate) id: ByteString,
    pub(crate) url: ByteString,
    pub(crate) method: Option<Method>,
    pub(crate) target: Option<PathAndQuery>,
    /// Apart from the others: nearly every body has one, and a format may need it to read the body.
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    header_count: usize,
    header_bytes: usize,
    pub(crate) body: Bytes,
    pub(crate) depends_on: Vec<ByteString>,
    /// How many items this one still waits for.
    pub(crate) unmet: usize,
    /// The items that wait for this one.
    pub(crate) dependants: Vec<usize>,
    /// The atomicity group that the item is of.
    pub(crate) group: Option<ByteString>,
    pub(crate) ends_group: bool,
    /// Items before this one that it refers to.
    pub(crate) references: References,
    /// Whether an item after this one refers to it.
    pub(crate) is_referred_to: bool,
    /// The id as a multipart envelope spells it, for the answer; `None` if it was made up.
    pub(crate) label: Option<ByteString>,
    pub(crate) fault: Option<Fault>,
}

/// What an item takes over from items before it, once these are done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct References {
    /// Whose URL the item's URL continues.
    pub(crate) url: Option<usize>,
    /// Whose `ETag` the item's `If-Match` is.
    pub(crate) etag: Option<usize>,
}

/// What a layer asks of every item.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) targets: Targets<'a>,
    pub(crate) methods: &'a [Method],
    pub(crate) max_body: usize,
    pub(crate) change_sets: ChangeSets,
    pub(crate) has_references: bool,
}

impl Subrequest {
    /// An item with this id, and as yet with no method and no URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] for an id that is not UTF-8, not of 1 to 256 bytes, or has a control character.
    pub fn new(id: impl Into<Bytes>) -> Result<Self, Error> {
        let mut item = Self::nameless();
        let id = ByteString::try_from(id.into());
        item.set_id(id.map_err(|_| ErrorKind::Malformed)?)?;
        Ok(item)
    }

    /// An item whose id is still to come; a format that reads members in any order starts here.
    pub(crate) fn nameless() -> Self {
        Self {
            id: ByteString::default(),
            url: ByteString::default(),
            method: None,
            target: None,
            content_type: None,
            headers: Vec::new(),
            header_count: 0,
            header_bytes: 0,
            body: Bytes::new(),
            depends_on: Vec::new(),
            unmet: 0,
            dependants: Vec::new(),
            group: None,
            ends_group: false,
            references: References::default(),
            is_referred_to: false,
            label: None,
            fault: None,
        }
    }

    /// The id, which its answer will carry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Sets the method, in any case.
    #[must_use]
    pub fn with_method(mut self, method: &[u8]) -> Self {
        self.set_method(method);
        self
    }

    /// Sets the URL: a path and query, a relative reference, or an absolute URL of the batch's own origin.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<Bytes>) -> Self {
        match ByteString::try_from(url.into()) {
            Ok(url) => self.url = url,
            Err(_) => self.fail(Fault::Target),
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

    /// Lets the item wait until the item with this id has succeeded. That item must stand before this one.
    #[must_use]
    pub fn depends_on(mut self, id: impl Into<Bytes>) -> Self {
        // What is not UTF-8 is nobody's id, and neither is the empty text.
        self.depends_on
            .push(ByteString::try_from(id.into()).unwrap_or_default());
        self
    }

    /// Puts the item into an atomicity group. Its members stand next to each other, and the name is no item's id.
    #[must_use]
    pub fn in_group(mut self, name: impl Into<Bytes>) -> Self {
        self.group = Some(ByteString::try_from(name.into()).unwrap_or_default());
        self
    }

    /// Fails the item: it is answered with this status, and not dispatched.
    #[must_use]
    pub fn reject(mut self, status: StatusCode) -> Self {
        self.fail(Fault::Rejected(status));
        self
    }

    pub(crate) fn set_id(&mut self, id: ByteString) -> Result<(), ErrorKind> {
        let is_plain = |byte: u8| (0x20..0x7F).contains(&byte);
        let has_control = !id.bytes().all(is_plain) && id.chars().any(char::is_control);
        if has_control || !(1..=MAX_ID).contains(&id.len()) {
            return Err(ErrorKind::Malformed);
        }
        self.id = id;
        Ok(())
    }

    pub(crate) fn set_method(&mut self, method: &[u8]) {
        let Ok(method) = Method::from_bytes(method) else {
            return self.fail(Fault::Method);
        };
        self.method = Some(match is_common(&method) {
            true => method,
            false => same_method(&METHODS, &method).unwrap_or(method),
        });
    }

    pub(crate) fn add_header(&mut self, name: &[u8], value: Bytes) {
        // Counted before a map is built: `HeaderMap` panics when it has too many names.
        self.header_count += 1;
        self.header_bytes += name.len() + value.len();
        if self.header_count > MAX_HEADERS || self.header_bytes > MAX_HEADER_BYTES {
            return self.fail(Fault::TooManyHeaders);
        }
        let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name),
            HeaderValue::from_maybe_shared(value),
        ) else {
            return self.fail(Fault::Header);
        };
        if name != CONTENT_TYPE {
            self.headers.push((name, value));
        } else if self.content_type.replace(value).is_some() {
            self.fail(Fault::Header);
        }
    }

    /// The first fault is the one that is told.
    pub(crate) fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// Checks what depends on the layer's settings. An item that passes has its final method and target.
    pub(crate) fn check(&mut self, rules: &Rules<'_>) {
        if self.fault.is_none() {
            self.fault = self.checked(rules).err();
        }
    }

    fn checked(&mut self, rules: &Rules<'_>) -> Result<(), Fault> {
        let method = self.method.as_ref().ok_or(Fault::Method)?;
        if !is_common(method) {
            let allowed = same_method(rules.methods, method);
            self.method = Some(allowed.ok_or(Fault::MethodNotAllowed)?);
        }
        if self.references.url.is_none() {
            self.target = Some(rules.targets.resolve(&self.url)?);
        }
        match self.body.len() > rules.max_body {
            true => Err(Fault::BodyTooLarge),
            false => Ok(()),
        }
    }
}

fn is_common(method: &Method) -> bool {
    METHODS.contains(method)
}

/// The one of these methods that has this name, in any case.
fn same_method(methods: &[Method], name: &Method) -> Option<Method> {
    let same = |method: &&Method| method.as_str().eq_ignore_ascii_case(name.as_str());
    methods.iter().find(same).cloned()
}
