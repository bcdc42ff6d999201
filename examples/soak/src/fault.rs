//! What each item does. Its key decides.

use std::fmt::Write;

/// The behaviour of an item. 2 % of all items have each of the faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    None,
    /// The handler panics.
    Panic,
    /// The service returns an error.
    Error,
    /// The handler never ends.
    Hang,
    /// The body of the response fails in its middle.
    BrokenBody,
    /// The handler sleeps, but not for too long.
    Slow,
}

impl Fault {
    #[must_use]
    pub fn of(key: usize) -> Self {
        match scattered(key) % 50 {
            0 => Self::Panic,
            1 => Self::Error,
            2 => Self::Hang,
            3 => Self::BrokenBody,
            4 => Self::Slow,
            _ => Self::None,
        }
    }
}

/// Whether an item is a POST, with a body that is sent back. The others are a GET.
pub(crate) fn is_post(key: usize) -> bool {
    scattered(key).is_multiple_of(3)
}

/// A number that looks random (SplitMix64), so that the items of a batch have nothing in common.
fn scattered(key: usize) -> u64 {
    let mut bits = (key as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// What the response to an item must be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// This status and body.
    Success(u16, String),
    /// This status, and a problem document with this code.
    Problem(u16, &'static str),
}

impl Expected {
    pub(crate) fn of(key: usize) -> Self {
        match Fault::of(key) {
            Fault::None | Fault::Slow if is_post(key) => Self::Success(201, posted(key)),
            Fault::None | Fault::Slow => Self::Success(200, format!(r#"{{"key":{key}}}"#)),
            Fault::Panic => Self::Problem(500, "panicked"),
            Fault::Error => Self::Problem(500, "call-failed"),
            Fault::Hang => Self::Problem(504, "item-timeout"),
            Fault::BrokenBody => Self::Problem(502, "response-broken"),
        }
    }
}

/// The body of a POST, and of its response.
pub(crate) fn posted(key: usize) -> String {
    let mut body = format!(r#"{{"posted":{key},"text":""#);
    for _ in 0..scattered(key) % 200 {
        write!(body, "{key} ").expect("a string takes everything");
    }
    body.push_str(r#""}"#);
    body
}
