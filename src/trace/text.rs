//! Text that is not ours, in a form that is safe to log.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// What a client sends is cut to this many characters.
const MAX_CHARS: usize = 128;

/// Escaped and cut. Borrowed where there is nothing to escape, which is nearly always.
///
/// It stays a string for the subscriber, which quotes strings: of a mere `Display`, a space could
/// begin a field that was never recorded.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    let start = text
        .as_bytes()
        .iter()
        .take(MAX_CHARS)
        .take_while(|byte| is_plain(byte))
        .count();
    if let Some(start) = text.get(..start)
        && (start.len() == text.len() || start.len() == MAX_CHARS)
    {
        return Cow::Borrowed(start);
    }
    let mut escaped = Escaped::new(MAX_CHARS);
    // It fails when it is full.
    let _ = escaped.write_str(text);
    Cow::Owned(escaped.text)
}

/// Takes text until it is full.
struct Escaped {
    text: String,
    /// In characters.
    room: usize,
}

impl Escaped {
    fn new(room: usize) -> Self {
        Self {
            text: String::new(),
            room,
        }
    }
}

impl Write for Escaped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            let is_quote = char == '\'';
            let escaped = (!is_quote)
                .then(|| char.escape_debug())
                .into_iter()
                .flatten();
            for char in is_quote.then_some(char).into_iter().chain(escaped) {
                self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
                self.text.push(char);
            }
        }
        Ok(())
    }
}
