//! Reads `{"requests":[…]}`.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::names::Names;
use super::scan::{Invalid, Scanner, Str};
use crate::config::Limits;
use crate::error::{Error, ErrorKind};
use crate::fault::Fault;
use crate::format::Decoder;
use crate::gathered::Gathered;
use crate::media_type::MediaType;
use crate::subrequest::Subrequest;

/// An item is not much shorter than this.
const SHORT_ITEM: usize = 40;

/// Depth at which an item's members stand: the envelope, its array, the item.
const ITEM_DEPTH: u32 = 3;

const HEADERS_DEPTH: u32 = ITEM_DEPTH + 1;

const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl From<Invalid> for Error {
    fn from(_: Invalid) -> Self {
        ErrorKind::Malformed.into()
    }
}

/// Gathers the envelope, and reads it when it is whole.
#[derive(Debug)]
pub(super) struct Reader {
    envelope: Gathered,
    max_subrequests: usize,
}

impl Reader {
    pub(super) fn new(envelope: &Parts, limits: &Limits) -> Result<Self, Error> {
        let content_type = envelope.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        match MediaType::parse(content_type.unwrap_or_default()).parameter("charset") {
            Ok(None) => {}
            Ok(Some(charset)) if charset.eq_ignore_ascii_case("utf-8") => {}
            Ok(Some(_)) => return Err(ErrorKind::UnsupportedMediaType.into()),
            Err(_) => return Err(ErrorKind::Malformed.into()),
        }
        Ok(Self {
            envelope: Gathered::default(),
            max_subrequests: limits.max_subrequests,
        })
    }

    fn too_many(&self) -> Error {
        Error::over(
            ErrorKind::TooManySubrequests,
            "max_subrequests",
            self.max_subrequests,
        )
    }

    fn requests(
        &self,
        envelope: &Bytes,
        scanner: &mut Scanner<'_>,
        found: &mut Vec<Subrequest>,
    ) -> Result<(), Error> {
        if !scanner.take(b'[') {
            return Err(Invalid.into());
        }
        while scanner.element(found.is_empty())? {
            if found.len() == self.max_subrequests {
                return Err(self.too_many());
            }
            let index = found.len();
            let item = read_item(envelope, scanner).map_err(|error| error.at_item(index))?;
            found.push(item);
        }
        Ok(())
    }
}

impl Decoder for Reader {
    fn push(&mut self, chunk: Bytes, _: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.envelope.push(chunk);
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        let envelope = self.envelope.take();
        std::str::from_utf8(&envelope).map_err(|_| ErrorKind::Malformed)?;
        let mut scanner = Scanner::new(&envelope);
        found.reserve(self.max_subrequests.min(envelope.len() / SHORT_ITEM));
        if !scanner.take(b'{') {
            return Err(Invalid.into());
        }
        let (mut names, mut has_requests) = (Names::default(), false);
        let mut is_first = true;
        while let Some(name) = scanner.member(is_first)? {
            is_first = false;
            let text = name.unescaped()?;
            let is_requests = *text == *b"requests";
            names.insert_unescaped(text)?;
            if is_requests {
                has_requests = true;
                self.requests(&envelope, &mut scanner, found)?;
            } else {
                scanner.value(1)?;
            }
        }
        scanner.end()?;
        match has_requests {
            true => Ok(()),
            false => Err(Invalid.into()),
        }
    }
}

/// Reads one item. What breaks the structure is an error and refuses the batch; a bad value fails the item.
fn read_item(envelope: &Bytes, scanner: &mut Scanner<'_>) -> Result<Subrequest, Error> {
    if !scanner.take(b'{') {
        return Err(Invalid.into());
    }
    let mut item = Subrequest::nameless();
    let mut members = Members::default();
    let mut body = None;
    let mut is_first = true;
    while let Some(name) = scanner.member(is_first)? {
        is_first = false;
        let text = name.unescaped()?;
        match members.note(&text)? {
            Member::Id => item.set_id(scanner.string()?.to_bytes(envelope)?)?,
            Member::Method => match text_value(scanner, ITEM_DEPTH)? {
                Some(method) => item.set_method(&method.unescaped()?),
                None => item.fail(Fault::Method),
            },
            Member::Url => match text_value(scanner, ITEM_DEPTH)? {
                Some(url) => item.set_url(url.to_bytes(envelope)?),
                None => item.fail(Fault::Target),
            },
            Member::Headers => read_headers(envelope, scanner, &mut item)?,
            Member::Body => body = Some(scanner.value(ITEM_DEPTH)?),
            Member::DependsOn => read_depends_on(envelope, scanner, &mut item)?,
            // Never ignored: an item that was to be atomic or conditional must not run as if it were not.
            Member::Atomicity if scanner.value(ITEM_DEPTH)? != b"null" => {
                return Err(ErrorKind::UnsupportedAtomicity.into());
            }
            Member::Atomicity => {}
            Member::Unknown => {
                members
                    .unknown
                    .get_or_insert_default()
                    .insert_unescaped(text)?;
                scanner.value(ITEM_DEPTH)?;
            }
        }
    }
    if !members.has(Member::Id) {
        return Err(Invalid.into());
    }
    if let Some(body) = body.filter(|body| *body != b"null") {
        match decode_body(envelope, body, &mut item) {
            Some(body) => item.body = body,
            None => item.fail(Fault::Body),
        }
    }
    Ok(item)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Id = 1,
    Method = 2,
    Url = 4,
    Headers = 8,
    Body = 16,
    DependsOn = 32,
    Atomicity = 64,
    Unknown = 0,
}

