//! A strict JSON scanner (RFC 8259) that hands out slices: of members as they come, of whole values as they stand.
//!
//! It does not recurse, allocates only for strings with escapes, and counts depth over values that are passed over too.

use std::borrow::Cow;

use bytestring::ByteString;

/// Deeper JSON is refused.
pub(super) const MAX_DEPTH: u32 = 128;

/// It is not JSON, or not of the form that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// A place in JSON text.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// A string as it stands in the text, its quotes included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Str<'a> {
    quoted: &'a str,
    is_escaped: bool,
}

impl<'a> Str<'a> {
    #[inline]
    fn inner(&self) -> &'a str {
        self.quoted
            .get(1..self.quoted.len() - 1)
            .unwrap_or_default()
    }

    /// What the string says. Half a surrogate pair says nothing.
    #[inline]
    pub(super) fn unescaped(&self) -> Result<Cow<'a, str>, Invalid> {
        match self.is_escaped {
            false => Ok(Cow::Borrowed(self.inner())),
            true => serde_json::from_str(self.quoted)
                .map(Cow::Owned)
                .map_err(|_| Invalid),
        }
    }

    /// The same, as a slice of the envelope where there is nothing to unescape.
    #[inline]
    pub(super) fn shared(self, envelope: &ByteString) -> Result<ByteString, Invalid> {
        Ok(match self.unescaped()? {
            Cow::Borrowed(inner) => envelope.slice_ref(inner),
            Cow::Owned(text) => text.into(),
        })
    }
}

/// Checks that these bytes are exactly one JSON value.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut scanner = Scanner::new(text);
    scanner.value(0).is_ok() && scanner.end().is_ok()
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// From there to here.
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// The next byte that is no white space, without taking it.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
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
    pub(super) fn member(&mut self, is_first: bool) -> Result<Option<Str<'a>>, Invalid> {
        if self.take(b'}') {
            return Ok(None);
        }
        if !is_first {
            self.expect(b',')?;
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

    pub(super) fn string(&mut self) -> Result<Str<'a>, Invalid> {
        self.expect(b'"')?;
        let start = self.at - 1;
        let mut is_escaped = false;
        loop {
            self.at += plain_len(self.rest());
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    self.escape()?;
                }
                _ => return Err(Invalid),
            }
        }
        self.at += 1;
        Ok(Str {
            quoted: self.since(start),
            is_escaped,
        })
    }

    fn escape(&mut self) -> Result<(), Invalid> {
        let digits = match self.rest().get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            _ => return Err(Invalid),
        };
        let hex = self.rest().get(2..2 + digits).ok_or(Invalid)?;
        self.at += 2 + digits;
        match hex.iter().all(u8::is_ascii_hexdigit) {
            true => Ok(()),
            false => Err(Invalid),
        }
    }

    /// Takes any value that stands in `depth` containers: its text, without the white space around it.
    pub(super) fn value(&mut self, depth: u32) -> Result<&'a str, Invalid> {
        self.peek();
        let start = self.at;
        let mut open = Containers::default();
        loop {
            match self.peek().ok_or(Invalid)? {
                b'"' => {
                    self.string()?;
                }
                opening @ (b'{' | b'[') => {
                    self.at += 1;
                    open.push(opening == b'{');
                    if depth + open.count > MAX_DEPTH {
                        return Err(Invalid);
                    }
                    let is_empty = self.take(open.closing());
                    if !is_empty {
                        self.before_value(&open)?;
                        continue;
                    }
                    open.pop();
                }
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => self.number()?,
            }
            while open.count > 0 && self.take(open.closing()) {
                open.pop();
            }
            if open.count == 0 {
                return Ok(self.since(start));
            }
            self.expect(b',')?;
            self.before_value(&open)?;
        }
    }

    /// In an object a name and a colon; in an array nothing.
    fn before_value(&mut self, open: &Containers) -> Result<(), Invalid> {
        if open.is_object() {
            self.string()?;
            self.expect(b':')?;
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Invalid> {
        let rest = self.rest();
        self.at += word.len();
        rest.starts_with(word).then_some(()).ok_or(Invalid)
    }

    fn number(&mut self) -> Result<(), Invalid> {
        self.skip(b"-");
        match self.byte() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.skip(b".") {
            self.digits()?;
        }
        if self.skip(b"eE") {
            self.skip(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Invalid> {
        let count = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += count;
        (count > 0).then_some(()).ok_or(Invalid)
    }

    /// Takes one of these bytes, with no white space before it.
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let found = self.byte().is_some_and(|byte| bytes.contains(&byte));
        self.at += usize::from(found);
        found
    }
}

/// Which containers are open, as bits: an object is a 1. The lowest is the innermost.
#[derive(Debug, Default)]
struct Containers {
    kinds: u128,
    count: u32,
}

impl Containers {
    fn push(&mut self, is_object: bool) {
        self.kinds = self.kinds << 1 | u128::from(is_object);
        self.count += 1;
    }

    fn pop(&mut self) {
        self.kinds >>= 1;
        self.count -= 1;
    }

    fn is_object(&self) -> bool {
        self.kinds & 1 == 1
    }

    fn closing(&self) -> u8 {
        if self.is_object() { b'}' } else { b']' }
    }
}

/// How many bytes from the start stand in a string for themselves.
fn plain_len(bytes: &[u8]) -> usize {
    prefix_len(bytes, |word| {
        word.controls() | word.equal(b'"') | word.equal(b'\\')
    })
}

/// Eight bytes in one number. Each question is answered by a mark in the high bit of every byte that it holds for; above
/// the lowest mark there may be false ones, by a borrow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(u64);

impl Word {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = Self::ONES << 7;

    /// Control characters.
    #[inline]
    pub(super) fn controls(self) -> u64 {
        self.0.wrapping_sub(Self::ONES * 0x20) & !self.0 & Self::HIGHS
    }

    /// Bytes that are not ASCII.
    #[inline]
    pub(super) fn highs(self) -> u64 {
        self.0 & Self::HIGHS
    }

    /// This byte, which is an ASCII one.
    #[inline]
    pub(super) fn equal(self, byte: u8) -> u64 {
        let word = self.0 ^ (Self::ONES * u64::from(byte));
        word.wrapping_sub(Self::ONES) & !word & Self::HIGHS
    }
}

/// How many bytes there are before the first that is marked.
#[inline]
pub(super) fn prefix_len(bytes: &[u8], marks: impl Fn(Word) -> u64) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marked = marks(Word(u64::from_le_bytes(*word)));
        if marked != 0 {
            return index * 8 + marked.trailing_zeros() as usize / 8;
        }
    }
    // What is not there is a byte that nobody asks about.
    let mut last = [b' '; 8];
    for (byte, of_rest) in last.iter_mut().zip(rest) {
        *byte = *of_rest;
    }
    let marked = marks(Word(u64::from_le_bytes(last)));
    words.len() * 8 + rest.len().min(marked.trailing_zeros() as usize / 8)
}
