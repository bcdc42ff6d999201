//! Boundaries: what one may be, and those that nobody can foresee.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use crate::media_type::MediaType;

/// RFC 2046 §5.1.1.
pub(super) const MAX_BOUNDARY: usize = 70;

/// Characters of the random part.
pub(super) const RANDOM_LENGTH: usize = 32;

/// Where random bits come from. Tests bring their own.
pub(super) type Random = fn() -> u128;

/// The detail of a media type that [`boundary_of`] finds none in.
pub(super) const NO_BOUNDARY: &str = "`Content-Type` has no boundary of 1 to 70 characters";

/// The boundary that a media type names: once, of 1 to 70 characters, and not ending with a space, which would be padding.
pub(super) fn boundary_of<'a>(media_type: &MediaType<'a>) -> Option<Cow<'a, str>> {
    let boundary = media_type.parameter("boundary").ok()??;
    let is_plain = |byte: u8| matches!(byte, 0x20..0x7F) && !matches!(byte, b'"' | b'\\');
    let is_sound = (1..=MAX_BOUNDARY).contains(&boundary.len())
        && boundary.bytes().all(is_plain)
        && !boundary.ends_with(' ');
    is_sound.then_some(boundary)
}

/// From the operating system; if it has none to give, from the keys that hash maps have, which clients do not know either.
pub(super) fn random() -> u128 {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u128::from_be_bytes(bytes),
        Err(_) => {
            let keys = RandomState::new();
            u128::from(keys.hash_one(0)) << 64 | u128::from(keys.hash_one(1))
        }
    }
}

/// A boundary that is not taken. It ends also if the source is stuck: what is finite does not contain all of them.
pub(super) fn draw(prefix: &str, random: Random, is_taken: impl Fn(&[u8]) -> bool) -> String {
    let mut number = random();
    loop {
        let boundary = format!("{prefix}{number:0RANDOM_LENGTH$x}");
        if !is_taken(boundary.as_bytes()) {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}
