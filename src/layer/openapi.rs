//! The endpoint, described for tools.

use serde_json::Value;

use super::BatchLayer;
use crate::openapi;

/// # OpenAPI
impl BatchLayer {
    /// Returns an OpenAPI 3.1 document of the batch endpoint, made from the settings of this layer.
    ///
    /// It is a complete document, because libraries merge complete documents: utoipa reads and
    /// merges it, and by hand `paths` and `components.schemas` are two objects to extend. All
    /// schemas are named `Batch…`, so that they do not collide with yours. (Two layers with
    /// different settings have schemas of the same names: rename those of one.)
    ///
    /// It has the path as clients see it ([`mounted_at`](Self::mounted_at)), the media types that
    /// are read and written, schemas of JSON envelopes with limits and methods, and the refusals by
    /// status, each with its problem document as an example. A format of your own appears with its
    /// media types. With [`describe`](Self::describe) the GET of the path is there too.
    ///
    /// The schemas say what a client should send, and are stricter than the layer at two points:
    /// methods are in upper case, and an item that would fail for its method, URL or headers is not
    /// valid. They are weaker where JSON Schema cannot say a rule: unique ids, dependencies on
    /// earlier items, sizes in bytes.
    ///
    /// A status by [`EnvelopeStatus::with`](crate::EnvelopeStatus::with) is listed as the function
    /// returns it for batches of which all, some or none of the items succeed.
    ///
    /// ```
    /// use tower_multistatus::BatchLayer;
    ///
    /// let layer = BatchLayer::new("/batch").max_items(20);
    /// let document = layer.openapi();
    /// let batch = &document["components"]["schemas"]["BatchRequest"];
    /// assert_eq!(batch["properties"]["requests"]["maxItems"], 20);
    ///
    /// // Into a document of utoipa:
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
