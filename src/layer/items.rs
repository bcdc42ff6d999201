//! What an item may be.

use http::{HeaderName, Method, Uri};

use super::BatchLayer;
use crate::policy::{ItemHeaders, UrlBase, items_inherit};

/// # What an item may be and bring
impl BatchLayer {
    /// Which of the headers that an item brings are taken; the default is [`ItemHeaders::guarded`].
    /// It replaces the list of a preset, [`graph`](Self::graph) for example.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ItemHeaders};
    /// let layer = BatchLayer::new("/batch").item_headers(ItemHeaders::only(["accept", "if-match"]));
    /// ```
    pub fn item_headers(self, policy: ItemHeaders) -> Self {
        self.with(|config| config.item_headers = policy)
    }

    /// Gives each item a request id of its own: `<outer>:<id>`, where the outer request has this
    /// header. The item's id is percent-encoded, and stands inside the quotes of a quoted value. A
    /// header of this name that an item brings is ignored, whatever
    /// [`item_headers`](Self::item_headers) says. By default an item inherits the outer request's
    /// id.
    ///
    /// # Panics
    ///
    /// If this is no header name (RFC 9110 §5.1), or one that items do not inherit, `Content-Type`
    /// for example.
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
            "a request id has the name of a header that items inherit"
        );
        self.with(|config| config.request_ids = name)
    }

    /// Allows items further methods, by name. GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS are
    /// always allowed; an item with any other fails with 405.
    ///
    /// # Panics
    ///
    /// If a name is no method (RFC 9110 §9.1), or is CONNECT or TRACE, which never make sense in a
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
                "CONNECT and TRACE are about a connection"
            );
            match Method::from_bytes(name.as_bytes()) {
                Ok(method) => method,
                Err(_) => panic!("a method is a token"),
            }
        });
        self.with(|config| config.methods.extend(methods))
    }

    /// The folder that URLs of items start from, as clients see it. A `&str` is the base of
    /// relative URLs; [`UrlBase::for_all_urls`] is that of URLs which start with a slash, too. The
    /// default is the folder of the batch path, for relative URLs.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, UrlBase};
    /// // An item for `users/1` is one for `/api/users/1`.
    /// let layer = BatchLayer::new("/batch").base("/api/");
    /// // Items for `me` and for `/me` are both for `/v1.0/me`.
    /// let layer = BatchLayer::new("/v1.0/$batch").base(UrlBase::for_all_urls("/v1.0/"));
    /// ```
    pub fn base(self, base: impl Into<UrlBase>) -> Self {
        let base = base.into();
        self.with(|config| {
            config.has_base = true;
            config.targets.base = base.folder;
            config.targets.base_for_all = base.is_for_all;
        })
    }

    /// Says which prefix something in front of the layer strips off paths, as axum's
    /// `nest_service("/v1", ..)` does. It is then taken off the items' URLs too, so that clients
    /// write those that they know. An item outside it fails with 404.
    ///
    /// In axum prefer the layer [around the nested router](crate::guide::stack#mounting-in-axum):
    /// here `OriginalUri`, `MatchedPath` and `NestedPath` of an item lack the prefix.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use tower::Layer;
    /// use tower_multistatus::BatchLayer;
    ///
    /// let api: Router = Router::new().route("/users", get(async || "all of them"));
    /// // The batch path is /v1/batch, and its items ask for /v1/users.
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

    /// Adds an origin that absolute URLs of items may have, besides the origin of the request that
    /// carries the batch: the one by which clients know the service, where a proxy ends TLS or
    /// rewrites `Host`. Can be called several times. Only the path of such a URL counts.
    ///
    /// Nothing is ever taken from `X-Forwarded-*` or `Forwarded`, which a client may have sent.
    ///
    /// # Panics
    ///
    /// If the origin is not `http://` or `https://` and an authority, with nothing behind it.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// // An item may ask for `https://api.example.com/users/1`.
    /// let layer = BatchLayer::new("/batch").public_origin("https://api.example.com");
    /// ```
    pub fn public_origin(self, origin: &str) -> Self {
        let uri = origin.parse::<Uri>().ok();
        let parts = uri.as_ref().map(|uri| (uri.scheme_str(), uri.authority()));
        let Some((Some(scheme @ ("http" | "https")), Some(authority))) = parts else {
            panic!("an origin is `http://` or `https://` and an authority");
        };
        let (scheme, authority) = (scheme.to_owned(), authority.as_str().to_owned());
        assert!(
            origin.len() == scheme.len() + "://".len() + authority.len()
                && !authority.contains('@'),
            "an origin has no path, no query and no user"
        );
        self.with(|config| config.targets.public_origins.push((scheme, authority)))
    }

    /// Lets items have the outer request's extension of this type, if there is one. Of all others
    /// they get none: what a server or a router has noted about the outer request would be wrong
    /// for them. [What handlers need it for](crate::guide::handlers).
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
