//! Strict JSON (RFC 8259), passed over as fast as it can be: from a text to what is behind a part of it. `None` is no JSON.

use std::str::from_utf8;

use super::containers::Containers;
use super::word::{Word, first, prefix_len};

/// Deeper JSON is refused.
pub(super) const MAX_DEPTH: u32 = 128;

/// The next byte that is no white space, and what is behind it.
#[inline(always)]
pub(super) fn next(text: &[u8]) -> Option<(u8, &[u8])> {
    let (byte, rest) = match text.split_first()? {
        (0x21.., _) => text.split_first()?,
        _ => behind_space(text).split_first()?,
    };
    Some((*byte, rest))
}

/// Passes over this byte, and white space before it.
#[inline(always)]
pub(super) fn byte(text: &[u8], wanted: u8) -> Option<&[u8]> {
    match text {
        [byte, rest @ ..] if *byte == wanted => Some(rest),
        _ => behind_space(text).strip_prefix(&[wanted]),
    }
}

#[inline(never)]
fn behind_space(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = text {
        // Where there is any, there is an indent.
        let blanks = Word::split(rest).map_or(0, |(word, _)| word.blanks());
        text = rest.get(blanks..).unwrap_or_default();
    }
    text
}

/// From behind the quote that begins a string to behind the one that ends it; and whether there are escapes between. The
/// text of an answer may not be UTF-8, and half a surrogate pair in it is an error.
#[inline(always)]
pub(super) fn string(text: &[u8], is_answer: bool) -> Option<(&[u8], bool)> {
    match special(text) {
        [b'"', rest @ ..] => Some((rest, false)),
        special => special_string(text, special, is_answer),
    }
}

/// The same for a string that is ASCII and has no escapes; `None` for any other.
#[inline(always)]
pub(super) fn plain_string(text: &[u8]) -> Option<&[u8]> {
    special(text).strip_prefix(b"\"")
}

/// The same for the name of a member, to behind its colon.
#[inline(always)]
fn name(text: &[u8], is_answer: bool) -> Option<&[u8]> {
    match special(text) {
        [b'"', b':', rest @ ..] => Some(rest),
        special => special_name(text, special, is_answer),
    }
}

#[inline(never)]
fn special_name<'a>(text: &[u8], special: &'a [u8], is_answer: bool) -> Option<&'a [u8]> {
    let (rest, _) = special_string(text, special, is_answer)?;
    byte(rest, b':')
}

/// From the first byte on that is not ASCII, or does not stand in a string for itself.
#[inline(always)]
fn special(text: &[u8]) -> &[u8] {
    match Word::split(text) {
        Some((word, after)) => match first(word.specials_and_highs()) {
            Some(length) => text.get(length..).unwrap_or_default(),
            // Most strings are shorter.
            None => after_plain(after),
        },
        None => after_plain(text),
    }
}

/// The same for what is longer.
#[inline(never)]
fn after_plain(mut text: &[u8]) -> &[u8] {
    if let Some((word, after)) = Word::split(text) {
        match first(word.specials_and_highs()) {
            Some(length) => return text.get(length..).unwrap_or_default(),
            None => text = after,
        }
    }
    while let Some((block, after)) = text.split_first_chunk()
        && is_plain(block)
    {
        text = after;
    }
    let length = prefix_len(text, Word::specials_and_highs);
    text.get(length..).unwrap_or_default()
}

/// Of as many bytes as vectors take at once.
#[inline]
fn is_plain(block: &[u8; 32]) -> bool {
    let is_special = |byte: u8| (byte.cast_signed() < 0x20) | (byte == b'"') | (byte == b'\\');
    !block
        .iter()
        .fold(false, |any, byte| any | is_special(*byte))
}

/// What is behind a string, whose first byte that is not plain is `rest`'s; and whether there are escapes.
#[inline(never)]
fn special_string<'a>(
    text: &[u8],
    mut rest: &'a [u8],
    is_answer: bool,
) -> Option<(&'a [u8], bool)> {
    let mut is_escaped = false;
    loop {
        rest = match rest {
            [b'"', rest @ ..] => {
                let inner = text.get(..text.len() - rest.len() - 1)?;
                let is_text = !is_answer || inner.is_ascii() || from_utf8(inner).is_ok();
                return is_text.then_some((rest, is_escaped));
            }
            [b'\\', rest @ ..] => {
                is_escaped = true;
                escape(rest, is_answer)?
            }
            [0x80..=0xFF, rest @ ..] => rest,
            _ => return None,
        };
        rest = rest.get(prefix_len(rest, Word::specials)..)?;
    }
}

