//! How the URLs of items are written.

/// How the URL of a request is written into a batch. The default is
/// [`from_root`](Self::from_root).
///
/// | request | batch path | `from_root` | `from_folder` | `relative` |
/// | --- | --- | --- | --- | --- |
/// | `/v1/me` | `/v1/$batch` | `/v1/me` | `/me` | `me` |
/// | `/v2/me` | `/v1/$batch` | `/v2/me` | sent alone | sent alone |
///
/// ```
/// use tower_multistatus::{BatchClientLayer, ItemUrls};
///
/// let layer = BatchClientLayer::new("/v1/$batch").item_urls(ItemUrls::relative());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemUrls(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    FromRoot,
    FromFolder,
    Relative,
}

impl ItemUrls {
    /// The path and query of the request, as every server of this crate reads it.
    #[must_use]
    pub fn from_root() -> Self {
        Self(Kind::FromRoot)
    }

    /// The path below the folder of the batch path, with a slash, as Microsoft Graph reads it.
    #[must_use]
    pub fn from_folder() -> Self {
        Self(Kind::FromFolder)
    }

    /// The path below the folder of the batch path, without a slash, as OData reads it.
    #[must_use]
    pub fn relative() -> Self {
        Self(Kind::Relative)
    }

    /// The URL of an item. `None` if it cannot be written.
    pub(super) fn write<'a>(self, path_and_query: &'a str, batch_path: &str) -> Option<&'a str> {
        let below = || {
            let folder = batch_path.get(..batch_path.rfind('/')?)?;
            path_and_query.strip_prefix(folder)
        };
        match self.0 {
            Kind::FromRoot => Some(path_and_query),
            Kind::FromFolder => below().filter(|url| url.starts_with('/')),
            // An empty URL is not valid, and one with a colon may be read as absolute.
            Kind::Relative => {
                let relative = below()?.strip_prefix('/')?;
                let first = relative.split(['/', '?', '(']).next()?;
                let is_safe = !first.is_empty() && !first.contains(':');
                is_safe.then_some(relative)
            }
        }
    }
}
