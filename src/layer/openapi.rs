//! The OpenAPI document of the endpoint.

use serde_json::Value;

use super::BatchLayer;
use crate::openapi;

/// # OpenAPI
impl BatchLayer {
    /// Returns an OpenAPI 3.1 document of the batch endpoint, made from the settings of this layer.
    ///
    /// The document is complete, because libraries such as utoipa merge complete documents. To
    /// merge it by hand, copy the members of `paths` and of `components.schemas`. The names of all
    /// schemas begin with `Batch`, so that they do not collide with yours. (Two layers have schemas
    /// of the same names. If their settings differ, rename those of one.)
    ///
    /// It contains:
    ///
    /// - the path as clients see it ([`mounted_at`](Self::mounted_at)), with POST, and with GET if
    ///   [`describe`](Self::describe) is set
    /// - the media types that are read and written, those of your own formats included
    /// - schemas of JSON envelopes, with limits and methods
    /// - the refusals by status, each with its problem document as an example
    ///
    /// The schemas describe what a client should send. They are stricter than the layer at two
    /// points: methods are in upper case, and an item that would fail for its method, URL or
    /// headers is not valid. They are weaker where JSON Schema cannot express a rule: unique ids,
    /// dependencies on earlier items, sizes in bytes.
    ///
    /// For [`EnvelopeStatus::with`](crate::EnvelopeStatus::with), the document lists the statuses
    /// that the function returns if all, some or none of the items succeed.
    ///
    /// ```
    /// use tower_multistatus::BatchLayer;
    ///
    /// let layer = BatchLayer::new("/batch").max_items(20);
    /// let document = layer.openapi();
    /// let batch = &document["components"]["schemas"]["BatchRequest"];
    /// assert_eq!(batch["properties"]["requests"]["maxItems"], 20);
    ///
    /// // Merge it into a document of utoipa:
    /// let mut api = utoipa::openapi::OpenApi::default();
    /// api.merge(serde_json::from_value(document).unwrap());
    /// assert!(api.paths.get_path_item("/batch").is_some());
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "json")))]
    #[must_use]
    pub fn openapi(&self) -> Value {
        openapi::document(&self.config)
    }
}
