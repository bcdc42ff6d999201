//! Errors in an envelope that refuse the batch.

use super::header_block::Unreadable;

pub(super) const TOO_MANY_HEADERS: &str = "the part has more than 64 headers, or 16 KiB of them";

pub(super) const NOT_CLOSED: &str = "the close delimiter is missing";

/// A part that cannot be read, with the `detail` of the refusal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Malformed(pub(super) &'static str);

impl From<Unreadable> for Malformed {
    fn from(why: Unreadable) -> Self {
        Self(match why {
            Unreadable::TooMany => TOO_MANY_HEADERS,
            Unreadable::Invalid => "a line among the headers of a part is no header",
        })
    }
}

/// The detail for a second `Content-ID`.
pub(super) const TWO_IDS: &str = "an item has two `Content-ID`s";

/// Sets a value that may be set once.
///
/// # Errors
///
/// There is a value already. The detail says so.
pub(super) fn set_once<T>(
    place: &mut Option<T>,
    value: T,
    detail: &'static str,
) -> Result<(), Malformed> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed(detail)),
    }
}
