//! Policies: what may pass between a batch and its items. Each file holds one.

mod change_sets;
mod cookies;
mod extensions;
mod header_patterns;
mod headers;
mod hop_by_hop;
mod inherited;
mod response_headers;
mod status;
mod url_base;

pub use change_sets::ChangeSets;
pub use cookies::SetCookie;
pub(crate) use cookies::without_overwritten;
pub use extensions::SubrequestInfo;
pub(crate) use extensions::{InheritedExtensions, drop_extensions};
pub(crate) use header_patterns::{folded, header_names};
pub use headers::ItemHeaders;
pub(crate) use headers::{HeaderDecision, IgnoreReason};
pub(crate) use hop_by_hop::remove_named_by;
pub(crate) use inherited::{IDEMPOTENCY_KEY, is_inherited, items_inherit};
pub(crate) use response_headers::filter_response_headers;
pub use status::EnvelopeStatus;
pub use url_base::UrlBase;
