//! Why an envelope is refused, and how that is found out and said.

use super::member::Member;
use super::skip::MAX_DEPTH;
use crate::error::{Error, ErrorKind};
use crate::subrequest::InvalidId;

/// What is wrong. It is one byte, so that what is sound costs nothing; words are found when there
/// is something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Invalid {
    /// It is not JSON, or too deep.
    Json,
    NotUtf8,
    NotAnObject,
    RequestsMissing,
    RequestsMisspelt,
    NotAnArray,
    ItemNotAnObject,
    DuplicateName,
    /// Half a surrogate pair.
    Surrogate,
    IdMissing,
    IdNotAString,
    Id,
    DependsOn,
    UnknownDependency,
    UnknownMember,
    /// A name that somebody might take for this one.
    Misspelt(Member),
    Conditional,
}

impl From<InvalidId> for Invalid {
    fn from(_: InvalidId) -> Self {
        Self::Id
    }
}

impl Invalid {
    /// The refusal of an envelope of which so many bytes are taken.
    #[cold]
    #[inline(never)]
    pub(super) fn refusal(self, envelope: &[u8], taken: usize) -> Error {
        let kind = match self {
            Self::Conditional => return Error::new(ErrorKind::UnsupportedAtomicity),
            Self::UnknownDependency => return Error::new(ErrorKind::UnknownDependency),
            _ => ErrorKind::Malformed,
        };
        let syntax = match self {
            Self::NotUtf8 => None,
            _ => syntax_error(envelope),
        };
        // What stands where something else is missed may not even be JSON.
        let (detail, offset) = match (self.detail(), syntax) {
            (Some(detail), Some((_, at))) if at != taken => (detail, taken),
            (_, Some(syntax)) => syntax,
            (Some(detail), None) => (detail, taken),
            (None, None) => ("JSON nested more than 128 deep", taken),
        };
        const { assert!(MAX_DEPTH == 128) };
        Error::new(kind).detail(detail).offset(offset as u64)
    }

    fn detail(self) -> Option<&'static str> {
        Some(match self {
            Self::Json | Self::Conditional | Self::UnknownDependency => return None,
            Self::NotUtf8 => "not UTF-8",
            Self::NotAnObject => "the envelope is not an object",
            Self::RequestsMissing => "`requests` is missing",
            Self::RequestsMisspelt => "`requests` in another spelling",
            Self::NotAnArray => "`requests` is not an array",
            Self::ItemNotAnObject => "the item is not an object",
            Self::DuplicateName => "a name that stands twice in an object",
            Self::Surrogate => "half a surrogate pair in a string",
            Self::IdMissing => "`id` is missing",
            Self::IdNotAString => "`id` is not a string",
            Self::Id => InvalidId::DETAIL,
            Self::DependsOn => "`dependsOn` is not an array of strings",
            Self::UnknownMember => "an unknown member",
            Self::Misspelt(member) => member.misspelt(),
        })
    }
}

/// Why these bytes, which are UTF-8, are no JSON, and how many bytes stand before the fault.
fn syntax_error(text: &[u8]) -> Option<(&'static str, usize)> {
    let error = serde_json::from_slice::<serde::de::IgnoredAny>(text).err()?;
    if text.is_empty() {
        return Some(("the envelope is empty", 0));
    }
    if text.starts_with("\u{feff}".as_bytes()) {
        return Some(("a byte order mark before the JSON", 0));
    }
    if error.is_eof() {
        return Some(("the JSON ends too early", text.len()));
    }
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(error.line() - 1).map(<[u8]>::len).sum();
    let at = before + error.column().saturating_sub(1);
    let (before, found) = text.split_at(at.min(text.len()));
    if matches!(found, [b'}' | b']', ..]) && before.trim_ascii_end().ends_with(b",") {
        return Some(("trailing comma", at));
    }
    let message = error.to_string();
    let known = PHRASES.iter().find(|known| message.starts_with(**known));
    // `serde_json` counts this one byte less far.
    let before_control = found.iter().position(u8::is_ascii_control);
    Some(match known {
        Some(&CONTROL) => (CONTROL, at + before_control.unwrap_or_default()),
        known => (known.copied().unwrap_or("not JSON"), at),
    })
}

/// What `serde_json` says besides "expected value", which is what it says of all that is not JSON.
const PHRASES: [&str; 8] = [
    "expected `:`",
    "expected `,` or `]`",
    "expected `,` or `}`",
    "key must be a string",
    "trailing characters",
    "invalid escape",
    "invalid number",
    CONTROL,
];

const CONTROL: &str = "control character";
