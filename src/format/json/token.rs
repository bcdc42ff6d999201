//! Tokens of strict JSON (RFC 8259). Each function takes the text and the index of a token, and
//! returns the index after it.
//!
//! The values of a response have to meet more than the grammar, because every parser of the
//! envelope has to accept them: strings are UTF-8 without halves of surrogate pairs, and numbers
//! are within the range of `f64`.

use std::ops::Range;
use std::str::from_utf8;

use super::invalid::{Invalid, Why};
use super::swar::{Word, first, prefix_len};

/// Moves the index over white space. Returns the byte there.
#[inline]
pub(super) fn peek(data: &[u8], index: &mut usize) -> Option<u8> {
    match data.get(*index) {
        None => None,
        Some(byte) if *byte > b' ' => Some(*byte),
        Some(_) => {
            *index = after_space(data, *index);
            data.get(*index).copied()
        }
    }
}

#[inline(never)]
fn after_space(data: &[u8], mut index: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = data.get(index) {
        // After the first byte of white space, there is usually an indentation.
        index += 1;
        index += Word::at(data, index).map_or(0, Word::leading_spaces);
    }
    index
}

/// A string whose first quote is before `start`.
#[inline]
pub(super) fn string(data: &[u8], start: usize, is_response: bool) -> Result<usize, Invalid> {
    let end = plain_end(data, start);
    match data.get(end) {
        Some(b'"') => Ok(end + 1),
        _ => special_string(data, start, end, is_response),
    }
}

/// The name of a member and its colon. The first quote is before `start`.
#[inline]
pub(super) fn name(data: &[u8], start: usize, is_response: bool) -> Result<usize, Invalid> {
    let end = plain_end(data, start);
    if starts_with(data, end, b"\":") {
        Ok(end + 2)
    } else {
        special_name(data, start, end, is_response)
    }
}

#[inline(never)]
fn special_name(
    data: &[u8],
    start: usize,
    special: usize,
    is_response: bool,
) -> Result<usize, Invalid> {
    colon(data, special_string(data, start, special, is_response)?)
}

/// A colon. White space may precede it.
#[inline]
pub(super) fn colon(data: &[u8], mut index: usize) -> Result<usize, Invalid> {
    match peek(data, &mut index) {
        Some(b':') => Ok(index + 1),
        _ => Err(Why::NoColon.at(index)),
    }
}

/// Whether the text has these bytes at the index.
#[inline]
pub(super) fn starts_with<const N: usize>(data: &[u8], index: usize, bytes: &[u8; N]) -> bool {
    let rest = data.get(index..).unwrap_or_default();
    rest.first_chunk() == Some(bytes)
}

/// The index of the first byte of a string that is not plain: a control character, a quote, a
/// backslash, or not ASCII.
#[inline]
pub(super) fn plain_end(data: &[u8], start: usize) -> usize {
    match Word::at(data, start).map(|word| first(word.specials_and_highs())) {
        // Most strings have fewer bytes than a word.
        Some(Some(length)) => start + length,
        Some(None) => long_plain_end(data, start + 8),
        None => long_plain_end(data, start),
    }
}

#[inline(never)]
fn long_plain_end(data: &[u8], start: usize) -> usize {
    match Word::at(data, start).and_then(|word| first(word.specials_and_highs())) {
        Some(length) => start + length,
        None => longer_plain_end(data, start),
    }
}

#[inline(never)]
fn longer_plain_end(data: &[u8], start: usize) -> usize {
    let mut rest = data.get(start..).unwrap_or_default();
    while let Some((block, after)) = rest.split_first_chunk()
        && is_plain(block)
    {
        rest = after;
    }
    data.len() - rest.len() + prefix_len(rest, Word::specials_and_highs)
}

/// Whether all these bytes are plain. There are as many as fit in one vector register.
#[inline]
fn is_plain(block: &[u8; 32]) -> bool {
    let is_special = |byte: u8| (byte.cast_signed() < 0x20) | (byte == b'"') | (byte == b'\\');
    !block
        .iter()
        .fold(false, |any, byte| any | is_special(*byte))
}

/// A string whose first quote is before `start`, and whose first byte that is not plain is at
/// `special`.
#[inline(never)]
pub(super) fn special_string(
    data: &[u8],
    start: usize,
    special: usize,
    is_response: bool,
) -> Result<usize, Invalid> {
    let mut index = special;
    loop {
        index = match data.get(index) {
            Some(b'\\') => escape(data, index + 1, is_response)?,
            Some(b'"') => break,
            None | Some(..0x20) => return Err(Why::ControlCharacter.at(index)),
            Some(_) => index + prefix_len(data.get(index..).unwrap_or_default(), Word::specials),
        };
    }
    let inner = || data.get(start..index).unwrap_or_default();
    if is_response && !inner().is_ascii() && from_utf8(inner()).is_err() {
        Err(Why::NotUtf8.at(start))
    } else {
        Ok(index + 1)
    }
}

