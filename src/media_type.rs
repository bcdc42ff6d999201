//! Lenient parsing of media types in headers (RFC 9110 §8.3.1).

use std::borrow::Cow;

/// A parameter is present more than once.
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
        let end = value.bytes().position(|byte| byte == b';');
        let (essence, parameters) = match end {
            Some(end) => (value.get(..end), value.get(end + 1..)),
            None => (Some(value), None),
        };
        Self {
            essence: essence.unwrap_or_default().trim(),
            parameters: parameters.unwrap_or_default(),
        }
    }

    pub(crate) fn essence(&self) -> &'a str {
        self.essence
    }

    pub(crate) fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    /// Whether it is `application/json`, or has the suffix `+json`.
    pub(crate) fn is_json(&self) -> bool {
        self.is("application/json") || ends_with(self.essence, "+json")
    }

    pub(crate) fn is_text(&self) -> bool {
        starts_with(self.essence, "text/")
    }

    #[cfg(feature = "shapes")]
    pub(crate) fn is_form(&self) -> bool {
        self.is("application/x-www-form-urlencoded")
    }

    /// Whether it is a type of text besides `text/*`: a form or XML.
    #[cfg(feature = "json")]
    pub(crate) fn is_form_or_xml(&self) -> bool {
        self.is("application/x-www-form-urlencoded")
            || self.is("application/xml")
            || ends_with(self.essence, "+xml")
    }

    /// Whether the charset is UTF-8 or a subset of it, or is absent.
    pub(crate) fn is_utf8(&self) -> bool {
        match self.parameter("charset") {
            Ok(None) => true,
            Ok(Some(charset)) => ["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|known| charset.eq_ignore_ascii_case(known)),
            Err(DuplicateParameter) => false,
        }
    }

    /// Returns the value of a parameter, unquoted. Empty parameters (`;;`) are ignored.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<Cow<'a, str>>, DuplicateParameter> {
        if self.parameters.is_empty() {
            return Ok(None);
        }
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

/// Splits a text at separators outside of quoted strings.
pub(crate) fn split_unquoted(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        match separator_in(text.as_bytes(), separator) {
            Some(end) => {
                rest = text.get(end + 1..);
                text.get(..end)
            }
            None => rest.take(),
        }
    })
}

fn separator_in(text: &[u8], separator: u8) -> Option<usize> {
    let first = text
        .iter()
        .position(|byte| *byte == separator || *byte == b'"')?;
    let (mut quoted, mut escaped) = (false, false);
    let after = text.iter().skip(first).position(|byte| {
        let found = *byte == separator && !quoted;
        quoted ^= *byte == b'"' && !escaped;
        escaped = quoted && *byte == b'\\' && !escaped;
        found
    });
    after.map(|after| first + after)
}

/// Returns the content of a quoted string, or a token unchanged.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter<'a>(
        value: &'a str,
        name: &str,
    ) -> Result<Option<Cow<'a, str>>, DuplicateParameter> {
        MediaType::parse(value).parameter(name)
    }

    #[test]
    fn the_essence_is_the_text_before_the_first_semicolon() {
        for (value, essence) in [
            ("a/b", "a/b"),
            (" A/b\t; c=d", "A/b"),
            ("a/b;", "a/b"),
            (";a/b", ""),
            ("", ""),
        ] {
            assert_eq!(MediaType::parse(value).essence(), essence);
        }
        assert!(MediaType::parse("Application/JSON;a=b").is("application/json"));
        assert!(!MediaType::parse("application/json-seq").is("application/json"));
    }

    #[test]
    fn json_is_a_whole_suffix_and_text_is_a_whole_type() {
        for (value, is_json, is_text) in [
            ("application/json", true, false),
            ("application/vnd.API+JSON; a=b", true, false),
            ("+json", true, false),
            ("text/json", false, true),
            ("TEXT/x+json", true, true),
            ("application/jsonx", false, false),
            ("application/json; text/plain", true, false),
            ("json", false, false),
            ("textual/plain", false, false),
            ("text", false, false),
            ("é", false, false),
            ("éééééé", false, false),
        ] {
            let media_type = MediaType::parse(value);
            assert_eq!(
                (media_type.is_json(), media_type.is_text()),
                (is_json, is_text),
                "{value}"
            );
        }
    }

    #[test]
    fn parameters_are_found_by_name_in_any_case_and_unquoted() {
        for (value, expected) in [
            ("a/b;x=1", Some("1")),
            ("a/b ; X = 1 ;y=2", Some("1")),
            ("a/b;;x=1;", Some("1")),
            ("a/b;x=\"1;y\\\"\\\\=2\";z=3", Some("1;y\"\\=2")),
            ("a/b;y=\";x=0;\";x=1", Some("1")),
            ("a/b;x=", Some("")),
            ("a/b;x=a=b", Some("a=b")),
            ("a/b;x=\"open", Some("\"open")),
            ("a/b;x=\"", Some("\"")),
            ("a/b;x", None),
            ("a/b;xx=1", None),
            ("x=1", None),
        ] {
            assert_eq!(
                parameter(value, "x"),
                Ok(expected.map(Cow::from)),
                "{value}"
            );
        }
    }

    #[test]
    fn a_duplicate_parameter_is_an_error_even_with_the_same_value() {
        for value in ["a/b;x=1;x=1", "a/b;x=1;y=2;X=\"1\"", "a/b;x=;x="] {
            assert_eq!(parameter(value, "x"), Err(DuplicateParameter), "{value}");
        }
        assert!(!MediaType::parse("text/plain;charset=utf-8;charset=utf-8").is_utf8());
    }

    #[test]
    fn separators_in_quoted_strings_do_not_separate() {
        for (text, pieces) in [
            ("", &[""][..]),
            (",", &["", ""]),
            ("a, b", &["a", " b"]),
            ("\"a,b\",c", &["\"a,b\"", "c"]),
            (r#""a\",b",c"#, &[r#""a\",b""#, "c"]),
            (r#""a\\",b"#, &[r#""a\\""#, "b"]),
            (r"a\,b", &[r"a\", "b"]),
            ("\"a,b", &["\"a,b"]),
        ] {
            assert_eq!(split_unquoted(text, b',').collect::<Vec<_>>(), pieces);
        }
    }
}
