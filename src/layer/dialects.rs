//! Settings for published protocols, which the presets use.

use super::BatchLayer;
use crate::policy::{ChangeSets, header_names};

/// # Settings for published protocols
///
/// The presets, [`graph`](Self::graph) for example, use these.
impl BatchLayer {
    /// Whether change sets (`atomicityGroup` in JSON) run. The default is [`ChangeSets::refuse`]: a
    /// batch with a change set is refused with 501. See
    /// [`guide::transactions`](crate::guide::transactions).
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ChangeSets};
    /// let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    /// ```
    pub fn change_sets(self, policy: ChangeSets) -> Self {
        self.with(|config| config.change_sets = policy)
    }

    /// Whether items can refer to earlier ones (OData 4.01 Protocol, "Referencing Returned
    /// Entities"). By default they cannot.
    ///
    /// If the first segment of a URL is `$<id>` with the id of an earlier item, it is replaced by
    /// the `Location` of that item's response. If the response has no `Location`, and the item was
    /// not a POST, it is replaced by the URL of that item. `If-Match: $<id>` is replaced by the
    /// `ETag` of that item's response.
    ///
    /// The item waits for the earlier one. The new URL passes every check again. A `$name` that is
    /// not the id of an earlier item is an ordinary segment.
    ///
    /// A layer with references has no [streams](crate::guide::streams): every envelope is read
    /// first.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").references(true);
    /// ```
    pub fn references(self, references: bool) -> Self {
        self.with(|config| config.references = references)
    }

    /// Whether the layer percent-encodes spaces and characters that are not ASCII in URLs of items.
    /// By default, an item with such a URL fails.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// // `Products?$filter=Name eq 'x'` is what some clients send.
    /// let layer = BatchLayer::new("/batch").encode_urls(true);
    /// ```
    pub fn encode_urls(self, encode: bool) -> Self {
        self.with(|config| config.targets.encode = encode)
    }

    /// Copies these headers of the outer request to the outer response. By default none is copied.
    ///
    /// # Panics
    ///
    /// If a name is not a valid header name.
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
        let names = header_names(names);
        self.with(|config| config.echoed.extend(names))
    }
}
