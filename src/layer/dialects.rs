//! Settings that published protocols need, and that their presets are made of.

use http::HeaderName;

use super::BatchLayer;
use crate::policy::ChangeSets;

/// # Settings for published protocols
///
/// The presets, [`graph`](Self::graph) for example, use these.
impl BatchLayer {
    /// What becomes of change sets (`atomicityGroup` in JSON); the default is [`ChangeSets::refuse`], with 501.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ChangeSets};
    /// let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    /// ```
    pub fn change_sets(self, policy: ChangeSets) -> Self {
        self.with(|config| config.change_sets = policy)
    }

    /// Whether items can refer to earlier ones (OData 4.01 Protocol, "Referencing Returned Entities"); by default they cannot.
    ///
    /// If the first segment of a URL is `$<id>` of an earlier item, it stands for that item's `Location`, or for its URL if it
    /// answered without one and was no POST; `If-Match: $<id>` for its `ETag`. The item waits for the other, and what comes of
    /// it passes every check of a URL again. A `$name` that is nobody's id is an ordinary segment.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").references(true);
    /// ```
    pub fn references(self, references: bool) -> Self {
        self.with(|config| config.references = references)
    }

    /// Says that `/x` in an item's URL is meant from this folder, as clients see it, unless it is under it already. Relative
    /// URLs stand in it too.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// // An item for `/me` is one for `/v1.0/me`, and so is one for `/v1.0/me`.
    /// let layer = BatchLayer::new("/v1.0/$batch").service_root("/v1.0/");
    /// ```
    pub fn service_root(self, folder: &str) -> Self {
        self.base(folder)
            .with(|config| config.targets.rooted = true)
    }

    /// Whether spaces, and what is not ASCII, are percent-encoded in items' URLs. By default they fail their item.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// // `Products?$filter=Name eq 'x'` is what some clients send.
    /// let layer = BatchLayer::new("/batch").encode_urls(true);
    /// ```
    pub fn encode_urls(self, encode: bool) -> Self {
        self.with(|config| config.targets.encode = encode)
    }

    /// Sets these headers of the request on the outer response too, as the batch brought them.
    ///
    /// # Panics
    ///
    /// If a name is no header name.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").echo_headers(["odata-version"]);
    /// ```
    pub fn echo_headers<I>(self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let names =
            names.into_iter().map(
                |name| match HeaderName::from_bytes(name.as_ref().as_bytes()) {
                    Ok(name) => name,
                    Err(_) => panic!("a header name is a token"),
                },
            );
        self.with(|config| config.echoed.extend(names))
    }
}
