//! Foreign text in a form that is safe to log.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write};

use crate::panics::catch;

/// Maximum characters of text from a client.
const MAX_CHARS: usize = 128;

/// Maximum characters of an error with its sources.
const MAX_ERROR_CHARS: usize = 1024;

/// Maximum sources of an error, because a chain of sources may be a cycle.
const MAX_SOURCES: usize = 16;

/// Escapes and truncates a text. Borrowed if there is nothing to escape, as nearly always.
///
/// It is recorded as a string, because subscribers quote strings. After a space in an unquoted
/// `Display` value, a field could begin that was never recorded.
pub(super) fn loggable(text: &str) -> Cow<'_, str> {
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
    // It fails when the limit is reached.
    let _ = escaped.write_str(text);
    Cow::Owned(escaped.text)
}

/// Formats an error and its sources, escaped and truncated. Returns `None` if one of them panics.
///
/// Formatted before the subscriber sees it, because a subscriber may hold locks while it formats.
pub(super) fn error_chain(error: &(dyn Error + 'static)) -> Option<String> {
    catch(|| {
        let mut escaped = Escaped::new(MAX_ERROR_CHARS);
        let errors = std::iter::successors(Some(error), |&error| error.source());
        for (depth, error) in errors.take(MAX_SOURCES).enumerate() {
            let separator = if depth == 0 { "" } else { ": " };
            if write!(escaped, "{separator}{error}").is_err() {
                break;
            }
        }
        escaped.text
    })
}

/// A writer of escaped text that stops at a limit.
struct Escaped {
    text: String,
    /// Remaining characters.
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
