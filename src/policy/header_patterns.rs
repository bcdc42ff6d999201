//! Names of headers, and patterns of them.

use std::borrow::Cow;

use http::HeaderName;

/// Replaces `_` by `-`: servers that turn headers into environment variables treat both alike.
pub(crate) fn folded(name: &str) -> Cow<'_, str> {
    if name.contains('_') {
        Cow::Owned(name.replace('_', "-"))
    } else {
        Cow::Borrowed(name)
    }
}

/// The header names of a setting.
///
/// # Panics
///
/// If one is not a valid header name.
pub(crate) fn header_names<I>(names: I) -> impl Iterator<Item = HeaderName>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    names.into_iter().map(
        |name| match HeaderName::from_bytes(name.as_ref().as_bytes()) {
            Ok(name) => name,
            Err(_) => panic!("a header name must be a token"),
        },
    )
}

pub(super) fn patterns<I>(names: I) -> impl Iterator<Item = String>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    names.into_iter().map(|name| {
        let name = name.as_ref();
        let start = name.strip_prefix('*').unwrap_or(name);
        let fixed = start.strip_suffix('*').unwrap_or(start);
        // A `*` is a token character, so `HeaderName` accepts it.
        let is_name = !fixed.contains('*') && HeaderName::from_bytes(fixed.as_bytes()).is_ok();
        assert!(
            is_name || name == "*",
            "a pattern must be a header name with at most one `*` at either end"
        );
        name.to_ascii_lowercase().replace('_', "-")
    })
}

pub(super) fn is_among<P: AsRef<str>>(patterns: &[P], name: &str) -> bool {
    let mut patterns = patterns.iter().map(AsRef::as_ref);
    patterns.any(|pattern| matches(pattern, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(suffix), None) => name.ends_with(suffix),
        (None, Some(prefix)) => name.starts_with(prefix),
        (None, None) => name == pattern,
    }
}
