//! The base of item URLs.

/// The folder against which item URLs are resolved, as clients see it.
///
/// A missing slash at either end is added. The default is
/// [`for_relative_urls`](Self::for_relative_urls) with the folder of the batch path.
///
/// | URL of an item | `for_relative_urls("/v1.0/")` | `for_all_urls("/v1.0/")` |
/// | --- | --- | --- |
/// | `me` | `/v1.0/me` | `/v1.0/me` |
/// | `/me` | `/me` | `/v1.0/me` |
/// | `/v1.0/me` | `/v1.0/me` | `/v1.0/me` |
///
/// The path of an absolute URL (`https://…`) is a path of the host in both cases.
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
    /// Whether URLs that start with a slash are resolved against it, too.
    pub(crate) is_for_all: bool,
}

impl UrlBase {
    /// Resolves relative URLs against this folder (RFC 3986 §5.2). A URL that starts with a slash
    /// is a path of the host.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, UrlBase};
    /// // An item with the URL `users/1` requests `/api/users/1`, and `/users/1` stays as it is.
    /// let layer = BatchLayer::new("/batch").base(UrlBase::for_relative_urls("/api/"));
    /// ```
    pub fn for_relative_urls(folder: &str) -> Self {
        Self::new(folder, false)
    }

    /// Resolves relative URLs against this folder, and also URLs that start with a slash, unless
    /// they are inside the folder already. Clients of OData and Microsoft Graph write such URLs and
    /// call the folder their *service root*.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, UrlBase};
    /// // Items with the URLs `me`, `/me` and `/v1.0/me` all request `/v1.0/me`.
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
