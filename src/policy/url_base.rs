//! Where the URLs of items start from.

/// The folder that URLs of items start from, as clients see it.
///
/// A slash at either end is added where there is none. The default is
/// [`for_relative_urls`](Self::for_relative_urls) with the folder of the batch path.
///
/// | URL of an item | `for_relative_urls("/v1.0/")` | `for_all_urls("/v1.0/")` |
/// | --- | --- | --- |
/// | `me` | `/v1.0/me` | `/v1.0/me` |
/// | `/me` | `/me` | `/v1.0/me` |
/// | `/v1.0/me` | `/v1.0/me` | `/v1.0/me` |
///
/// Absolute URLs (`https://…`) are paths of the host in both cases.
///
/// ```
/// use tower_multistatus::{BatchLayer, UrlBase};
///
/// let layer = BatchLayer::new("/batch").base("/api/"); // for relative URLs
/// let layer = BatchLayer::new("/v1.0/$batch").base(UrlBase::for_all_urls("/v1.0/"));
/// ```
#[derive(Clone, Debug)]
pub struct UrlBase {
    /// Starts and ends with `/`.
    pub(crate) folder: String,
    /// Whether it is the base of URLs that start with a slash, too.
    pub(crate) is_for_all: bool,
}

impl UrlBase {
    /// Relative URLs stand in this folder (RFC 3986 §5.2). A URL that starts with a slash is a path
    /// of the host.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, UrlBase};
    /// // An item for `users/1` is one for `/api/users/1`, and `/users/1` stays what it is.
    /// let layer = BatchLayer::new("/batch").base(UrlBase::for_relative_urls("/api/"));
    /// ```
    pub fn for_relative_urls(folder: &str) -> Self {
        Self::new(folder, false)
    }

    /// Relative URLs stand in this folder, and so do URLs that start with a slash, unless they are
    /// below it already. Clients of OData and Microsoft Graph write URLs so: the folder is their
    /// *service root*.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, UrlBase};
    /// // Items for `me`, `/me` and `/v1.0/me` are all for `/v1.0/me`.
    /// let layer = BatchLayer::new("/v1.0/$batch").base(UrlBase::for_all_urls("/v1.0/"));
    /// ```
    pub fn for_all_urls(folder: &str) -> Self {
        Self::new(folder, true)
    }

    fn new(folder: &str, is_for_all: bool) -> Self {
        let folder = match folder.trim_matches('/') {
            "" => "/".to_owned(),
            folder => format!("/{folder}/"),
        };
        Self { folder, is_for_all }
    }
}

/// The base [for relative URLs](UrlBase::for_relative_urls).
impl From<&str> for UrlBase {
    fn from(folder: &str) -> Self {
        Self::for_relative_urls(folder)
    }
}
