//! Settings that published protocols need, and that their presets are made of.

use http::HeaderName;

use super::BatchLayer;
use crate::policy::ChangeSets;

/// # Settings for published protocols
///
/// The presets, [`graph`](Self::graph) for example, use these.
impl BatchLayer {
    /// What becomes of change sets (`atomicityGroup` in JSON); the default is
    /// [`ChangeSets::refuse`], with 501.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ChangeSets};
    /// let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    /// ```
    pub fn change_sets(self, policy: ChangeSets) -> Self {
        self.with(|config| config.change_sets = policy)
    }

    /// Whether items can refer to earlier ones (OData 4.01 Protocol, "Referencing Returned
    /// Entities"); by default they cannot.
    ///
    /// If the first segment of a URL is `$<id>` of an earlier item, it stands for the `Location` of
    /// that item's response, or for its URL if the response has none and the item was no POST.
    /// `If-Match: $<id>` stands for its `ETag`. The item waits for the other, and the URL that
    /// comes of it passes every check again. A `$name` that is no item's id is an ordinary segment.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").references(true);
    /// ```
    pub fn references(self, references: bool) -> Self {
        self.with(|config| config.references = references)
    }

    /// Whether spaces, and what is not ASCII, are percent-encoded in items' URLs. By default they
    /// fail their item.
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
