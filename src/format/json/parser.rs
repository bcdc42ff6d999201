//! A cursor in JSON text. It is strict, it does not recurse, and it copies only strings with
//! escapes.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;

use super::invalid::{Invalid, Why};
use super::skip;
use super::token::{colon, peek, plain_end, special_string};

/// The text, and the index of the byte that is read next.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    text: &'a ByteString,
    data: &'a [u8],
    index: usize,
}

/// Where a string stands in the text.
#[derive(Clone, Debug)]
pub(super) struct Str {
    inner: Range<usize>,
    pub(super) is_escaped: bool,
}

impl Str {
    /// The index of its first quote.
    pub(super) fn start(&self) -> usize {
        self.inner.start - 1
    }
}

/// # Steps
impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a ByteString) -> Self {
        Self {
            text,
            data: text.as_bytes(),
            index: 0,
        }
    }

    /// Moves over white space: the byte there.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        peek(self.data, &mut self.index)
    }

    /// What is wrong with the byte that [`peek`](Self::peek) has found.
    #[cold]
    pub(super) fn invalid(&self, why: Why) -> Invalid {
        why.at(self.index)
    }

    /// What is wrong with the end of an object that has just been passed.
    #[cold]
    pub(super) fn invalid_end(&self, why: Why) -> Invalid {
        why.at(self.index - 1)
    }

    pub(super) fn end(&mut self) -> Result<(), Invalid> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.invalid(Why::TrailingCharacters)),
        }
    }

    /// Enters the object whose `{` is next: whether it has a member. Its [`name`](Self::name) is
    /// then to be read, from behind its first quote.
    #[inline]
    pub(super) fn object_first(&mut self) -> Result<bool, Invalid> {
        self.index += 1;
        match self.peek() {
            Some(b'}') => self.found(false),
            _ => self.quote(),
        }
    }

    /// Moves on in an object, behind the value of a member: whether there is another one.
    #[inline]
    pub(super) fn object_next(&mut self) -> Result<bool, Invalid> {
        match self.peek() {
            Some(b',') => {
                self.index += 1;
                self.quote()
            }
            Some(b'}') => self.found(false),
            _ => Err(self.invalid(Why::NoCommaInObject)),
        }
    }

    #[inline]
    fn quote(&mut self) -> Result<bool, Invalid> {
        match self.peek() {
            Some(b'"') => self.found(true),
            _ => Err(self.invalid(Why::NoName)),
        }
    }

    #[inline]
    fn found(&mut self, is_there: bool) -> Result<bool, Invalid> {
        self.index += 1;
        Ok(is_there)
    }

    /// The index of the quote that begins the name to be read.
    pub(super) fn name_start(&self) -> usize {
        self.index - 1
    }

    /// Reads the name of a member, and its colon.
    #[inline(always)]
    pub(super) fn name(&mut self) -> Result<Str, Invalid> {
        let name = self.begun_string(self.index)?;
        self.index = colon(self.data, self.index)?;
        Ok(name)
    }

    /// Enters the array whose `[` is next: whether an element may follow.
    #[inline]
    pub(super) fn array_first(&mut self) -> Result<bool, Invalid> {
        self.index += 1;
        match self.peek() {
            Some(b']') => self.found(false),
            _ => Ok(true),
        }
    }

    /// Moves on in an array, behind an element: whether another one has to follow.
    #[inline]
    pub(super) fn array_next(&mut self) -> Result<bool, Invalid> {
        match self.peek() {
            Some(b',') => self.found(true),
            Some(b']') => self.found(false),
            _ => Err(self.invalid(Why::NoCommaInArray)),
        }
    }

    /// Reads a string if one is next.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Option<Str>, Invalid> {
        match self.peek() {
            Some(b'"') => self.begun_string(self.index + 1).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads a string from behind its first quote.
    #[inline(always)]
    fn begun_string(&mut self, start: usize) -> Result<Str, Invalid> {
        let end = plain_end(self.data, start);
        match self.data.get(end) {
            Some(b'"') => {
                self.index = end + 1;
                Ok(Str {
                    inner: start..end,
                    is_escaped: false,
                })
            }
            _ => self.special_string(start, end),
        }
    }

    #[inline]
    fn special_string(&mut self, start: usize, special: usize) -> Result<Str, Invalid> {
        self.index = special_string(self.data, start, special, false)?;
        let end = self.index - 1;
        let bytes = self.data.get(special..end).unwrap_or_default();
        Ok(Str {
            inner: start..end,
            is_escaped: bytes.starts_with(b"\\") || bytes.contains(&b'\\'),
        })
    }

    /// Reads any value that stands in `depth` containers: its text.
    pub(super) fn value(&mut self, depth: u32) -> Result<&'a str, Invalid> {
        self.peek();
        let start = self.index;
        self.index = skip::value(self.data, start, depth, false)?;
        Ok(self.slice(start..self.index))
    }
}

