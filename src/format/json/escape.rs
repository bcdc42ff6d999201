//! Writes strings and bodies as JSON.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;

use super::swar::{Word, prefix_len};
use crate::format::Frames;

/// The escapes `\u0000` to `\u001f`.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const CONTROLS: [[u8; 6]; 0x20] = {
    let mut controls = [*b"\\u0000"; 0x20];
    let mut byte = 0;
    while byte < controls.len() {
        controls[byte][4] = b"01"[byte / 16];
        controls[byte][5] = b"0123456789abcdef"[byte % 16];
        byte += 1;
    }
    controls
};

/// Whether these bytes are ASCII that needs no escapes in a JSON string.
#[inline]
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    prefix_len(bytes, Word::specials_and_highs) == bytes.len()
}

/// Writes text as the inside of a JSON string.
#[inline(always)]
pub(in crate::format) fn put_escaped(text: &str, out: &mut Frames) {
    if is_plain(text.as_bytes()) {
        out.put(text.as_bytes());
    } else {
        put_with_escapes(text.as_bytes(), Word::specials_and_highs, out);
    }
}

/// Writes bytes as a base64 string, or as base64url without padding, as OData 4.01 defines it.
pub(in crate::format) fn put_base64(bytes: &[u8], is_url: bool, out: &mut Frames) {
    let text = if is_url {
        URL_SAFE_NO_PAD.encode(bytes)
    } else {
        STANDARD.encode(bytes)
    };
    out.put_byte(b'"');
    out.put_bytes(text.into());
    out.put_byte(b'"');
}

/// Writes JSON without anything that a reader may take for a line break. Between tokens, line
/// breaks are left out. Inside strings, JSON allows only those that are not ASCII, and they are
/// escaped.
pub(super) fn put_on_one_line(json: &Bytes, out: &mut Frames) {
    let breaks = |word: Word| word.equal(b'\n') | word.equal(b'\r') | word.highs();
    if prefix_len(json, breaks) == json.len() {
        return out.put_shared(json);
    }
    for line in json.split(|byte| matches!(byte, b'\n' | b'\r')) {
        put_with_escapes(line, Word::highs, out);
    }
}

/// Copies bytes that `marks` does not mark, eight at a time. Of the marked ones, escapes those that
/// a JSON string cannot have, and those that a reader may take for a line break.
#[cold]
#[inline(never)]
fn put_with_escapes(text: &[u8], marks: impl Fn(Word) -> u64, out: &mut Frames) {
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(prefix_len(rest, &marks));
        out.put(plain);
        let Some(first) = special.first() else {
            return;
        };
        let length = match special {
            [0xC2, 0x85, ..] => put(b"\\u0085", 2, out),
            [0xE2, 0x80, 0xA8, ..] => put(b"\\u2028", 3, out),
            [0xE2, 0x80, 0xA9, ..] => put(b"\\u2029", 3, out),
            [b'"', ..] => put(b"\\\"", 1, out),
            [b'\\', ..] => put(b"\\\\", 1, out),
            [b'\n', ..] => put(b"\\n", 1, out),
            [b'\r', ..] => put(b"\\r", 1, out),
            [b'\t', ..] => put(b"\\t", 1, out),
            _ if !first.is_ascii() => put_beyond_ascii(special, out),
            _ => match CONTROLS.get(usize::from(*first)) {
                Some(escape) => put(escape, 1, out),
                None => put(&[*first], 1, out),
            },
        };
        rest = special.get(length..).unwrap_or_default();
    }
}

/// Writes an escape. Returns the length of the character that it replaces.
fn put(escape: &[u8], length: usize, out: &mut Frames) -> usize {
    out.put(escape);
    length
}

/// Copies bytes that are not ASCII, up to the next one that may begin a line break. Returns their
/// number.
fn put_beyond_ascii(text: &[u8], out: &mut Frames) -> usize {
    let ends = |byte: &u8| byte.is_ascii() || matches!(byte, 0xC2 | 0xE2);
    let more = text.iter().skip(1).position(ends);
    let length = more.map_or(text.len(), |more| more + 1);
    out.put(text.get(..length).unwrap_or_default());
    length
}
