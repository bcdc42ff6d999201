//! Which headers of the outer request an item inherits.

use http::HeaderName;

use super::hop_by_hop::is_hop_by_hop;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whether an item has the outer request's header of this name, as it stands there.
pub(crate) fn items_inherit(name: &HeaderName) -> bool {
    *name != IDEMPOTENCY_KEY && is_inherited(name.as_str())
}

/// Not what is about the envelope, or about the connection that it came over; `name` is in lower
/// case.
pub(crate) fn is_inherited(name: &str) -> bool {
    let about_the_envelope = matches!(
        name,
        "accept" | "accept-encoding" | "range" | "expect" | "max-forwards" | "prefer"
    ) || name.starts_with("content-")
        || name.starts_with("if-");
    !about_the_envelope && !is_hop_by_hop(name)
}