/// Which members an item has had.
#[derive(Debug, Default)]
struct Members<'a> {
    seen: u8,
    group_seen: bool,
    unknown: Option<Names<'a>>,
}

impl Members<'_> {
    fn note(&mut self, name: &[u8]) -> Result<Member, Invalid> {
        let member = match name {
            b"id" => Member::Id,
            b"method" => Member::Method,
            b"url" => Member::Url,
            b"headers" => Member::Headers,
            b"body" => Member::Body,
            b"dependsOn" => Member::DependsOn,
            b"if" => Member::Atomicity,
            b"atomicityGroup" => {
                return match std::mem::replace(&mut self.group_seen, true) {
                    true => Err(Invalid),
                    false => Ok(Member::Atomicity),
                };
            }
            _ => return Ok(Member::Unknown),
        };
        if self.has(member) {
            return Err(Invalid);
        }
        self.seen |= member as u8;
        Ok(member)
    }

    fn has(&self, member: Member) -> bool {
        self.seen & member as u8 != 0
    }
}

/// A string, or `None` for a value of another type, which is passed over.
fn text_value<'a>(scanner: &mut Scanner<'a>, depth: u32) -> Result<Option<Str<'a>>, Invalid> {
    if scanner.peek() == Some(b'"') {
        return scanner.string().map(Some);
    }
    scanner.value(depth).map(|_| None)
}

fn read_headers(
    envelope: &Bytes,
    scanner: &mut Scanner<'_>,
    item: &mut Subrequest,
) -> Result<(), Error> {
    if !scanner.take(b'{') {
        if scanner.value(ITEM_DEPTH)? != b"null" {
            item.fail(Fault::Header);
        }
        return Ok(());
    }
    let mut names = Names::default();
    let mut is_first = true;
    while let Some(name) = scanner.member(is_first)? {
        is_first = false;
        names.insert(name)?;
        let name = name.unescaped()?;
        if scanner.take(b'[') {
            let mut is_first = true;
            while scanner.element(is_first)? {
                is_first = false;
                let value = text_value(scanner, HEADERS_DEPTH + 1)?;
                add_header(envelope, &name, value, item)?;
            }
        } else {
            let value = text_value(scanner, HEADERS_DEPTH)?;
            add_header(envelope, &name, value, item)?;
        }
    }
    Ok(())
}

fn add_header(
    envelope: &Bytes,
    name: &[u8],
    value: Option<Str<'_>>,
    item: &mut Subrequest,
) -> Result<(), Error> {
    match value {
        Some(value) => item.add_header(name, value.to_bytes(envelope)?),
        None => item.fail(Fault::Header),
    }
    Ok(())
}

fn read_depends_on(
    envelope: &Bytes,
    scanner: &mut Scanner<'_>,
    item: &mut Subrequest,
) -> Result<(), Error> {
    if !scanner.take(b'[') {
        return match scanner.value(ITEM_DEPTH)? {
            b"null" => Ok(()),
            _ => Err(Invalid.into()),
        };
    }
    let mut is_first = true;
    while scanner.element(is_first)? {
        is_first = false;
        item.add_dependency(scanner.string()?.to_bytes(envelope)?);
    }
    Ok(())
}

/// What the inner service will read, or `None` if the body is not encoded as its content type asks.
fn decode_body(envelope: &Bytes, body: &[u8], item: &mut Subrequest) -> Option<Bytes> {
    let Some(content_type) = &item.content_type else {
        item.content_type = Some(HeaderValue::from_static("application/json"));
        return Some(envelope.slice_ref(body));
    };
    let media_type = MediaType::parse(content_type.to_str().unwrap_or_default());
    if media_type.is_json() {
        return Some(envelope.slice_ref(body));
    }
    let text = Scanner::new(body).string().ok()?;
    if media_type.is_text() {
        return text.to_bytes(envelope).ok();
    }
    let symbol = |byte: u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    let text = text.unescaped().ok()?;
    let symbols: Vec<u8> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| symbol(*byte))
        .collect();
    LENIENT_BASE64.decode(symbols).ok().map(Bytes::from)
}