/// # Short cuts
impl<'a> Parser<'a> {
    /// Moves behind the one of these spellings that is next.
    #[inline]
    pub(super) fn any_of<T: Copy>(&mut self, spellings: &[(&[u8], T)]) -> Option<T> {
        let rest = self.data.get(self.index..)?;
        let found = spellings
            .iter()
            .find(|(spelling, _)| rest.starts_with(spelling));
        let (spelling, meaning) = found?;
        self.index += spelling.len();
        Some(*meaning)
    }

    /// Reads these bytes and the string that they begin, if they are next and the string is ASCII
    /// without escapes.
    #[inline]
    pub(super) fn plain_string(&mut self, before: &[u8]) -> Option<Str> {
        let rest = self.data.get(self.index..)?;
        rest.strip_prefix(before)?;
        let start = self.index + before.len();
        let end = plain_end(self.data, start);
        if self.data.get(end) != Some(&b'"') {
            return None;
        }
        self.index = end + 1;
        Some(Str {
            inner: start..end,
            is_escaped: false,
        })
    }
}

/// # What a string says
///
/// Half a surrogate pair says nothing, and is an error.
impl<'a> Parser<'a> {
    #[inline]
    pub(super) fn bytes(&self, string: &Str) -> Result<Cow<'a, [u8]>, Invalid> {
        Ok(match string.is_escaped {
            false => Cow::Borrowed(self.plain_bytes(string)),
            true => Cow::Owned(self.unescaped(string)?.into_bytes()),
        })
    }

    /// A part of the envelope where there is nothing to unescape.
    #[inline]
    pub(super) fn shared(&self, string: &Str) -> Result<ByteString, Invalid> {
        Ok(match string.is_escaped {
            false => self.share(self.plain_text(string)),
            true => self.unescaped(string)?.into(),
        })
    }

    pub(super) fn shared_bytes(&self, string: &Str) -> Result<Bytes, Invalid> {
        Ok(match string.is_escaped {
            false => self.text.as_bytes().slice_ref(self.plain_bytes(string)),
            true => self.unescaped(string)?.into(),
        })
    }

    /// A part of the envelope, without a copy.
    #[inline]
    pub(super) fn share(&self, part: &'a str) -> ByteString {
        self.text.slice_ref(part)
    }

    /// The string as it stands in the text, with its quotes.
    pub(super) fn quoted(&self, string: &Str) -> &'a str {
        self.slice(string.start()..string.inner.end + 1)
    }

    /// The text of a string without escapes.
    #[inline]
    pub(super) fn plain_text(&self, string: &Str) -> &'a str {
        self.slice(string.inner.clone())
    }

    #[inline]
    fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    #[inline]
    pub(super) fn plain_bytes(&self, string: &Str) -> &'a [u8] {
        self.data.get(string.inner.clone()).unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    pub(super) fn unescaped(&self, string: &Str) -> Result<String, Invalid> {
        let unescaped = serde_json::from_str(self.quoted(string));
        unescaped.map_err(|_| Why::Surrogate.at(string.start()))
    }
}
