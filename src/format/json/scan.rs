//! A strict JSON scanner that tells where things stand: members as they come, whole values as they are.
//!
//! It does not recurse, does not allocate, and counts depth over values that are passed over too.

use std::ops::Range;

use super::invalid::Invalid;
use super::skip;

/// A place in JSON text. That the text is UTF-8 is for the caller to check.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    rest: &'a [u8],
    length: usize,
}

/// Where a string stands in the text, without its quotes.
#[derive(Clone, Debug)]
pub(super) struct Str {
    pub(super) inner: Range<usize>,
    pub(super) is_escaped: bool,
}

/// Depth at which the body of an answer stands; one is spared for readers that count otherwise.
const ANSWER_DEPTH: u32 = 4;

/// Checks that these bytes are exactly one JSON value, and one that does not keep a strict reader
/// from the rest of the envelope: not too deep where it will stand, without halves of surrogate
/// pairs, and without numbers beyond `f64`.
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

    /// The next byte that is no white space, and what is behind it.
    #[inline(always)]
    fn next(&self) -> Result<(u8, &'a [u8]), Invalid> {
        skip::next(self.rest).ok_or(Invalid::Json)
    }

    /// The next byte that is no white space, without taking it.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        skip::next(self.rest).map(|(byte, _)| byte)
    }

    /// Where the next byte stands that is no white space, or the end.
    #[cold]
    pub(super) fn position(&self) -> usize {
        let rest = skip::next(self.rest).map_or(0, |(_, rest)| rest.len() + 1);
        self.length - rest
    }

    pub(super) fn end(&self) -> Result<(), Invalid> {
        self.peek().map_or(Ok(()), |_| Err(Invalid::Json))
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
    pub(super) fn member(&mut self, is_first: bool) -> Result<Option<Str>, Invalid> {
        match self.member_begins(is_first)? {
            true => self.name().map(Some),
            false => Ok(None),
        }
    }

    /// The same, but its [`name`](Self::name) is still to be taken.
    #[inline(always)]
    pub(super) fn member_begins(&mut self, is_first: bool) -> Result<bool, Invalid> {
        let (is_there, rest) = self.step(is_first, b'}')?;
        self.rest = match is_there {
            true => skip::byte(rest, b'"').ok_or(Invalid::Json)?,
            false => rest,
        };
        Ok(is_there)
    }

    /// Takes the name of a member that has begun, and its colon.
    #[inline]
    pub(super) fn name(&mut self) -> Result<Str, Invalid> {
        let name = self.begun_string(self.rest)?;
        self.rest = skip::byte(self.rest, b':').ok_or(Invalid::Json)?;
        Ok(name)
    }

    /// The same for a name that is spelled like this, quote and colon at its end: whether it is the one.
    #[inline(always)]
    pub(super) fn take_name(&mut self, spelling: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(spelling);
        if let Some(rest) = rest {
            self.rest = rest;
        }
        rest.is_some()
    }

    /// Takes these bytes and the plain string behind them, quote included, if they are next: where the string stands.
    #[inline(always)]
    pub(super) fn plain_string_behind(&mut self, bytes: &[u8]) -> Option<Range<usize>> {
        let text = self.rest.strip_prefix(bytes)?;
        self.rest = skip::plain_string(text)?;
        Some(self.length - text.len()..self.length - self.rest.len() - 1)
    }

    /// Steps to the next element of an array that [`take`](Self::take) has opened: whether there is one.
    #[inline]
    pub(super) fn element(&mut self, is_first: bool) -> Result<bool, Invalid> {
        let (is_there, rest) = self.step(is_first, b']')?;
        self.rest = rest;
        Ok(is_there)
    }

    /// Whether there is another member or element, and what is behind the comma before it; or else behind the end, which does
    /// not stand behind a comma: that wants a value.
    #[inline(always)]
    fn step(&self, is_first: bool, closing: u8) -> Result<(bool, &'a [u8]), Invalid> {
        match self.next() {
            Ok((b',', rest)) if !is_first => Ok((true, rest)),
            Ok((byte, rest)) if byte == closing => Ok((false, rest)),
            // Where the text ends, too: who wants the first misses it, and knows which it is.
            _ if is_first => Ok((true, self.rest)),
            _ => Err(Invalid::Json),
        }
    }

    /// Takes a string.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Str, Invalid> {
        self.string_if_next()?.ok_or(Invalid::Json)
    }

    /// Takes a string if one is next.
    #[inline(always)]
    pub(super) fn string_if_next(&mut self) -> Result<Option<Str>, Invalid> {
        match self.next()? {
            (b'"', rest) => self.begun_string(rest).map(Some),
            _ => Ok(None),
        }
    }

    /// Takes a string from behind its first quote on.
    #[inline(always)]
    fn begun_string(&mut self, text: &'a [u8]) -> Result<Str, Invalid> {
        let (rest, is_escaped) = skip::string(text, false).ok_or(Invalid::Json)?;
        self.rest = rest;
        Ok(Str {
            inner: self.length - text.len()..self.length - rest.len() - 1,
            is_escaped,
        })
    }

    /// Takes any value that stands in `depth` containers: where it stands, without the white space around it.
    pub(super) fn value(&mut self, depth: u32) -> Result<Range<usize>, Invalid> {
        let (_, rest) = self.next()?;
        let start = self.length - rest.len() - 1;
        self.rest = skip::value(self.rest, depth, false).ok_or(Invalid::Json)?;
        Ok(start..self.length - self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_means_the_same_at_every_place_in_a_string() {
        let agrees = |json: &[u8]| {
            let expected = serde_json::from_slice::<serde_json::Value>(json).is_ok();
            assert_eq!(is_json(json), expected, "{}", json.escape_ascii());
        };
        let two: &[&[u8]] = &[b"\\n", b"\\x", b"\xC3\xA9", b"\xA9\xC3", b"\" ", b"\xC3\""];
        let one: Vec<[u8; 1]> = (0..=u8::MAX).map(|byte| [byte]).collect();
        for special in one.iter().map(|byte| &byte[..]).chain(two.iter().copied()) {
            for before in 0..20 {
                for after in [0, 1, 7, 8, 30] {
                    let inside = [&b" !#[]\x7Fxx".repeat(3)[..before], special].concat();
                    let string = [b"\"", &inside[..], &vec![b'x'; after], b"\""].concat();
                    agrees(&string);
                    agrees(&[b"{", &string[..], b":0}"].concat());
                    agrees(&[b"[", &string[..], b"]"].concat());
                }
            }
        }
    }
}
