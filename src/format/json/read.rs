//! Reads `{"requests":[…]}`.

use bytes::Bytes;
use bytestring::ByteString;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::body::decode_body;
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
        envelope: &ByteString,
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
        let envelope = ByteString::try_from(self.envelope.take());
        let envelope = envelope.map_err(|_| ErrorKind::Malformed)?;
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
            let is_requests = text == "requests";
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
fn read_item(envelope: &ByteString, scanner: &mut Scanner<'_>) -> Result<Subrequest, Error> {
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
            Member::Id => item.set_id(scanner.string()?.shared(envelope)?)?,
            Member::Method => match text_value(scanner)? {
                Some(method) => item.set_method(method.unescaped()?.as_bytes()),
                None => item.fail(Fault::Method),
            },
            Member::Url => match text_value(scanner)? {
                Some(url) => item.url = url.shared(envelope)?,
                None => item.fail(Fault::Target),
            },
            Member::Headers => read_headers(envelope, scanner, &mut item)?,
            Member::Body => body = Some(scanner.value(ITEM_DEPTH)?),
            Member::DependsOn => read_depends_on(envelope, scanner, &mut item)?,
            // Never ignored: an item that was to be atomic or conditional must not run as if it were not.
            Member::Atomicity if scanner.value(ITEM_DEPTH)? != "null" => {
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
    if let Some(body) = body.filter(|body| *body != "null") {
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
    fn note(&mut self, name: &str) -> Result<Member, Invalid> {
        let member = match name {
            "id" => Member::Id,
            "method" => Member::Method,
            "url" => Member::Url,
            "headers" => Member::Headers,
            "body" => Member::Body,
            "dependsOn" => Member::DependsOn,
            "if" => Member::Atomicity,
            "atomicityGroup" => {
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
fn text_value<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Str<'a>>, Invalid> {
    if scanner.peek() == Some(b'"') {
        return scanner.string().map(Some);
    }
    scanner.value(ITEM_DEPTH).map(|_| None)
}

fn read_headers(
    envelope: &ByteString,
    scanner: &mut Scanner<'_>,
    item: &mut Subrequest,
) -> Result<(), Error> {
    if !scanner.take(b'{') {
        if scanner.value(ITEM_DEPTH)? != "null" {
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
                read_header_value(envelope, scanner, &name, item)?;
            }
        } else {
            read_header_value(envelope, scanner, &name, item)?;
        }
    }
    Ok(())
}

fn read_header_value(
    envelope: &ByteString,
    scanner: &mut Scanner<'_>,
    name: &str,
    item: &mut Subrequest,
) -> Result<(), Error> {
    match text_value(scanner)? {
        Some(value) => item.add_header(name.as_bytes(), value.shared(envelope)?.into_bytes()),
        None => item.fail(Fault::Header),
    }
    Ok(())
}

fn read_depends_on(
    envelope: &ByteString,
    scanner: &mut Scanner<'_>,
    item: &mut Subrequest,
) -> Result<(), Error> {
    if !scanner.take(b'[') {
        return match scanner.value(ITEM_DEPTH)? {
            "null" => Ok(()),
            _ => Err(Invalid.into()),
        };
    }
    let mut is_first = true;
    while scanner.element(is_first)? {
        is_first = false;
        item.depends_on.push(scanner.string()?.shared(envelope)?);
    }
    Ok(())
}
