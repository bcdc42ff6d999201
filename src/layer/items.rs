//! Settings for the requests of items.

use http::{HeaderName, Method, Uri};

use super::BatchLayer;
use crate::policy::{ItemHeaders, UrlBase, items_inherit};

/// # Requests of items
impl BatchLayer {
    /// The headers that an item may have of its own. The others are ignored. The default is
    /// [`ItemHeaders::guarded`].
    ///
    /// This replaces the list of a preset, such as [`graph`](Self::graph).
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ItemHeaders};
    /// let headers = ItemHeaders::only(["accept", "if-match"]);
    /// let layer = BatchLayer::new("/batch").item_headers(headers);
    /// ```
    pub fn item_headers(self, policy: ItemHeaders) -> Self {
        self.with(|config| config.item_headers = policy)
    }

    /// Gives each item a request id of its own, in this header: `<outer>:<id>`, made of the request
    /// id of the outer request and the id of the item. If the outer request has no such header,
    /// neither have the items. By default an item inherits the request id of the outer request.
    ///
    /// The id of the item is percent-encoded. If the value is quoted, it goes inside the quotes. An
    /// item cannot have this header of its own, even if [`item_headers`](Self::item_headers) allows
    /// it.
    ///
    /// # Panics
    ///
    /// If this is not a header name (RFC 9110 §5.1), or is one that items do not inherit, such as
    /// `Content-Type`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// // With `x-request-id: 7`, the item `a` has `x-request-id: 7:a`.
    /// let layer = BatchLayer::new("/batch").item_request_ids("x-request-id");
    /// ```
    pub fn item_request_ids(self, name: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).ok();
        let name = name.filter(items_inherit);
        assert!(
            name.is_some(),
            "the header for request ids must be one that items inherit"
        );
        self.with(|config| config.request_ids = name)
    }

    /// Allows items to have these methods too. GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS are
    /// always allowed. An item with any other method fails with 405.
    ///
    /// # Panics
    ///
    /// If a name is not a method (RFC 9110 §9.1), or is CONNECT or TRACE, which make no sense in a
    /// batch.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").allow_methods(["MERGE", "PROPFIND"]);
    /// ```
    pub fn allow_methods<I>(self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let methods = names.into_iter().map(|name| {
            let name = name.as_ref().to_ascii_uppercase();
            assert!(
                !matches!(name.as_str(), "CONNECT" | "TRACE"),
                "an item cannot be CONNECT or TRACE"
            );
            match Method::from_bytes(name.as_bytes()) {
                Ok(method) => method,
                Err(_) => panic!("a method must be a token"),
            }
        });
        self.with(|config| config.methods.extend(methods))
    }

    /// The folder where URLs of items start, as clients see it. A `&str` is the base of relative
    /// URLs only. [`UrlBase::for_all_urls`] is also the base of URLs that start with a slash. The
    /// default is the folder of the batch path, for relative URLs.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, UrlBase};
    /// // The URL `users/1` is `/api/users/1`.
    /// let layer = BatchLayer::new("/batch").base("/api/");
    /// // Both `me` and `/me` are `/v1.0/me`.
    /// let layer = BatchLayer::new("/v1.0/$batch").base(UrlBase::for_all_urls("/v1.0/"));
    /// ```
    pub fn base(self, base: impl Into<UrlBase>) -> Self {
        let base = base.into();
        self.with(|config| {
            config.base_level = None;
            config.targets.base = base.folder;
            config.targets.base_for_all = base.is_for_all;
        })
    }

    /// The prefix that is stripped from paths before the layer, by axum's `nest_service("/v1", ..)`
    /// or by a proxy. The layer strips it from the URLs of items too, so that clients use the URLs
    /// that they know. An item whose URL is outside the prefix fails with 404. By default there is
    /// no prefix.
    ///
    /// In axum, prefer the layer [around the nested router](crate::guide::stack#mounting-in-axum).
    /// With this setting, `OriginalUri`, `MatchedPath` and `NestedPath` of an item lack the prefix.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use tower::Layer;
    /// use tower_multistatus::BatchLayer;
    ///
    /// let api: Router = Router::new().route("/users", get(async || "all users"));
    /// // Clients see /v1/batch, and items have the URL /v1/users.
    /// let batch = BatchLayer::new("/batch").mounted_at("/v1").layer(api);
    /// let app: Router = Router::new().nest_service("/v1", batch);
    /// ```
    pub fn mounted_at(self, prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        self.with(|config| {
            config.targets.mount = match prefix {
                "" => String::new(),
                prefix => format!("/{prefix}"),
            };
            config.derive_base();
        })
    }

    /// Adds an origin that absolute URLs of items may have, besides the origin of the outer
    /// request. Use it where a proxy ends TLS or rewrites `Host`, with the origin that clients
    /// know. Can be called several times.
    ///
    /// Only the path and query of such a URL are used. The layer never reads `X-Forwarded-*` or
    /// `Forwarded`, because a client may have sent them.
    ///
    /// # Panics
    ///
    /// If the origin is not `http://` or `https://` and an authority, with nothing after it.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// // An item may have the URL `https://api.example.com/users/1`.
    /// let layer = BatchLayer::new("/batch").public_origin("https://api.example.com");
    /// ```
    pub fn public_origin(self, origin: &str) -> Self {
        let uri = origin.parse::<Uri>().ok();
        let parts = uri.as_ref().map(|uri| (uri.scheme_str(), uri.authority()));
        let Some((Some(scheme @ ("http" | "https")), Some(authority))) = parts else {
            panic!("an origin must be `http://` or `https://` and an authority");
        };
        let (scheme, authority) = (scheme.to_owned(), authority.as_str().to_owned());
        assert!(
            origin.len() == scheme.len() + "://".len() + authority.len()
                && !authority.contains('@'),
            "an origin must have no path, no query and no user"
        );
        self.with(|config| config.targets.public_origins.push((scheme, authority)))
    }

    /// Gives items the extension of this type that the outer request has, if any. Items get no
    /// other extension of the outer request, because what a server or a router records there is
    /// wrong for them. [`handlers`](crate::guide::handlers) lists the types that handlers need.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// #[derive(Clone)]
    /// struct CurrentUser(u64);
    ///
    /// let layer = BatchLayer::new("/batch").inherit_extension::<CurrentUser>();
    /// ```
    pub fn inherit_extension<T: Clone + Send + Sync + 'static>(self) -> Self {
        self.with(|config| config.extensions.register::<T>())
    }
}
