//! The headers of the outer request that items inherit.

use http::HeaderName;

use super::hop_by_hop::is_hop_by_hop;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whether items get the outer request's header of this name unchanged.
pub(crate) fn items_inherit(name: &HeaderName) -> bool {
    *name != IDEMPOTENCY_KEY && is_inherited(name.as_str())
}

/// Whether a header is inherited: it is neither about the envelope nor about its connection. `name`
/// is in lower case.
pub(crate) fn is_inherited(name: &str) -> bool {
    let is_about_envelope = matches!(
        name,
        "accept" | "accept-encoding" | "range" | "expect" | "max-forwards" | "prefer"
    ) || name.starts_with("content-")
        || name.starts_with("if-");
    !is_about_envelope && !is_hop_by_hop(name)
}
