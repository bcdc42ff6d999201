//! The constructors: a layer with JSON alone, and presets for the clients of a protocol.

use std::sync::Arc;

use super::BatchLayer;
use crate::config::Config;

/// # Constructors
///
/// A preset, such as [`graph`](Self::graph), uses public settings only. Its documentation lists
/// them.
impl BatchLayer {
    /// Creates a layer whose batches are the POST requests to exactly this path.
    ///
    /// It reads and writes JSON, and writes NDJSON (feature `json`, on by default). Add other
    /// formats with [`format`](Self::format).
    ///
    /// The path is the one that the layer sees. Inside axum's `nest_service("/v1", ..)`, which
    /// strips the prefix, it is `/batch` where clients see `/v1/batch`: see
    /// [`mounted_at`](Self::mounted_at).
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch");
    /// ```
    pub fn new(path: &str) -> Self {
        let layer = Self::bare(path);
        #[cfg(feature = "json")]
        let layer = layer
            .format(crate::format::Json::new())
            .format(crate::format::NdJson::new());
        layer
    }

    /// Creates a layer for clients of Microsoft Graph, at `/v1.0/$batch` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | JSON, with [forms and XML in base64](crate::Json::base64_forms_and_xml) |
    /// | [`status`](Self::status) | 200 |
    /// | [`base`](Self::base) | the folder of the path, [for all URLs](crate::UrlBase::for_all_urls) |
    /// | [`item_errors`](Self::item_errors) | [`ItemErrors::odata`](crate::ItemErrors::odata) |
    /// | [`item_headers`](Self::item_headers) | guarded; `ConsistencyLevel`, `client-request-id` and `workbook-session-id` are allowed |
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::graph("/v1.0/$batch");
    /// ```
    #[cfg(feature = "json")]
    #[cfg_attr(docsrs, doc(cfg(feature = "json")))]
    pub fn graph(path: &str) -> Self {
        Self::bare(path)
            .format(crate::format::Json::new().base64_forms_and_xml(true))
            .status(http::StatusCode::OK)
            .microsoft()
            .item_headers(crate::policy::ItemHeaders::guarded().allow([
                "consistencylevel",
                "client-request-id",
                "workbook-session-id",
            ]))
    }

    /// Creates a layer for clients of OData 2 to 4.01, at `/odata/$batch` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | JSON, with [forms and XML in base64](crate::Json::base64_forms_and_xml), and multipart: [sequential](crate::Multipart::sequential), without [items that did not run](crate::Multipart::omit_not_executed) |
    /// | [`status`](Self::status) | 200; clients of OData 2 and Azure need `.status(StatusCode::ACCEPTED)` |
    /// | [`base`](Self::base) | the folder of the path, [for all URLs](crate::UrlBase::for_all_urls) |
    /// | [`item_errors`](Self::item_errors) | [`ItemErrors::odata`](crate::ItemErrors::odata) |
    /// | [`references`](Self::references), [`encode_urls`](Self::encode_urls) | yes |
    /// | [`allow_methods`](Self::allow_methods) | MERGE |
    /// | [`echo_headers`](Self::echo_headers) | `OData-Version`, `DataServiceVersion` |
    /// | [`item_headers`](Self::item_headers) | guarded; `OData-*`, `DataServiceVersion`, `MaxDataServiceVersion`, `Slug`, `ConsistencyLevel`, SharePoint's `X-RequestDigest`, and SAP's `sap-cancel-on-close`, `sap-contextid-accept` and `sap-message-scope` are allowed |
    /// | [`change_sets`](Self::change_sets) | [`ChangeSets::refuse`](crate::ChangeSets::refuse): many clients need [`ChangeSets::best_effort`](crate::ChangeSets::best_effort) |
    ///
    /// The items of a multipart batch run one after the other. After one that fails, the next ones
    /// run, as in ASP.NET Core OData and SAP's services. A client prevents that with
    /// `Prefer: continue-on-error=false`, and the layer with
    /// [`continue_on_error(false)`](Self::continue_on_error).
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ChangeSets};
    /// let layer = BatchLayer::odata("/odata/$batch").change_sets(ChangeSets::best_effort());
    /// ```
    #[cfg(all(feature = "json", feature = "multipart"))]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "json", feature = "multipart"))))]
    pub fn odata(path: &str) -> Self {
        let multipart = crate::format::Multipart::new();
        Self::bare(path)
            .format(crate::format::Json::new().base64_forms_and_xml(true))
            .format(multipart.sequential(true).omit_not_executed(true))
            .status(http::StatusCode::OK)
            .microsoft()
            .references(true)
            .encode_urls(true)
            .allow_methods(["MERGE"])
            .echo_headers(["odata-version", "dataserviceversion"])
            .item_headers(crate::policy::ItemHeaders::guarded().allow([
                "odata-*",
                "dataserviceversion",
                "maxdataserviceversion",
                "slug",
                "consistencylevel",
                "x-requestdigest",
                // UI5 sends these with each request. Other headers of SAP name the client, the user
                // or a session.
                "sap-cancel-on-close",
                "sap-contextid-accept",
                "sap-message-scope",
            ]))
    }

    /// Creates a layer for clients of Google's APIs, at `/batch/api/v1` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | multipart: [`Content-ID`s of responses marked](crate::Multipart::response_ids), [boundaries](crate::Multipart::boundary_prefix) that begin with `batch_` |
    /// | [`status`](Self::status) | 200 |
    /// | [`base`](Self::base) | the host's root, for relative URLs |
    /// | [`item_headers`](Self::item_headers) | guarded; `Authorization`, `User-Agent` and `X-Goog-*` are allowed. `X-Goog-Authenticated-User-*` and `X-Goog-IAP-*` are not, because Google's proxies name the caller in them. `Accept-Encoding` is not, because these clients do not decompress parts |
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::google("/batch/api/v1");
    /// ```
    #[cfg(feature = "multipart")]
    #[cfg_attr(docsrs, doc(cfg(feature = "multipart")))]
    pub fn google(path: &str) -> Self {
        let multipart = crate::format::Multipart::new();
        let item_headers = crate::policy::ItemHeaders::guarded()
            .allow(["authorization", "user-agent", "x-goog-*"])
            .protect([
                "accept-encoding",
                "x-goog-authenticated-user-*",
                "x-goog-iap-*",
            ]);
        Self::bare(path)
            .format(multipart.response_ids(true).boundary_prefix("batch_"))
            .status(http::StatusCode::OK)
            .base("/")
            .item_headers(item_headers)
    }

    pub(super) fn bare(path: &str) -> Self {
        assert!(
            path.starts_with('/'),
            "the batch path must start with a slash"
        );
        Self {
            config: Arc::new(Config::new(path)),
        }
    }

    /// The settings that Graph and OData share: all URLs start at the folder of the batch path, and
    /// errors are those of OData.
    #[cfg(feature = "json")]
    fn microsoft(self) -> Self {
        // The folder itself is still derived from the path and the mount.
        self.with(|config| config.targets.base_for_all = true)
            .item_errors(crate::item_error::ItemErrors::odata())
    }
}
