//! Why an envelope cannot be read as parts.

use super::header_block::Unreadable;

pub(super) const TOO_MANY_HEADERS: &str = "the part has more than 64 headers, or 16 KiB of them";

/// It cannot be said what a part is: why, as the `detail` of the refusal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsound(pub(super) &'static str);

impl From<Unreadable> for Unsound {
    fn from(why: Unreadable) -> Self {
        Self(match why {
            Unreadable::TooMany => TOO_MANY_HEADERS,
            Unreadable::Invalid => "a line among the headers of a part is no header",
        })
    }
}

/// The detail of a second `Content-ID`.
pub(super) const TWO_IDS: &str = "an item has two `Content-ID`s";

pub(super) fn set_once<T>(
    place: &mut Option<T>,
    value: T,
    detail: &'static str,
) -> Result<(), Unsound> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Unsound(detail)),
    }
}
