//! Reads one item of an envelope.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;

use super::Rules;
use super::body::decode_body;
use super::invalid::Invalid;
use super::member::{Member, Seen, USUAL};
use super::names::Names;
use super::scan::{Scanner, Str};
use crate::error::Error;
use crate::item_error::ItemError;
use crate::subrequest::Subrequest;

/// Depth at which an item's members stand: the envelope, its array, the item.
const DEPTH: u32 = 3;

/// An envelope, and the place in it.
#[derive(Debug)]
pub(super) struct Source<'a> {
    envelope: &'a ByteString,
    rules: Rules,
    pub(super) scanner: Scanner<'a>,
}

impl<'a> Source<'a> {
    pub(super) fn new(envelope: &'a ByteString, rules: Rules) -> Self {
        Self {
            envelope,
            rules,
            scanner: Scanner::new(envelope.as_bytes()),
        }
    }

    /// The refusal at this place.
    #[cold]
    pub(super) fn refusal(&self, why: Invalid) -> Error {
        self.refusal_at(why, self.scanner.position())
    }

    #[cold]
    pub(super) fn refusal_at(&self, why: Invalid, offset: usize) -> Error {
        why.refusal(self.envelope.as_bytes(), offset)
    }

    /// What a string says. Half a surrogate pair says nothing.
    #[inline(always)]
    pub(super) fn bytes(&self, string: &Str) -> Result<Cow<'a, [u8]>, Invalid> {
        Ok(match string.is_escaped {
            false => Cow::Borrowed(self.plain_bytes(string)),
            true => Cow::Owned(self.unescaped(string)?.into_bytes()),
        })
    }

    #[inline(always)]
    fn plain_bytes(&self, string: &Str) -> &'a [u8] {
        let bytes = self.envelope.as_bytes().get(string.inner.clone());
        bytes.unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn unescaped(&self, string: &Str) -> Result<String, Invalid> {
        serde_json::from_str(self.quoted(string)).map_err(|_| Invalid::Surrogate)
    }

    /// The same, as a slice of the envelope where there is nothing to unescape.
    #[inline]
    pub(super) fn shared(&self, string: &Str) -> Result<ByteString, Invalid> {
        Ok(match string.is_escaped {
            false => self.envelope.slice_ref(self.slice(string.inner.clone())),
            true => self.unescaped(string)?.into(),
        })
    }

    fn shared_bytes(&self, string: &Str) -> Result<Bytes, Invalid> {
        Ok(match string.is_escaped {
            false => {
                let bytes = self.plain_bytes(string);
                self.envelope.as_bytes().slice_ref(bytes)
            }
            true => self.unescaped(string)?.into(),
        })
    }

    #[inline]
    fn slice(&self, range: Range<usize>) -> &'a str {
        self.envelope.get(range).unwrap_or_default()
    }

    fn quoted(&self, string: &Str) -> &'a str {
        self.slice(string.inner.start - 1..string.inner.end + 1)
    }

    /// Takes any value.
    fn value(&mut self) -> Result<&'a str, Invalid> {
        let range = self.scanner.value(DEPTH)?;
        Ok(self.slice(range))
    }

    /// Fills in one item, which stands behind these. What breaks the structure is an error and
    /// refuses the batch; a bad value fails the item.
    pub(super) fn item(
        &mut self,
        item: &mut Subrequest,
        earlier: &[Subrequest],
    ) -> Result<(), Invalid> {
        if !self.scanner.take(b'{') {
            return Err(Invalid::ItemNotAnObject);
        }
        let mut seen = self.usual_start(item)?;
        let mut is_first = !seen.has(Member::Id);
        let mut unknown = None;
        let mut body = None;
        while self.scanner.member_begins(is_first)? {
            is_first = false;
            let member = match self.usual_member() {
                Some(member) => member,
                None => self.any_member(&mut unknown)?,
            };
            seen.note(member)?;
            match (member, self.scanner.string_if_next()?) {
                (Member::Id, Some(id)) => item.set_id(self.shared(&id)?)?,
                (Member::Method, Some(method)) => item.set_method(&self.bytes(&method)?),
                (Member::Url, Some(url)) => item.url = self.shared(&url)?,
                (Member::Headers, Some(_)) => item.fail(ItemError::Header),
                (Member::Body, Some(text)) => body = Some(self.quoted(&text)),
                (Member::AtomicityGroup, Some(group)) => {
                    item.extras_mut().group = Some(self.shared(&group)?);
                }
                (Member::Id, None) => return Err(Invalid::IdNotAString),
                (Member::DependsOn, Some(_)) => return Err(Invalid::DependsOn),
                (Member::Method, None) => {
                    self.value()?;
                    item.fail(ItemError::Method);
                }
                (Member::Url, None) => {
                    self.value()?;
                    item.fail(ItemError::Target);
                }
                (Member::Headers, None) => self.headers(item)?,
                (Member::Body, None) => body = Some(self.value()?),
                (Member::DependsOn, None) => self.depends_on(item, earlier)?,
                // Never ignored: an item that was to be conditional must not run as if it were not.
                (Member::If, Some(_)) => return Err(Invalid::Conditional),
                (Member::AtomicityGroup | Member::If, None) => {
                    if self.value()? != "null" {
                        return Err(Invalid::Conditional);
                    }
                }
                (Member::Unknown, Some(_)) => {}
                (Member::Unknown, None) => {
                    self.value()?;
                }
            }
        }
        if !seen.has(Member::Id) {
            return Err(Invalid::IdMissing);
        }
        if let Some(body) = body.filter(|body| *body != "null") {
            match decode_body(self.envelope.slice_ref(body), item, self.rules) {
                Ok(body) => item.body = body,
                Err(fault) => item.fail(fault),
            }
        }
        Ok(())
    }

    /// Takes the members that nearly every item begins with, as far as they stand there in the order and spelling of most.
    #[inline(always)]
    fn usual_start(&mut self, item: &mut Subrequest) -> Result<Seen, Invalid> {
        let mut seen = Seen::default();
        let Some(id) = self.scanner.plain_string_behind(b"\"id\":\"") else {
            return Ok(seen);
        };
        item.set_id(self.envelope.slice_ref(self.slice(id)))?;
        seen.note(Member::Id)?;
        let Some(method) = self.scanner.plain_string_behind(b",\"method\":\"") else {
            return Ok(seen);
        };
        item.set_method(self.slice(method).as_bytes());
        seen.note(Member::Method)?;
        let Some(url) = self.scanner.plain_string_behind(b",\"url\":\"") else {
            return Ok(seen);
        };
        item.url = self.envelope.slice_ref(self.slice(url));
        seen.note(Member::Url)?;
        Ok(seen)
    }

    /// Takes the name of a member if it is spelled as nearly always.
    #[inline(always)]
    fn usual_member(&mut self) -> Option<Member> {
        let mut usual = USUAL.iter();
        let found = usual.find(|(spelling, _)| self.scanner.take_name(spelling));
        found.map(|(_, member)| *member)
    }

    #[inline(never)]
    fn any_member(&mut self, unknown: &mut Option<Names<'a>>) -> Result<Member, Invalid> {
        let name = self.scanner.name()?;
        let name = self.bytes(&name)?;
        let member = Member::named(&name);
        if member == Member::Unknown {
            if let Some(meant) = Member::resembling(&name) {
                return Err(Invalid::Misspelt(meant));
            }
            if self.rules.denies_unknown {
                return Err(Invalid::UnknownMember);
            }
            unknown.get_or_insert_default().insert(name)?;
        }
        Ok(member)
    }

    fn headers(&mut self, item: &mut Subrequest) -> Result<(), Invalid> {
        if !self.scanner.take(b'{') {
            if self.value()? != "null" {
                item.fail(ItemError::Header);
            }
            return Ok(());
        }
        let mut names = Names::default();
        let mut is_first = true;
        while let Some(name) = self.scanner.member(is_first)? {
            is_first = false;
            let name = self.bytes(&name)?;
            names.insert(name.clone())?;
            if item.brings(&name) {
                item.fail(ItemError::Header);
            }
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

    fn header(&mut self, name: &[u8], depth: u32, item: &mut Subrequest) -> Result<(), Invalid> {
        match self.scanner.string_if_next()? {
            Some(value) => item.add_header(name, self.shared_bytes(&value)?),
            None => {
                self.scanner.value(depth)?;
                item.fail(ItemError::Header);
            }
        }
        Ok(())
    }

    /// More names than there are before the item are not kept: one of them is unknown, or a
    /// repetition.
    fn depends_on(&mut self, item: &mut Subrequest, earlier: &[Subrequest]) -> Result<(), Invalid> {
        if !self.scanner.take(b'[') {
            return match self.value()? {
                "null" => Ok(()),
                _ => Err(Invalid::DependsOn),
            };
        }
        let (mut count, mut max) = (0, None);
        while self.scanner.element(count == 0)? {
            count += 1;
            let id = self.scanner.string_if_next()?;
            let id = id.ok_or(Invalid::DependsOn)?;
            if count > earlier.len()
                && count > *max.get_or_insert_with(|| earlier.len() + groups_in(earlier))
            {
                return Err(Invalid::UnknownDependency);
            }
            match id.is_escaped {
                false => item.add_dependency(self.slice(id.inner)),
                true => item.add_dependency(&self.unescaped(&id)?),
            }
        }
        Ok(())
    }
}

/// How many atomicity groups these are of.
fn groups_in(items: &[Subrequest]) -> usize {
    let runs = items.chunk_by(|one, next| one.group() == next.group());
    let first_of = |run: &[Subrequest]| run.first().is_some_and(|item| item.group().is_some());
    runs.filter(|run| first_of(run)).count()
}
