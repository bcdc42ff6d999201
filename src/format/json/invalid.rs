//! Errors in an envelope: the reason, the position, and the refusal that reports them.

use super::member::Member;
use crate::error::{Error, ErrorKind};
use crate::subrequest::InvalidId;

/// Maximum nesting of arrays and objects.
pub(super) const MAX_DEPTH: u32 = 128;

/// An error in an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    /// The number of bytes before the error.
    pub(super) offset: usize,
    pub(super) why: Why,
}

/// The reason of an error. The `detail` that reports it is chosen later, in [`Invalid::refusal`],
/// where the bytes at the offset are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    NotUtf8,
    NotJson,
    NoName,
    NoColon,
    NoCommaInObject,
    NoCommaInArray,
    Escape,
    ControlCharacter,
    Number,
    TooDeep,
    TrailingCharacters,
    NotAnObject,
    RequestsMissing,
    #[cfg(feature = "client")]
    ResponsesMissing,
    RequestsMisspelt,
    NotAnArray,
    TooManyItems,
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
    /// A name that resembles the one of this member.
    Misspelt(Member),
    /// `if`, or an `atomicityGroup` that is not a string.
    Conditional,
}

impl Why {
    #[inline]
    pub(super) fn at(self, offset: usize) -> Invalid {
        Invalid { offset, why: self }
    }

    /// Whether a value of another kind was expected.
    fn expects_other_value(self) -> bool {
        matches!(
            self,
            Self::NotJson
                | Self::NotAnObject
                | Self::NotAnArray
                | Self::ItemNotAnObject
                | Self::IdNotAString
                | Self::DependsOn
        )
    }

    fn detail(self) -> Option<&'static str> {
        const { assert!(MAX_DEPTH == 128) };
        Some(match self {
            Self::Conditional | Self::UnknownDependency | Self::TooManyItems => return None,
            Self::NotUtf8 => "not UTF-8",
            Self::NotJson => "not JSON",
            Self::NoName => "key must be a string",
            Self::NoColon => "expected `:`",
            Self::NoCommaInObject => "expected `,` or `}`",
            Self::NoCommaInArray => "expected `,` or `]`",
            Self::Escape => "invalid escape",
            Self::ControlCharacter => "control character",
            Self::Number => "invalid number",
            Self::TooDeep => "JSON nested more than 128 deep",
            Self::TrailingCharacters => "trailing characters",
            Self::NotAnObject => "the envelope is not an object",
            Self::RequestsMissing => "`requests` is missing",
            #[cfg(feature = "client")]
            Self::ResponsesMissing => "`responses` is missing",
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

    fn kind(self) -> ErrorKind {
        match self {
            Self::Conditional => ErrorKind::UnsupportedAtomicity,
            Self::UnknownDependency => ErrorKind::UnknownDependency,
            Self::TooManyItems => ErrorKind::TooManyItems,
            _ => ErrorKind::Malformed,
        }
    }
}

impl Invalid {
    /// The refusal of the envelope.
    #[cold]
    #[inline(never)]
    pub(super) fn refusal(self, envelope: &[u8]) -> Error {
        let refusal = Error::new(self.why.kind());
        match self.detail(envelope) {
            Some(detail) => refusal.detail(detail).offset(self.offset as u64),
            None => refusal,
        }
    }

    fn detail(self, envelope: &[u8]) -> Option<&'static str> {
        let detail = self.why.detail()?;
        let (before, found) = envelope.split_at_checked(self.offset)?;
        let is_behind_comma = || before.trim_ascii_end().ends_with(b",");
        Some(match found {
            [] if before.is_empty() => "the envelope is empty",
            [] => "the JSON ends too early",
            [b'}', ..] if self.why == Why::NoName && is_behind_comma() => TRAILING_COMMA,
            [b'}' | b']', ..] if self.why.expects_other_value() && is_behind_comma() => {
                TRAILING_COMMA
            }
            [
                b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n',
                ..,
            ] => detail,
            _ if before.is_empty() && found.starts_with("\u{feff}".as_bytes()) => {
                "a byte order mark before the JSON"
            }
            _ if self.why.expects_other_value() => "not JSON",
            _ => detail,
        })
    }
}

const TRAILING_COMMA: &str = "trailing comma";
