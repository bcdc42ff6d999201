//! A strict JSON scanner that tells where things stand: members as they come, whole values as they are.
//!
//! It does not recurse, does not allocate, and counts depth over values that are passed over too.

use std::ops::Range;

use super::skip;

/// It is not JSON, or not of the form that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// A place in JSON text. That the text is UTF-8 is for the caller to check.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    rest: &'a [u8],
    length: usize,
}

/// A string as it stands in the text, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Str<'a> {
    pub(super) inner: &'a [u8],
    pub(super) start: usize,
    pub(super) is_escaped: bool,
}

/// Depth at which the body of an answer stands; one is spared for readers that count otherwise.
const ANSWER_DEPTH: u32 = 4;

/// Checks that these bytes are exactly one JSON value, and one that does not keep a strict reader from the rest of the
/// envelope: not too deep where it will stand, and without halves of surrogate pairs.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let rest = skip::value(bytes, ANSWER_DEPTH, true);
    rest.is_some_and(|rest| skip::next(rest).is_none())
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            rest: text,
            length: text.len(),
        }
    }

    /// How much of the text is taken.
    #[inline(always)]
    fn at(&self) -> usize {
        self.length - self.rest.len()
    }

    /// The next byte that is no white space, and what is behind it.
    #[inline(always)]
    fn next(&self) -> Result<(u8, &'a [u8]), Invalid> {
        skip::next(self.rest).ok_or(Invalid)
    }

    /// The next byte that is no white space, without taking it.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        skip::next(self.rest).map(|(byte, _)| byte)
    }

    pub(super) fn end(&self) -> Result<(), Invalid> {
        self.peek().map_or(Ok(()), |_| Err(Invalid))
    }

    /// Takes this byte if it is the next one.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let rest = skip::byte(self.rest, byte);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Steps to the next member of an object that [`take`](Self::take) has opened: its name, or `None` at the end.
    #[inline]
    pub(super) fn member(&mut self, is_first: bool) -> Result<Option<Str<'a>>, Invalid> {
        match self.member_begins(is_first)? {
            true => self.name().map(Some),
            false => Ok(None),
        }
    }

    /// The same, but its [`name`](Self::name) is still to be taken.
    #[inline(always)]
    pub(super) fn member_begins(&mut self, is_first: bool) -> Result<bool, Invalid> {
        let is_there = self.is_there(is_first, b'}')?;
        if is_there {
            self.rest = skip::byte(self.rest, b'"').ok_or(Invalid)?;
        }
        Ok(is_there)
    }

    /// Takes the name of a member that has begun, and its colon.
    #[inline]
    pub(super) fn name(&mut self) -> Result<Str<'a>, Invalid> {
        let name = self.begun_string()?;
        self.rest = skip::byte(self.rest, b':').ok_or(Invalid)?;
        Ok(name)
    }

    /// The same for a name that is spelled like this, quote and colon at its end: whether it is the one.
    #[inline(always)]
    pub(super) fn take_name(&mut self, spelling: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(spelling);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Steps to the next element of an array that [`take`](Self::take) has opened: whether there is one.
    #[inline]
    pub(super) fn element(&mut self, is_first: bool) -> Result<bool, Invalid> {
        self.is_there(is_first, b']')
    }

    /// Takes the comma before the next member or element; or the end, which does not stand behind a comma: that wants a value.
    #[inline(always)]
    fn is_there(&mut self, is_first: bool, closing: u8) -> Result<bool, Invalid> {
        match self.next()? {
            (b',', rest) if !is_first => self.rest = rest,
            (byte, rest) if byte == closing => {
                self.rest = rest;
                return Ok(false);
            }
            _ if is_first => {}
            _ => return Err(Invalid),
        }
        Ok(true)
    }

    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Str<'a>, Invalid> {
        self.rest = skip::byte(self.rest, b'"').ok_or(Invalid)?;
        self.begun_string()
    }

    /// Takes a string from behind its first quote on.
    #[inline(always)]
    fn begun_string(&mut self) -> Result<Str<'a>, Invalid> {
        let (start, text) = (self.at(), self.rest);
        let (rest, is_escaped) = skip::string(text, false).ok_or(Invalid)?;
        self.rest = rest;
        let inner = text.get(..text.len() - rest.len() - 1);
        Ok(Str {
            inner: inner.unwrap_or_default(),
            start,
            is_escaped,
        })
    }

    /// Takes any value that stands in `depth` containers: where it stands, without the white space around it.
    pub(super) fn value(&mut self, depth: u32) -> Result<Range<usize>, Invalid> {
        let (_, rest) = self.next()?;
        let start = self.length - rest.len() - 1;
        self.rest = skip::value(self.rest, depth, false).ok_or(Invalid)?;
        Ok(start..self.at())
    }
}
