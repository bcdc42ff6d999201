//! Presets for the servers of a protocol.

use super::item_urls::ItemUrls;
use super::layer::BatchClientLayer;
use crate::format::Json;
use crate::policy::ItemHeaders;

/// # Presets
///
/// A preset uses public settings only. Its documentation lists them.
impl BatchClientLayer {
    /// Creates a layer for Microsoft Graph, at `/v1.0/$batch`.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | [`format`](Self::format) | JSON, with [forms and XML in base64](Json::base64_forms_and_xml) |
    /// | [`max_items`](Self::max_items) | 20 |
    /// | [`item_urls`](Self::item_urls) | [`ItemUrls::from_folder`] |
    /// | [`item_headers`](Self::item_headers) | guarded; `ConsistencyLevel`, `client-request-id` and `workbook-session-id` are allowed |
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::graph("/v1.0/$batch");
    /// ```
    pub fn graph(path: &str) -> Self {
        Self::new(path)
            .format(Json::new().base64_forms_and_xml(true))
            .max_items(20)
            .item_urls(ItemUrls::from_folder())
            .item_headers(ItemHeaders::guarded().allow([
                "consistencylevel",
                "client-request-id",
                "workbook-session-id",
            ]))
    }

    /// Creates a layer for services of OData 2 to 4.01, at `/odata/$batch` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | [`format`](Self::format) | multipart, with [responses by position](crate::Multipart::match_by_position) where they have no `Content-ID` |
    /// | [`item_urls`](Self::item_urls) | [`ItemUrls::relative`] |
    /// | [`batch_header`](Self::batch_header) | `Prefer: odata.continue-on-error` |
    /// | [`item_headers`](Self::item_headers) | guarded; `OData-*`, `DataServiceVersion`, `MaxDataServiceVersion`, `Slug`, `ConsistencyLevel` and `X-RequestDigest` are allowed |
    ///
    /// Requests are sent as they are, never in change sets.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::odata("/odata/$batch");
    /// ```
    #[cfg(feature = "multipart")]
    #[cfg_attr(docsrs, doc(cfg(feature = "multipart")))]
    pub fn odata(path: &str) -> Self {
        let prefer = http::HeaderValue::from_static("odata.continue-on-error");
        Self::new(path)
            .format(crate::format::Multipart::new().match_by_position(true))
            .item_urls(ItemUrls::relative())
            .batch_header(http::HeaderName::from_static("prefer"), prefer)
            .item_headers(ItemHeaders::guarded().allow([
                "odata-*",
                "dataserviceversion",
                "maxdataserviceversion",
                "slug",
                "consistencylevel",
                "x-requestdigest",
            ]))
    }

    /// Creates a layer for Google's APIs, at `/batch/drive/v3` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | [`format`](Self::format) | multipart, with [marked `Content-ID`s](crate::Multipart::response_ids) of responses |
    /// | [`item_headers`](Self::item_headers) | guarded; `X-Goog-*` is allowed |
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::google("/batch/drive/v3");
    /// ```
    #[cfg(feature = "multipart")]
    #[cfg_attr(docsrs, doc(cfg(feature = "multipart")))]
    pub fn google(path: &str) -> Self {
        Self::new(path)
            .format(crate::format::Multipart::new().response_ids(true))
            .item_headers(ItemHeaders::guarded().allow(["x-goog-*"]))
    }
}
