//! Puts strings and bodies into JSON that we write.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;

use crate::format::Frames;

/// Writes text as a JSON string.
pub(super) fn put_string(text: &str, out: &mut Frames) {
    out.put_byte(b'"');
    put_escaped(text.as_bytes(), needs_escape, out);
    out.put_byte(b'"');
}

/// Writes bytes as a base64 string; base64url as OData 4.01 has it, without padding.
pub(super) fn put_base64(bytes: &[u8], is_url: bool, out: &mut Frames) {
    let text = match is_url {
        true => URL_SAFE_NO_PAD.encode(bytes),
        false => STANDARD.encode(bytes),
    };
    out.put_byte(b'"');
    out.put_bytes(text.into());
    out.put_byte(b'"');
}

/// Writes JSON text so that it has no line break in any reader's sense. Between tokens they mean nothing; in strings
/// only those stand that are not ASCII, and these have escapes.
pub(super) fn put_on_one_line(json: &Bytes, out: &mut Frames) {
    if json.iter().any(|byte| breaks_line(*byte)) {
        put_escaped(json, breaks_line, out);
    } else {
        out.put_bytes(json.clone());
    }
}

fn needs_escape(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1F | 0xC2 | 0xE2)
}

fn breaks_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0xC2 | 0xE2)
}

/// Copies `text`, with a look at the bytes that `is_special` points out.
fn put_escaped(text: &[u8], is_special: fn(u8) -> bool, out: &mut Frames) {
    let in_string = is_special(b'"');
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| is_special(*byte)) {
        let (plain, special) = rest.split_at(at);
        out.put(plain);
        let (escape, length): (&[u8], usize) = match special {
            [0xC2, 0x85, ..] => (b"\\u0085", 2),
            [0xE2, 0x80, 0xA8, ..] => (b"\\u2028", 3),
            [0xE2, 0x80, 0xA9, ..] => (b"\\u2029", 3),
            [byte @ (0xC2 | 0xE2), ..] => (std::slice::from_ref(byte), 1),
            [b'\n' | b'\r', ..] if !in_string => (b"", 1),
            [b'"', ..] => (b"\\\"", 1),
            [b'\\', ..] => (b"\\\\", 1),
            [b'\n', ..] => (b"\\n", 1),
            [b'\r', ..] => (b"\\r", 1),
            [b'\t', ..] => (b"\\t", 1),
            [control, ..] => {
                out.put(format!("\\u{control:04x}").as_bytes());
                (b"", 1)
            }
            [] => (b"", 0),
        };
        out.put(escape);
        rest = special.get(length..).unwrap_or_default();
    }
    out.put(rest);
}
