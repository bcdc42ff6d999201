//! Presets for the JSON batches of other APIs.

use super::BatchLayer;
use crate::format::{Json, Shape};
use crate::policy::ItemHeaders;

/// # Constructors for other JSON batches
///
/// A layer for clients of an API whose JSON batches have a shape of their own. Each uses public
/// settings only, and its [`Shape`](crate::shape::Shape) documents the envelope.
impl BatchLayer {
    /// Creates a layer for clients of Kinto, at `/v1/batch` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | [`Shape::KINTO`](crate::shape::Shape::KINTO) |
    /// | [`base`](Self::base) | the folder of the path (`/v1/`), [for all URLs](crate::UrlBase::for_all_urls) |
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::kinto("/v1/batch").max_items(25);
    /// ```
    pub fn kinto(path: &str) -> Self {
        Self::shaped(path, &Shape::KINTO).below(1)
    }

    /// Creates a layer for clients of WordPress, at `/wp-json/batch/v1` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | [`Shape::WORDPRESS`](crate::shape::Shape::WORDPRESS) |
    /// | [`base`](Self::base) | two folders above the path (`/wp-json/`), [for all URLs](crate::UrlBase::for_all_urls) |
    /// | [`max_items`](Self::max_items) | 25, as in WordPress |
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::wordpress("/wp-json/batch/v1");
    /// ```
    pub fn wordpress(path: &str) -> Self {
        let layer = Self::shaped(path, &Shape::WORDPRESS).below(2);
        layer.max_items(25)
    }

    /// Creates a layer for clients of Salesforce, at `/services/data/v60.0/composite/batch` or
    /// `/services/data/v60.0/connect/batch` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | [`Shape::SALESFORCE`](crate::shape::Shape::SALESFORCE) |
    /// | [`base`](Self::base) | three folders above the path (`/services/data/`), [for all URLs](crate::UrlBase::for_all_urls) |
    /// | [`max_items`](Self::max_items) | 25, as in Salesforce |
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::salesforce("/services/data/v60.0/composite/batch");
    /// ```
    pub fn salesforce(path: &str) -> Self {
        let layer = Self::shaped(path, &Shape::SALESFORCE).below(3);
        layer.max_items(25)
    }

    /// Creates a layer for clients of ServiceNow, at `/api/now/v1/batch` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | [`Shape::SERVICENOW`](crate::shape::Shape::SERVICENOW) |
    /// | [`base`](Self::base) | the host's root, for relative URLs |
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::servicenow("/api/now/v1/batch");
    /// ```
    pub fn servicenow(path: &str) -> Self {
        Self::shaped(path, &Shape::SERVICENOW).base("/")
    }

    /// Creates a layer for clients of Parse, at `/parse/batch` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | [`Shape::PARSE`](crate::shape::Shape::PARSE) |
    /// | [`base`](Self::base) | the host's root, for relative URLs |
    /// | [`item_headers`](Self::item_headers) | guarded; `X-Parse-*` is allowed |
    ///
    /// Batches of a browser are refused unless the page comes from the same origin. To accept
    /// others, replace the format by one that
    /// [allows them](crate::ShapedJson::allow_cross_site).
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::parse("/parse/batch");
    /// ```
    pub fn parse(path: &str) -> Self {
        let layer = Self::shaped(path, &Shape::PARSE).base("/");
        layer.item_headers(ItemHeaders::guarded().allow(["x-parse-*"]))
    }

    /// Creates a layer for clients of Facebook's Graph API, at `/v19.0/` for example. Some clients
    /// use the path without the slash at its end: mount a second layer there.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | [`Shape::FACEBOOK`](crate::shape::Shape::FACEBOOK) |
    /// | [`base`](Self::base) | the path (`/v19.0/`), [for all URLs](crate::UrlBase::for_all_urls) |
    /// | [`encode_urls`](Self::encode_urls) | yes |
    /// | [`max_items`](Self::max_items) | 50, as in Facebook's API |
    ///
    /// Batches of a browser are refused unless the page comes from the same origin. To accept
    /// others, replace the format by one that
    /// [allows them](crate::ShapedJson::allow_cross_site).
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::facebook("/v19.0/");
    /// ```
    pub fn facebook(path: &str) -> Self {
        let layer = Self::shaped(path, &Shape::FACEBOOK).below(0);
        layer.encode_urls(true).max_items(50)
    }

    /// Creates a layer for clients of SCIM, at `/scim/v2/Bulk` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | [`Shape::SCIM`](crate::shape::Shape::SCIM) |
    /// | [`base`](Self::base) | the folder of the path (`/scim/v2/`), [for all URLs](crate::UrlBase::for_all_urls) |
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::scim("/scim/v2/Bulk");
    /// ```
    pub fn scim(path: &str) -> Self {
        Self::shaped(path, &Shape::SCIM).below(1)
    }

    /// Creates a layer for clients of Jive, at `/api/core/v3/executeBatch` for example.
    ///
    /// | setting | |
    /// | --- | --- |
    /// | formats | [`Shape::JIVE`](crate::shape::Shape::JIVE) |
    /// | [`base`](Self::base) | the folder of the path (`/api/core/v3/`), [for all URLs](crate::UrlBase::for_all_urls) |
    /// | [`max_items`](Self::max_items) | 25, as in Jive |
    ///
    /// # Panics
    ///
    /// If the path does not start with `/`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::jive("/api/core/v3/executeBatch");
    /// ```
    pub fn jive(path: &str) -> Self {
        Self::shaped(path, &Shape::JIVE).below(1).max_items(25)
    }

    fn shaped(path: &str, shape: &'static Shape) -> Self {
        Self::bare(path).format(Json::shaped(shape))
    }

    /// Resolves all URLs against the folder that is this many levels above the path, as clients see
    /// it.
    fn below(self, level: usize) -> Self {
        self.with(|config| {
            config.base_level = Some(level);
            config.targets.base_for_all = true;
            config.derive_base();
        })
    }
}
