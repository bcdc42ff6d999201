//! A strict JSON scanner (RFC 8259) that hands out slices: of members as they come, of whole values as they stand.
//!
//! It does not recurse, allocates only for strings with escapes, and counts depth over values that are passed over too.

use std::borrow::Cow;

use bytes::Bytes;

/// Deeper JSON is refused.
pub(super) const MAX_DEPTH: u32 = 128;

/// It is not JSON, or not of the form that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// A place in JSON text. The caller has checked that it is UTF-8.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    input: &'a [u8],
    at: usize,
}

/// A string as it stands in the text, its quotes included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Str<'a> {
    quoted: &'a [u8],
    is_escaped: bool,
}

impl<'a> Str<'a> {
    fn inner(&self) -> &'a [u8] {
        self.quoted
            .get(1..self.quoted.len() - 1)
            .unwrap_or_default()
    }

    /// What the string says. Half a surrogate pair says nothing.
    pub(super) fn unescaped(&self) -> Result<Cow<'a, [u8]>, Invalid> {
        match self.is_escaped {
            false => Ok(Cow::Borrowed(self.inner())),
            true => serde_json::from_slice::<String>(self.quoted)
                .map(|text| Cow::Owned(text.into_bytes()))
                .map_err(|_| Invalid),
        }
    }

    /// The same, as a slice of the envelope where there is nothing to unescape.
    pub(super) fn to_bytes(self, envelope: &Bytes) -> Result<Bytes, Invalid> {
        Ok(match self.unescaped()? {
            Cow::Borrowed(inner) => envelope.slice_ref(inner),
            Cow::Owned(text) => text.into(),
        })
    }
}

/// Checks that these bytes are exactly one JSON value.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let mut scanner = Scanner::new(bytes);
    std::str::from_utf8(bytes).is_ok() && scanner.value(0).is_ok() && scanner.end().is_ok()
}

impl<'a> Scanner<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0 }
    }

    /// The next byte that is no white space, without taking it.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.input.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
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
            self.at += plain_len(self.input.get(self.at..).unwrap_or_default());
            match self.input.get(self.at) {
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
            quoted: self.input.get(start..self.at).unwrap_or_default(),
            is_escaped,
        })
    }

    fn escape(&mut self) -> Result<(), Invalid> {
        let digits = match self.input.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            _ => return Err(Invalid),
        };
        let start = self.at + 2;
        let hex = self.input.get(start..start + digits).ok_or(Invalid)?;
        self.at = start + digits;
        match hex.iter().all(u8::is_ascii_hexdigit) {
            true => Ok(()),
            false => Err(Invalid),
        }
    }

    /// Takes any value that stands in `depth` containers: its text, without the white space around it.
    pub(super) fn value(&mut self, depth: u32) -> Result<&'a [u8], Invalid> {
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
                return Ok(self.input.get(start..self.at).unwrap_or_default());
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
        let rest = self.input.get(self.at..).unwrap_or_default();
        self.at += word.len();
        rest.starts_with(word).then_some(()).ok_or(Invalid)
    }

    fn number(&mut self) -> Result<(), Invalid> {
        self.skip(b"-");
        match self.input.get(self.at) {
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
        let rest = self.input.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(()).ok_or(Invalid)
    }

    /// Takes one of these bytes, with no white space before it.
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let found = self
            .input
            .get(self.at)
            .is_some_and(|byte| bytes.contains(byte));
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

/// How many bytes from the start are neither `"` nor `\` nor a control character: eight at a time.
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    // The lowest marked byte is right; bytes above it may be marked by a borrow.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let special = control
            | zero(word ^ (ONES * u64::from(b'"')))
            | zero(word ^ (ONES * u64::from(b'\\')));
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..=0x1F);
    words.len() * 8 + rest.iter().take_while(plain).count()
}