/// An escape whose backslash is before the index.
#[inline]
fn escape(data: &[u8], index: usize, is_response: bool) -> Result<usize, Invalid> {
    match data.get(index) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => return Ok(index + 1),
        Some(b'u') => {}
        _ => return Err(Why::Escape.at(index)),
    }
    let end = index + 5;
    let Some(unit) = code_unit(data, index + 1) else {
        return Err(not_hexadecimal(data, index + 1));
    };
    match unit {
        0xD800..=0xDBFF if is_response => match code_unit(data, end + 2) {
            Some(0xDC00..=0xDFFF) if starts_with(data, end, b"\\u") => Ok(end + 6),
            _ => Err(Why::Surrogate.at(index)),
        },
        0xDC00..=0xDFFF if is_response => Err(Why::Surrogate.at(index)),
        _ => Ok(end),
    }
}

#[cold]
fn not_hexadecimal(data: &[u8], start: usize) -> Invalid {
    let digits = data.iter().skip(start);
    Why::Escape.at(start + digits.take_while(|digit| digit.is_ascii_hexdigit()).count())
}

/// The value of four hexadecimal digits.
#[inline]
fn code_unit(data: &[u8], start: usize) -> Option<u32> {
    let digits: &[u8; 4] = data.get(start..)?.first_chunk()?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(*digit).to_digit(16)?)
    })
}

/// `true`, `false` or `null`.
#[inline]
pub(super) fn literal<const N: usize>(
    data: &[u8],
    index: usize,
    literal: &[u8; N],
) -> Result<usize, Invalid> {
    if starts_with(data, index, literal) {
        Ok(index + N)
    } else {
        Err(not_literal(data, index, literal))
    }
}

#[cold]
fn not_literal(data: &[u8], index: usize, literal: &[u8]) -> Invalid {
    let pairs = data.iter().skip(index).zip(literal);
    Why::NotJson.at(index + pairs.take_while(|(found, wanted)| found == wanted).count())
}

/// A number with fewer bytes than this is below 1e200, or below 1e300 with an exponent of two
/// digits.
const MANY_DIGITS: usize = 200;

/// A number that begins with the byte `first`. Any other byte there begins no value.
#[inline]
pub(super) fn number(
    data: &[u8],
    start: usize,
    first: u8,
    is_response: bool,
) -> Result<usize, Invalid> {
    let (digit, mut index) = match first {
        b'-' => match data.get(start + 1) {
            Some(digit) => (*digit, start + 2),
            None => return Err(Why::Number.at(start + 1)),
        },
        _ => (first, start + 1),
    };
    index = match digit {
        b'1'..=b'9' => digits(data, index),
        b'0' => match data.get(index) {
            Some(b'0'..=b'9') => return Err(Why::Number.at(index)),
            _ => index,
        },
        _ if first == b'-' => return Err(Why::Number.at(start + 1)),
        _ => return Err(Why::NotJson.at(start)),
    };
    let mut next = data.get(index);
    if next == Some(&b'.') {
        index = some_digits(data, index + 1)?;
        next = data.get(index);
    }
    if let Some(b'e' | b'E') = next {
        return with_exponent(data, start, index + 1, is_response);
    }
    if index - start < MANY_DIGITS {
        Ok(index)
    } else {
        finite(data, start..index, is_response)
    }
}

#[inline(never)]
fn with_exponent(
    data: &[u8],
    start: usize,
    exponent: usize,
    is_response: bool,
) -> Result<usize, Invalid> {
    let sign = data
        .get(exponent)
        .filter(|sign| matches!(sign, b'+' | b'-'));
    let unsigned = exponent + usize::from(sign.is_some());
    let end = some_digits(data, unsigned)?;
    let is_small = sign == Some(&b'-') || end - unsigned <= 2;
    if is_small && end - start < MANY_DIGITS {
        Ok(end)
    } else {
        finite(data, start..end, is_response)
    }
}

/// Checks a number that may be beyond the range of `f64`. In a response, it must be within it, and
/// `serde_json` must accept it too. `serde_json` rounds differently near the largest `f64`, and a
/// client that uses it cannot read an envelope with a number that it rejects.
#[cold]
fn finite(data: &[u8], number: Range<usize>, is_response: bool) -> Result<usize, Invalid> {
    let end = number.end;
    let text = data
        .get(number)
        .and_then(|number| from_utf8(number).ok())
        .unwrap_or_default();
    let is_finite = || text.parse::<f64>().is_ok_and(f64::is_finite);
    let is_accepted = || serde_json::from_str::<f64>(text).is_ok_and(f64::is_finite);
    if is_response && !(is_finite() && is_accepted()) {
        Err(Why::Number.at(end))
    } else {
        Ok(end)
    }
}

#[inline]
fn some_digits(data: &[u8], index: usize) -> Result<usize, Invalid> {
    match data.get(index) {
        Some(b'0'..=b'9') => Ok(digits(data, index + 1)),
        _ => Err(Why::Number.at(index)),
    }
}

#[inline]
fn digits(data: &[u8], index: usize) -> usize {
    let rest = data.get(index..).unwrap_or_default();
    index + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}
