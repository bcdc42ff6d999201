//! What may cross between the batch and its items: one decision a file.

mod answers;
mod change_sets;
mod cookies;
mod extensions;
mod headers;
mod hop_by_hop;
mod inherited;
mod item_errors;
mod status;
mod url_base;

pub(crate) use answers::clean;
pub use change_sets::ChangeSets;
pub use cookies::SetCookie;
pub(crate) use cookies::last_of_each;
pub use extensions::SubrequestInfo;
pub(crate) use extensions::{InheritedExtensions, discard};
pub(crate) use headers::Ignored;
pub use headers::ItemHeaders;
pub(crate) use inherited::{Inherited, items_inherit};
pub use item_errors::ItemErrors;
pub use status::{EnvelopeStatus, Summary};
pub use url_base::UrlBase;
