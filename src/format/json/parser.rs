//! A strict JSON parser, as a cursor in the text. It does not recurse, and copies only strings that
//! have escapes.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;

use super::invalid::{Invalid, Why};
use super::skip;
use super::token::{colon, peek, plain_end, special_string};

/// The text, and the index of the next byte.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    text: &'a ByteString,
    data: &'a [u8],
    index: usize,
}

/// The position of a string in the text.
#[derive(Clone, Debug)]
pub(super) struct Str {
    /// Without the quotes.
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

    /// Skips white space. Returns the byte after it.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        peek(self.data, &mut self.index)
    }

    /// An error at the byte that [`peek`](Self::peek) has returned.
    #[cold]
    pub(super) fn invalid(&self, why: Why) -> Invalid {
        why.at(self.index)
    }

    /// An error at the `}` that has just been read.
    #[cold]
    pub(super) fn invalid_end(&self, why: Why) -> Invalid {
        why.at(self.index - 1)
    }

    /// Checks that nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<(), Invalid> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.invalid(Why::TrailingCharacters)),
        }
    }

    /// Enters the object whose `{` is next. Returns whether it has a member. The caller then reads
    /// its [`name`](Self::name), whose first quote has been read.
    #[inline]
    pub(super) fn object_first(&mut self) -> Result<bool, Invalid> {
        self.index += 1;
        match self.peek() {
            Some(b'}') => self.found(false),
            _ => self.quote(),
        }
    }

    /// Continues an object after the value of a member. Returns whether it has another member.
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

    /// The index of the first quote of the name that is next.
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

    /// Enters the array whose `[` is next. Returns whether an element may follow.
    #[inline]
    pub(super) fn array_first(&mut self) -> Result<bool, Invalid> {
        self.index += 1;
        match self.peek() {
            Some(b']') => self.found(false),
            _ => Ok(true),
        }
    }

    /// Continues an array after an element. Returns whether another element has to follow.
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

    /// Reads a string whose first quote is before `start`.
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

    /// The index of the next byte.
    #[cfg(feature = "shapes")]
    pub(super) fn position(&self) -> usize {
        self.index
    }

    /// The text that has been read since this index.
    #[cfg(feature = "shapes")]
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.slice(start..self.index)
    }

    /// Reads any value, inside `depth` containers. Returns its text.
    pub(super) fn value(&mut self, depth: u32) -> Result<&'a str, Invalid> {
        self.peek();
        let start = self.index;
        self.index = skip::value(self.data, start, depth, false)?;
        Ok(self.slice(start..self.index))
    }

    /// Reads any value, inside `depth` containers. Returns its text with the white space around it.
    #[cfg(feature = "client")]
    pub(super) fn spaced_value(&mut self, depth: u32) -> Result<&'a str, Invalid> {
        let start = self.index;
        self.value(depth)?;
        self.peek();
        Ok(self.slice(start..self.index))
    }
}

/// # Fast paths
impl<'a> Parser<'a> {
    /// Reads whichever of these spellings is next.
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

    /// Reads the bytes `before`, whose last is a quote, and the string that it begins. Reads
    /// nothing unless these bytes are next, and the string is ASCII without escapes.
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

/// # The text of a string
///
/// Half a surrogate pair has no text, and is an error.
impl<'a> Parser<'a> {
    #[inline]
    pub(super) fn bytes(&self, string: &Str) -> Result<Cow<'a, [u8]>, Invalid> {
        Ok(if string.is_escaped {
            Cow::Owned(self.unescaped(string)?.into_bytes())
        } else {
            Cow::Borrowed(self.plain_bytes(string))
        })
    }

    /// The text of a string, which shares the memory of the envelope unless it has escapes.
    #[inline]
    pub(super) fn shared(&self, string: &Str) -> Result<ByteString, Invalid> {
        Ok(if string.is_escaped {
            self.unescaped(string)?.into()
        } else {
            self.share(self.plain_text(string))
        })
    }

    pub(super) fn shared_bytes(&self, string: &Str) -> Result<Bytes, Invalid> {
        Ok(if string.is_escaped {
            self.unescaped(string)?.into()
        } else {
            self.text.as_bytes().slice_ref(self.plain_bytes(string))
        })
    }

    /// A slice of the envelope, without a copy.
    #[inline]
    pub(super) fn share(&self, slice: &'a str) -> ByteString {
        self.text.slice_ref(slice)
    }

    /// The string as the envelope has it, with its quotes.
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
