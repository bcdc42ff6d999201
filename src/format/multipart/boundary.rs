//! Boundaries: which ones are valid, and unpredictable ones for responses.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};
use memchr::{memchr_iter, memmem};

use crate::error::Error;
use crate::media_type::MediaType;

/// Maximum characters of a boundary (RFC 2046 §5.1.1).
pub(super) const MAX_BOUNDARY: usize = 70;

/// Characters of the random digits.
pub(super) const RANDOM_LENGTH: usize = 32;

/// The detail for a media type without a valid boundary.
pub(super) const NO_BOUNDARY: &str = "`Content-Type` has no boundary of 1 to 70 characters";

/// The boundary in the `Content-Type` of an envelope.
pub(super) fn boundary_in(headers: &HeaderMap) -> Result<Cow<'_, str>, Error> {
    let content_type = headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let media_type = MediaType::parse(content_type.unwrap_or_default());
    boundary_of(&media_type).ok_or(Error::malformed(NO_BOUNDARY))
}

/// The boundary of a media type. It has 1 to 70 characters, must not occur twice, and does not end
/// with a space, which would be padding.
pub(super) fn boundary_of<'a>(media_type: &MediaType<'a>) -> Option<Cow<'a, str>> {
    let boundary = media_type.parameter("boundary").ok()??;
    let is_plain = |byte: u8| matches!(byte, 0x20..0x7F) && !matches!(byte, b'"' | b'\\');
    let is_valid = (1..=MAX_BOUNDARY).contains(&boundary.len())
        && boundary.bytes().all(is_plain)
        && !boundary.ends_with(' ');
    is_valid.then_some(boundary)
}

/// The boundary of a response: a prefix and 128 random bits as digits.
#[derive(Debug)]
pub(super) struct Boundary {
    text: String,
    prefix_len: usize,
}

impl Boundary {
    pub(super) fn random(prefix: &str) -> Self {
        Self {
            text: format!("{prefix}{:0RANDOM_LENGTH$x}", random_bits()),
            prefix_len: prefix.len(),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Whether this text contains the boundary.
    ///
    /// A search for one byte takes far fewer instructions than one for two. So this searches for
    /// the byte before the digits, which is usually an underscore and rare in text. Where it is not
    /// rare, the search is for the whole boundary.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        let token = self.as_bytes();
        let before = self.prefix_len.saturating_sub(1);
        let (Some(byte), true) = (token.get(before), text.len() >= token.len()) else {
            return false;
        };
        let mut candidates = 0;
        for place in memchr_iter(*byte, text) {
            let rest = text.get(place.saturating_sub(before)..);
            let rest = rest.unwrap_or_default();
            if rest.starts_with(token) {
                return true;
            }
            candidates += 1;
            if candidates > FEW + place / RARE {
                return memmem::find(rest, token).is_some();
            }
        }
        false
    }

    /// Whether this header name contains the digits. The prefix does not count, because names are
    /// written with a case of their own.
    pub(super) fn is_in_name(&self, name: &HeaderName) -> bool {
        let (_, digits) = self.as_bytes().split_at(self.prefix_len);
        let name = name.as_str().as_bytes();
        name.len() >= digits.len() && memmem::find(name, digits).is_some()
    }
}

/// A byte with at most this many occurrences is rare in any text.
const FEW: usize = 8;

/// A byte is rare if at most one in this many is equal to it. At that rate, the search for the byte
/// costs as much as the search for the boundary.
const RARE: usize = 256;

/// Random bits from the operating system. If that fails, they come from the keys of hash maps,
/// which clients cannot know either.
fn random_bits() -> u128 {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u128::from_be_bytes(bytes),
        Err(_) => {
            let keys = RandomState::new();
            u128::from(keys.hash_one(0)) << 64 | u128::from(keys.hash_one(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PREFIXES: [&str; 4] = ["batchresponse_", "batch_", "x", ""];

    fn is_in_slowly(boundary: &Boundary, text: &[u8]) -> bool {
        let token = boundary.as_bytes();
        text.windows(token.len()).any(|window| window == token)
    }

    proptest! {
        #[test]
        fn a_boundary_is_found_wherever_it_stands(
            prefix in prop::sample::select(&PREFIXES[..]),
            pieces in prop::collection::vec((0..70_usize, 0..70_usize, 0..200_usize), 0..40),
        ) {
            let boundary = Boundary::random(prefix);
            let token = boundary.as_bytes();
            let mut text = Vec::new();
            for (from, to, padding) in pieces {
                let (from, to) = (from.min(token.len()), to.min(token.len()));
                text.extend_from_slice(token.get(from..to).unwrap_or(token));
                text.resize(text.len() + padding, b' ');
            }
            prop_assert_eq!(boundary.is_in(&text), is_in_slowly(&boundary, &text));
        }
    }

    #[test]
    fn a_boundary_is_found_after_many_of_its_rare_byte_too() {
        for prefix in PREFIXES {
            let boundary = Boundary::random(prefix);
            let token = boundary.as_bytes();
            for piece in [
                &token[..prefix.len().max(1)],
                b"_",
                &token[..token.len() - 1],
            ] {
                for count in [0, 1, FEW - 1, FEW, FEW + 1, 10 * FEW] {
                    let mut text = piece.repeat(count);
                    assert_eq!(boundary.is_in(&text), is_in_slowly(&boundary, &text));
                    text.extend_from_slice(token);
                    assert!(boundary.is_in(&text), "{count} of {piece:?}");
                    text.pop();
                    assert_eq!(boundary.is_in(&text), is_in_slowly(&boundary, &text));
                }
            }
        }
    }
}
