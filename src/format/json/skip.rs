//! Skips a value, and checks that it is JSON. This neither recurses nor allocates.

use super::invalid::{Invalid, MAX_DEPTH, Why};
use super::token::{literal, name, number, peek, starts_with, string};

/// The depth of the body of a response: the envelope, its array and the item, and one more for
/// parsers that count differently.
const RESPONSE_DEPTH: u32 = 4;

/// Whether these bytes are exactly one JSON value that strict parsers accept inside an envelope.
pub(super) fn is_json(data: &[u8]) -> bool {
    let end = value(data, 0, RESPONSE_DEPTH, true);
    end.is_ok_and(|mut end| end == data.len() || peek(data, &mut end).is_none())
}

/// Returns the index after a value inside `depth` containers. White space may precede the value.
pub(super) fn value(
    data: &[u8],
    mut index: usize,
    depth: u32,
    is_response: bool,
) -> Result<usize, Invalid> {
    let mut open = Open::default();
    loop {
        index = match peek(data, &mut index) {
            Some(b'"') => string(data, index + 1, is_response)?,
            Some(opening @ (b'{' | b'[')) => {
                open.push(opening);
                if depth + open.count > MAX_DEPTH {
                    return Err(Why::TooDeep.at(index));
                }
                index += 1;
                let inside = peek(data, &mut index);
                if inside == Some(open.closing) {
                    open.pop();
                    index + 1
                } else if open.is_object() {
                    index = member(data, index, is_response)?;
                    continue;
                } else {
                    continue;
                }
            }
            Some(b't') => literal(data, index, b"true")?,
            Some(b'f') => literal(data, index, b"false")?,
            Some(b'n') => literal(data, index, b"null")?,
            Some(first) => number(data, index, first, is_response)?,
            None => return Err(Why::NotJson.at(index)),
        };
        // A value is followed by a comma, or by the end of one or more containers.
        loop {
            if open.count == 0 {
                return Ok(index);
            }
            if open.is_object() && starts_with(data, index, b",\"") {
                index = name(data, index + 2, is_response)?;
                break;
            }
            match peek(data, &mut index) {
                Some(b',') => {
                    index += 1;
                    if open.is_object() {
                        index = member(data, index, is_response)?;
                    }
                    break;
                }
                Some(byte) if byte == open.closing => {
                    index += 1;
                    open.pop();
                }
                _ => return Err(open.no_comma().at(index)),
            }
        }
    }
}

/// Returns the index after the name of a member and its colon. White space may precede the name.
#[inline]
fn member(data: &[u8], mut index: usize, is_response: bool) -> Result<usize, Invalid> {
    match peek(data, &mut index) {
        Some(b'"') => name(data, index + 1, is_response),
        _ => Err(Why::NoName.at(index)),
    }
}

const CLOSING_BEHIND_OPENING: u8 = b'}' - b'{';
const _: () = assert!(b']' - b'[' == CLOSING_BEHIND_OPENING);

/// The containers (arrays and objects) that are open.
#[derive(Debug, Default)]
struct Open {
    /// The byte that closes the innermost container.
    closing: u8,
    /// The containers around it, one bit each, the nearest in the lowest bit. An object is a 1.
    outer: u128,
    count: u32,
}

impl Open {
    #[inline]
    fn push(&mut self, opening: u8) {
        self.outer = self.outer << 1 | u128::from(self.is_object());
        self.closing = opening + CLOSING_BEHIND_OPENING;
        self.count += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.closing = if self.outer & 1 == 1 { b'}' } else { b']' };
        self.outer >>= 1;
        self.count -= 1;
    }

    #[inline]
    fn is_object(&self) -> bool {
        self.closing == b'}'
    }

    #[cold]
    fn no_comma(&self) -> Why {
        if self.is_object() {
            Why::NoCommaInObject
        } else {
            Why::NoCommaInArray
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_accepted_if_serde_json_accepts_it() {
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
