//! Strict JSON (RFC 8259), passed over as fast as it can be: from a place in the text to the place behind a value. `None` is
//! no JSON. Places are kept in locals and handed on, so that they stay in registers.

use super::containers::Containers;
use super::word::{Word, prefix_len};

/// Deeper JSON is refused.
pub(super) const MAX_DEPTH: u32 = 128;

/// The place of the next byte that is no white space.
#[inline(always)]
pub(super) fn space(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        // Nearly always.
        Some(0x21..) | None => at,
        Some(_) => at + spaces(text.get(at..).unwrap_or_default()),
    }
}

fn spaces(text: &[u8]) -> usize {
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    text.iter().take_while(is_space).count()
}

/// Passes over this byte, and white space before it.
#[inline(always)]
fn byte(text: &[u8], at: usize, wanted: u8) -> Option<usize> {
    let at = space(text, at);
    (*text.get(at)? == wanted).then_some(at + 1)
}

/// From behind the quote that begins a string to behind the one that ends it; and whether there are escapes between. If
/// `wants_pairs`, half a surrogate pair is an error.
#[inline(always)]
pub(super) fn string(text: &[u8], at: usize, wants_pairs: bool) -> Option<(usize, bool)> {
    let end = plain(text, at);
    match text.get(end)? {
        b'"' => Some((end + 1, false)),
        b'\\' => Some((escaped(text, end, wants_pairs)?, true)),
        _ => None,
    }
}

/// The first place from here that does not stand in a string for itself.
#[inline(always)]
fn plain(text: &[u8], at: usize) -> usize {
    let marks = |word: Word| word.controls() | word.equal(b'"') | word.equal(b'\\');
    at + prefix_len(text.get(at..).unwrap_or_default(), marks)
}

/// The rest of a string, from its first escape on.
#[cold]
fn escaped(text: &[u8], mut at: usize, wants_pairs: bool) -> Option<usize> {
    while *text.get(at)? == b'\\' {
        at = plain(text, escape(text, at, wants_pairs)?);
    }
    (*text.get(at)? == b'"').then_some(at + 1)
}

fn escape(text: &[u8], at: usize, wants_pairs: bool) -> Option<usize> {
    match text.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => return Some(at + 2),
        b'u' => {}
        _ => return None,
    }
    let at = at + 6;
    match code_unit(text, at - 6)? {
        0xD800..=0xDBFF if wants_pairs => match code_unit(text, at)? {
            0xDC00..=0xDFFF => Some(at + 6),
            _ => None,
        },
        0xDC00..=0xDFFF if wants_pairs => None,
        _ => Some(at),
    }
}

/// A backslash, `u` and four hexadecimal digits.
fn code_unit(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(*digit).to_digit(16)?)
    })
}

/// Any value that stands in `depth` containers. It begins at `at`.
pub(super) fn value(text: &[u8], mut at: usize, depth: u32, wants_pairs: bool) -> Option<usize> {
    let mut open = Containers::default();
    loop {
        at = match *text.get(at)? {
            b'"' => string(text, at + 1, wants_pairs)?.0,
            opening @ (b'{' | b'[') => {
                open.push(opening == b'{');
                if depth + open.count > MAX_DEPTH {
                    return None;
                }
                at = space(text, at + 1);
                if *text.get(at)? != open.closing() {
                    at = before_value(text, at, &open, wants_pairs)?;
                    continue;
                }
                at
            }
            b't' => literal(text, at, b"true")?,
            b'f' => literal(text, at, b"false")?,
            b'n' => literal(text, at, b"null")?,
            _ => number(text, at)?,
        };
        loop {
            if open.count == 0 {
                return Some(at);
            }
            at = space(text, at);
            let next = *text.get(at)?;
            at += 1;
            if next == b',' {
                at = before_value(text, at, &open, wants_pairs)?;
                break;
            }
            if next != open.closing() {
                return None;
            }
            open.pop();
        }
    }
}

/// To where a value begins: in an object behind a name and a colon.
#[inline(always)]
fn before_value(text: &[u8], at: usize, open: &Containers, wants_pairs: bool) -> Option<usize> {
    if !open.is_object() {
        return Some(space(text, at));
    }
    let at = byte(text, at, b'"')?;
    let (at, _) = string(text, at, wants_pairs)?;
    Some(space(text, byte(text, at, b':')?))
}

#[inline(always)]
fn literal(text: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    let end = at + word.len();
    (text.get(at..end)? == word).then_some(end)
}

fn number(text: &[u8], mut at: usize) -> Option<usize> {
    at += usize::from(text.get(at) == Some(&b'-'));
    at = match text.get(at)? {
        b'0' => at + 1,
        _ => digits(text, at)?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let is_signed = matches!(text.get(at + 1), Some(b'+' | b'-'));
        at = digits(text, at + 1 + usize::from(is_signed))?;
    }
    Some(at)
}

/// One digit or more.
#[inline(always)]
fn digits(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    (at > start).then_some(at)
}
