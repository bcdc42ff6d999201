//! What the decoder tells the encoder about an item.

use bytestring::ByteString;

use super::members::string;
use super::shape::{Output, Shape, TopOutput};

/// What is needed again to write the response of an item, as the text of a note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Note<'a> {
    pub(super) id: IdKind,
    pub(super) is_null_on_success: bool,
    pub(super) is_without_headers: bool,
    pub(super) method: &'a str,
    pub(super) echo: Option<ByteString>,
}

/// How an envelope has the id of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum IdKind {
    /// As a string. So has an envelope of another format.
    #[default]
    Text,
    Number,
    /// Not at all: the id is the position of the item.
    Generated,
}

/// Reads a string, or the text of a number. `None` for any other value.
pub(super) fn text_or_number(value: &str) -> Option<(IdKind, ByteString)> {
    match value.bytes().next()? {
        b'"' => string(value).map(|text| (IdKind::Text, text.into_owned().into())),
        b'-' | b'0'..=b'9' => Some((IdKind::Number, value.into())),
        _ => None,
    }
}

/// What the results of a shape need of a note.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    id: bool,
    method: bool,
    echo: bool,
}

impl Needs {
    pub(super) fn of(shape: &Shape) -> Self {
        let writes = |is: fn(&Output) -> bool| shape.result.iter().any(|(_, output)| is(output));
        let mut around = shape.response.iter();
        Self {
            id: writes(|output| matches!(output, Output::Id)),
            method: writes(|output| matches!(output, Output::Method | Output::Location)),
            echo: around.any(|(_, output)| matches!(output, TopOutput::Echo)),
        }
    }
}

impl<'a> Note<'a> {
    /// The note as text. `None` if nothing of it is needed.
    pub(super) fn to_text(&self, needs: Needs) -> Option<String> {
        let echo = self.echo.as_ref().filter(|_| needs.echo);
        let flags = [
            (needs.id && self.id == IdKind::Number, 'n'),
            (needs.id && self.id == IdKind::Generated, 'g'),
            (self.is_null_on_success, 'o'),
            (self.is_without_headers, 'h'),
        ];
        let flags = flags.iter().filter(|(is_set, _)| *is_set);
        let flags: String = flags.map(|(_, flag)| flag).collect();
        let method = if needs.method { self.method } else { "" };
        let echo = echo.map(|echo| format!("\n{echo}")).unwrap_or_default();
        if flags.is_empty() && method.is_empty() && echo.is_empty() {
            return None;
        }
        // No method has a line break, and the echo is the last.
        Some(format!("{flags}\n{method}{echo}"))
    }

    pub(super) fn parse(text: Option<&'a str>) -> Self {
        let mut parts = text.unwrap_or_default().splitn(3, '\n');
        let flags = parts.next().unwrap_or_default();
        let method = parts.next().unwrap_or_default();
        let echo = parts.next().map(ByteString::from);
        Self {
            id: match () {
                () if flags.contains('n') => IdKind::Number,
                () if flags.contains('g') => IdKind::Generated,
                () => IdKind::Text,
            },
            is_null_on_success: flags.contains('o'),
            is_without_headers: flags.contains('h'),
            method,
            echo,
        }
    }
}
