//! A strict JSON scanner (RFC 8259) that hands out slices: of members as they come, of whole values as they stand.
//!
//! It does not recurse, allocates only for strings with escapes, and counts depth over values that are passed over too.

use std::ops::Range;

use super::containers::Containers;
use super::word::{Word, prefix_len};

/// Deeper JSON is refused.
pub(super) const MAX_DEPTH: u32 = 128;

/// It is not JSON, or not of the form that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// A place in JSON text. That the text is UTF-8 is for the caller to check.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether half a surrogate pair is an error.
    wants_pairs: bool,
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
    let mut scanner = Scanner {
        wants_pairs: true,
        ..Scanner::new(bytes)
    };
    let is_text = bytes.is_ascii() || std::str::from_utf8(bytes).is_ok();
    is_text && scanner.value(ANSWER_DEPTH).is_ok() && scanner.end().is_ok()
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            wants_pairs: false,
        }
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
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
        // No white space may be passed over here.
        match self.plain() {
            Some(b'"') => {}
            Some(b'\\') => return self.escaped(start),
            _ => return Err(Invalid),
        }
        self.at += 1;
        Ok(Str {
            inner: start..self.at - 1,
            is_escaped: false,
        })
    }

    /// The rest of a string, from its first escape on.
    #[cold]
    fn escaped(&mut self, start: usize) -> Result<Str, Invalid> {
        while self.byte() == Some(b'\\') {
            self.escape()?;
            self.plain();
        }
        self.at += 1;
        match self.bytes.get(self.at - 1) {
            Some(b'"') => Ok(Str {
                inner: start..self.at - 1,
                is_escaped: true,
            }),
            _ => Err(Invalid),
        }
    }

    /// Takes what stands in a string for itself; the byte after it.
    #[inline]
    fn plain(&mut self) -> Option<u8> {
        let marks = |word: Word| word.controls() | word.equal(b'"') | word.equal(b'\\');
        self.at += prefix_len(self.rest(), marks);
        self.byte()
    }

    fn escape(&mut self) -> Result<(), Invalid> {
        if self.rest().get(1) == Some(&b'u') {
            let half = self.code_unit()?;
            let wants_other = self.wants_pairs && (0xD800..0xE000).contains(&half);
            if wants_other && (half >= 0xDC00 || !(0xDC00..0xE000).contains(&self.code_unit()?)) {
                return Err(Invalid);
            }
            return Ok(());
        }
        let is_known = matches!(
            self.rest().get(1),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
        );
        self.at += 2;
        is_known.then_some(()).ok_or(Invalid)
    }

    /// `\uXXXX`
    fn code_unit(&mut self) -> Result<u32, Invalid> {
        let digits = self.rest().strip_prefix(b"\\u").ok_or(Invalid)?;
        self.at += 6;
        digits
            .get(..4)
            .ok_or(Invalid)?
            .iter()
            .try_fold(0, |unit, digit| {
                char::from(*digit)
                    .to_digit(16)
                    .map(|digit| unit * 16 + digit)
            })
            .ok_or(Invalid)
    }

    /// Takes any value that stands in `depth` containers: its text, without the white space around it.
    pub(super) fn value(&mut self, depth: u32) -> Result<Range<usize>, Invalid> {
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
                    if self.peek() != Some(open.closing()) {
                        self.before_value(&open)?;
                        continue;
                    }
                }
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => self.number()?,
            }
            loop {
                if open.count == 0 {
                    return Ok(start..self.at);
                }
                let next = self.peek().ok_or(Invalid)?;
                self.at += 1;
                if next == b',' {
                    break self.before_value(&open)?;
                }
                if next != open.closing() {
                    return Err(Invalid);
                }
                open.pop();
            }
        }
    }

    /// In an object a name and a colon; in an array nothing.
    #[inline]
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
