//! Media types as headers carry them (RFC 9110 §8.3.1), read leniently.

use std::borrow::Cow;

/// A parameter that may stand only once stands twice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DuplicateParameter;

/// `type/subtype; name=value`, borrowed from a header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MediaType<'a> {
    essence: &'a str,
    parameters: &'a str,
}

impl<'a> MediaType<'a> {
    pub(crate) fn parse(value: &'a str) -> Self {
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        Self {
            essence: essence.trim(),
            parameters,
        }
    }

    pub(crate) fn essence(&self) -> &'a str {
        self.essence
    }

    pub(crate) fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    /// `application/json`, and what is built on it.
    pub(crate) fn is_json(&self) -> bool {
        self.is("application/json") || ends_with(self.essence, "+json")
    }

    pub(crate) fn is_text(&self) -> bool {
        starts_with(self.essence, "text/")
    }

    /// Whether its characters are UTF-8, or are not said to be anything else.
    pub(crate) fn is_utf8(&self) -> bool {
        match self.parameter("charset") {
            Ok(None) => true,
            Ok(Some(charset)) => ["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|known| charset.eq_ignore_ascii_case(known)),
            Err(DuplicateParameter) => false,
        }
    }

    /// A parameter's value, unquoted. Empty parameters (`;;`) are passed over.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<Cow<'a, str>>, DuplicateParameter> {
        let mut values = split_unquoted(self.parameters, b';')
            .filter_map(|parameter| parameter.split_once('='))
            .filter(|(key, _)| key.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| unquoted(value.trim()));
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(DuplicateParameter),
            (value, None) => Ok(value),
        }
    }
}

/// The pieces between separators that do not stand in a quoted string.
pub(crate) fn split_unquoted(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            let found = byte == separator && !quoted;
            quoted ^= byte == b'"' && !escaped;
            escaped = quoted && byte == b'\\' && !escaped;
            found
        });
        match end {
            Some(end) => {
                rest = text.get(end + 1..);
                text.get(..end)
            }
            None => rest.take(),
        }
    })
}

/// The text of a quoted string, or a token as it is.
pub(crate) fn unquoted(value: &str) -> Cow<'_, str> {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    match inner {
        None => Cow::Borrowed(value),
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        Some(inner) => {
            let mut escaped = false;
            let kept = |c: &char| {
                escaped = *c == '\\' && !escaped;
                !escaped
            };
            Cow::Owned(inner.chars().filter(kept).collect())
        }
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn ends_with(text: &str, suffix: &str) -> bool {
    text.len()
        .checked_sub(suffix.len())
        .and_then(|at| text.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}
