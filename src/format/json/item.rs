//! Reads one item of an envelope.

use std::borrow::Cow;
use std::ops::Range;

use bytestring::ByteString;

use super::body::decode_body;
use super::names::Names;
use super::scan::{Invalid, Scanner, Str};
use crate::error::ErrorKind;
use crate::fault::Fault;
use crate::subrequest::Subrequest;

/// Depth at which an item's members stand: the envelope, its array, the item.
const DEPTH: u32 = 3;

/// An envelope, and the place in it.
#[derive(Debug)]
pub(super) struct Source<'a> {
    envelope: &'a ByteString,
    pub(super) scanner: Scanner<'a>,
}

impl<'a> Source<'a> {
    pub(super) fn new(envelope: &'a ByteString) -> Self {
        Self {
            envelope,
            scanner: Scanner::new(envelope.as_bytes()),
        }
    }

    /// What a string says. Half a surrogate pair says nothing.
    #[inline]
    pub(super) fn text(&self, string: &Str) -> Result<Cow<'a, str>, Invalid> {
        match string.is_escaped {
            false => Ok(Cow::Borrowed(self.slice(string.inner.clone()))),
            true => self.unescaped(string).map(Cow::Owned),
        }
    }

    fn unescaped(&self, string: &Str) -> Result<String, Invalid> {
        let quoted = self.slice(string.inner.start - 1..string.inner.end + 1);
        serde_json::from_str(quoted).map_err(|_| Invalid)
    }

    /// The same, as a slice of the envelope where there is nothing to unescape.
    #[inline]
    pub(super) fn shared(&self, string: &Str) -> Result<ByteString, Invalid> {
        Ok(match self.text(string)? {
            Cow::Borrowed(text) => self.envelope.slice_ref(text),
            Cow::Owned(text) => text.into(),
        })
    }

    #[inline]
    fn slice(&self, range: Range<usize>) -> &'a str {
        self.envelope.get(range).unwrap_or_default()
    }

    /// Takes any value.
    fn value(&mut self) -> Result<&'a str, Invalid> {
        let range = self.scanner.value(DEPTH)?;
        Ok(self.slice(range))
    }

    /// Takes a string, or a value of another type: `None`.
    #[inline]
    fn string(&mut self, depth: u32) -> Result<Option<Str>, Invalid> {
        if self.scanner.peek() == Some(b'"') {
            return self.scanner.string().map(Some);
        }
        self.scanner.value(depth).map(|_| None)
    }

    /// Fills in one item. What breaks the structure is an error and refuses the batch; a bad value fails the item.
    pub(super) fn item(&mut self, item: &mut Subrequest) -> Result<(), ErrorKind> {
        if !self.scanner.take(b'{') {
            return Err(ErrorKind::Malformed);
        }
        let mut members = Members::default();
        let mut body = None;
        let mut is_first = true;
        while let Some(name) = self.scanner.member(is_first)? {
            is_first = false;
            let name = self.text(&name)?;
            match members.note(name)? {
                Member::Id => {
                    let id = self.scanner.string()?;
                    item.set_id(self.shared(&id)?)?;
                }
                Member::Method => match self.string(DEPTH)? {
                    Some(method) => item.set_method(self.text(&method)?.as_bytes()),
                    None => item.fail(Fault::Method),
                },
                Member::Url => match self.string(DEPTH)? {
                    Some(url) => item.url = self.shared(&url)?,
                    None => item.fail(Fault::Target),
                },
                Member::Headers => self.headers(item)?,
                Member::Body => body = Some(self.value()?),
                Member::DependsOn => self.depends_on(item)?,
                Member::AtomicityGroup => {
                    if let Some(group) = self.group()? {
                        item.extras_mut().group = Some(group);
                    }
                }
                // Never ignored: an item that was to be conditional must not run as if it were not.
                Member::If if self.value()? != "null" => {
                    return Err(ErrorKind::UnsupportedAtomicity);
                }
                Member::If => {}
                Member::Unknown => {
                    self.value()?;
                }
            }
        }
        if !members.has(Member::Id) {
            return Err(ErrorKind::Malformed);
        }
        if let Some(body) = body.filter(|body| *body != "null") {
            match decode_body(self.envelope.slice_ref(body), item) {
                Some(body) => item.body = body,
                None => item.fail(Fault::Body),
            }
        }
        Ok(())
    }

    fn headers(&mut self, item: &mut Subrequest) -> Result<(), Invalid> {
        if !self.scanner.take(b'{') {
            if self.value()? != "null" {
                item.fail(Fault::Header);
            }
            return Ok(());
        }
        let mut names = Names::default();
        let mut is_first = true;
        while let Some(name) = self.scanner.member(is_first)? {
            is_first = false;
            let name = self.text(&name)?;
            names.insert(name.clone())?;
            if self.scanner.take(b'[') {
                let mut is_first = true;
                while self.scanner.element(is_first)? {
                    is_first = false;
                    self.header(&name, DEPTH + 2, item)?;
                }
            } else {
                self.header(&name, DEPTH + 1, item)?;
            }
        }
        Ok(())
    }

    fn header(&mut self, name: &str, depth: u32, item: &mut Subrequest) -> Result<(), Invalid> {
        match self.string(depth)? {
            Some(value) => item.add_header(name.as_bytes(), self.shared(&value)?.into_bytes()),
            None => item.fail(Fault::Header),
        }
        Ok(())
    }

    fn depends_on(&mut self, item: &mut Subrequest) -> Result<(), Invalid> {
        if !self.scanner.take(b'[') {
            return match self.value()? {
                "null" => Ok(()),
                _ => Err(Invalid),
            };
        }
        let mut is_first = true;
        while self.scanner.element(is_first)? {
            is_first = false;
            let id = self.scanner.string()?;
            item.extras_mut().depends_on.push(self.shared(&id)?);
        }
        Ok(())
    }

    fn group(&mut self) -> Result<Option<ByteString>, ErrorKind> {
        match self.scanner.peek() {
            Some(b'"') => {
                let name = self.scanner.string()?;
                Ok(Some(self.shared(&name)?))
            }
            _ if self.value()? == "null" => Ok(None),
            _ => Err(ErrorKind::UnsupportedAtomicity),
        }
    }
}

/// The members that mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Id = 1 << 0,
    Method = 1 << 1,
    Url = 1 << 2,
    Headers = 1 << 3,
    Body = 1 << 4,
    DependsOn = 1 << 5,
    AtomicityGroup = 1 << 6,
    If = 1 << 7,
    Unknown = 0,
}

/// Which members an item has had.
#[derive(Debug, Default)]
struct Members<'a> {
    seen: u8,
    unknown: Option<Names<'a>>,
}

impl<'a> Members<'a> {
    #[inline]
    fn note(&mut self, name: Cow<'a, str>) -> Result<Member, Invalid> {
        let member = match &*name {
            "id" => Member::Id,
            "method" => Member::Method,
            "url" => Member::Url,
            "headers" => Member::Headers,
            "body" => Member::Body,
            "dependsOn" => Member::DependsOn,
            "atomicityGroup" => Member::AtomicityGroup,
            "if" => Member::If,
            _ => {
                self.unknown.get_or_insert_default().insert(name)?;
                return Ok(Member::Unknown);
            }
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
