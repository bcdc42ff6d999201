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
    text: &'a [u8],
    at: usize,
}

/// Where a string stands in the text, without its quotes.
#[derive(Clone, Debug)]
pub(super) struct Str {
    pub(super) inner: Range<usize>,
    pub(super) is_escaped: bool,
}

/// Depth at which the body of an answer stands; one is spared for readers that count otherwise.
const ANSWER_DEPTH: u32 = 4;

/// Checks that these bytes are exactly one JSON value, and one that does not keep a strict reader from the rest of the
/// envelope: not too deep where it will stand, and without halves of surrogate pairs.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let is_text = bytes.is_ascii() || std::str::from_utf8(bytes).is_ok();
    let start = skip::space(bytes, 0);
    let end = skip::value(bytes, start, ANSWER_DEPTH, true);
    is_text && end.is_some_and(|end| skip::space(bytes, end) == bytes.len())
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no white space, without taking it.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.at = skip::space(self.text, self.at);
        self.text.get(self.at).copied()
    }

    pub(super) fn end(&mut self) -> Result<(), Invalid> {
        self.peek().map_or(Ok(()), |_| Err(Invalid))
    }

    /// Takes this byte if it is the next one.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Invalid> {
        self.take(byte).then_some(()).ok_or(Invalid)
    }

    /// Steps to the next member of an object that [`take`](Self::take) has opened: its name, or `None` at the end.
    #[inline]
    pub(super) fn member(&mut self, is_first: bool) -> Result<Option<Str>, Invalid> {
        match self.peek() {
            Some(b'}') => {
                self.at += 1;
                return Ok(None);
            }
            Some(b',') if !is_first => self.at += 1,
            _ if is_first => {}
            _ => return Err(Invalid),
        }
        let name = self.string()?;
        self.expect(b':')?;
        Ok(Some(name))
    }

    /// Steps to the next element of an array that [`take`](Self::take) has opened: whether there is one.
    #[inline]
    pub(super) fn element(&mut self, is_first: bool) -> Result<bool, Invalid> {
        if self.take(b']') {
            // `[1,]` does not get here: the comma wants a value.
            return Ok(false);
        }
        if !is_first {
            self.expect(b',')?;
        }
        Ok(true)
    }

    #[inline]
    pub(super) fn string(&mut self) -> Result<Str, Invalid> {
        self.expect(b'"')?;
        let start = self.at;
        let (end, is_escaped) = skip::string(self.text, start, false).ok_or(Invalid)?;
        self.at = end;
        Ok(Str {
            inner: start..end - 1,
            is_escaped,
        })
    }

    /// Takes any value that stands in `depth` containers: where it stands, without the white space around it.
    pub(super) fn value(&mut self, depth: u32) -> Result<Range<usize>, Invalid> {
        let start = skip::space(self.text, self.at);
        self.at = skip::value(self.text, start, depth, false).ok_or(Invalid)?;
        Ok(start..self.at)
    }
}