fn escape(text: &[u8], is_answer: bool) -> Option<&[u8]> {
    let (first, rest) = text.split_first()?;
    match first {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => return Some(rest),
        b'u' => {}
        _ => return None,
    }
    let (unit, rest) = code_unit(rest)?;
    match unit {
        0xD800..=0xDBFF if is_answer => match code_unit(rest.strip_prefix(b"\\u")?)? {
            (0xDC00..=0xDFFF, rest) => Some(rest),
            _ => None,
        },
        0xDC00..=0xDFFF if is_answer => None,
        _ => Some(rest),
    }
}

/// Four hexadecimal digits.
fn code_unit(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let unit = digits.iter().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(*digit).to_digit(16)?)
    });
    Some((unit?, rest))
}

/// Any value that stands in `depth` containers, and white space before it.
pub(super) fn value(mut text: &[u8], depth: u32, is_answer: bool) -> Option<&[u8]> {
    let mut open = Containers::default();
    loop {
        let (first, rest) = next(text)?;
        text = match first {
            b'"' => string(rest, is_answer)?.0,
            b'{' | b'[' => {
                open.push(first);
                if depth + open.count > MAX_DEPTH {
                    return None;
                }
                let (byte, inside) = next(rest)?;
                if byte == open.closing() {
                    open.pop();
                    inside
                } else if !open.is_object() {
                    text = rest;
                    continue;
                } else if byte == b'"' {
                    text = name(inside, is_answer)?;
                    continue;
                } else {
                    return None;
                }
            }
            b't' => rest.strip_prefix(b"rue")?,
            b'f' => rest.strip_prefix(b"alse")?,
            b'n' => rest.strip_prefix(b"ull")?,
            _ => number(first, rest, is_answer)?,
        };
        loop {
            if open.count == 0 {
                return Some(text);
            }
            match text {
                [b',', b'"', rest @ ..] if open.is_object() => {
                    text = name(rest, is_answer)?;
                    break;
                }
                _ => {}
            }
            let (byte, rest) = next(text)?;
            text = rest;
            if byte == b',' {
                if open.is_object() {
                    text = name(self::byte(rest, b'"')?, is_answer)?;
                }
                break;
            }
            if byte != open.closing() {
                return None;
            }
            open.pop();
        }
    }
}

/// The rest of a number, which begins with this byte. One in the text of an answer must be finite as
/// an `f64`.
#[inline(always)]
fn number(first: u8, after: &[u8], is_answer: bool) -> Option<&[u8]> {
    let (digit, mut rest) = match first {
        b'-' => after.split_first().map(|(first, rest)| (*first, rest))?,
        _ => (first, after),
    };
    rest = match digit {
        b'0' => rest,
        b'1'..=b'9' => digits(rest),
        _ => return None,
    };
    if let [b'.', fraction @ ..] = rest {
        rest = some_digits(fraction)?;
    }
    match rest {
        [b'e' | b'E', exponent @ ..] => with_exponent(first, after, exponent, is_answer),
        _ if after.len() - rest.len() < MANY_DIGITS => Some(rest),
        _ => finite(first, after, rest, is_answer),
    }
}

/// A number of so many bytes is below 1e200, and below 1e300 with an exponent of two digits.
const MANY_DIGITS: usize = 200;

#[inline(never)]
fn with_exponent<'a>(
    first: u8,
    after: &[u8],
    exponent: &'a [u8],
    is_answer: bool,
) -> Option<&'a [u8]> {
    let (is_negative, unsigned) = match exponent {
        [sign @ (b'+' | b'-'), unsigned @ ..] => (*sign == b'-', unsigned),
        unsigned => (false, unsigned),
    };
    let rest = some_digits(unsigned)?;
    let is_small = is_negative || unsigned.len() - rest.len() <= 2;
    match is_small && after.len() - rest.len() < MANY_DIGITS {
        true => Some(rest),
        false => finite(first, after, rest, is_answer),
    }
}

/// The rest, unless the number before it stands in an answer and is beyond `f64`. Asked of
/// `serde_json`, too: it rounds otherwise near the largest one, and what it refuses keeps every
/// client that uses it from the whole envelope.
#[cold]
fn finite<'a>(first: u8, after: &[u8], rest: &'a [u8], is_answer: bool) -> Option<&'a [u8]> {
    let number = [&[first], after.get(..after.len() - rest.len())?].concat();
    let exact = from_utf8(&number).map(str::parse::<f64>);
    let is_exact = matches!(exact, Ok(Ok(exact)) if exact.is_finite());
    let is_finite = || serde_json::from_slice::<f64>(&number).is_ok_and(f64::is_finite);
    (!is_answer || is_exact && is_finite()).then_some(rest)
}

#[inline(always)]
fn some_digits(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'0'..=b'9', rest @ ..] => Some(digits(rest)),
        _ => None,
    }
}

#[inline(always)]
fn digits(mut text: &[u8]) -> &[u8] {
    while let [b'0'..=b'9', rest @ ..] = text {
        text = rest;
    }
    text
}
