//! The policy for the headers of an item.

use super::header_patterns::{folded, is_among, patterns};
use super::hop_by_hop::is_hop_by_hop;

/// Headers of an item's own representation and of its negotiation. They replace inherited ones.
const REPRESENTATION: &[&str] = &[
    "accept*",
    "content-*",
    "if-*",
    "prefer",
    "range",
    "idempotency-key",
];

/// Other headers that cannot be a claim about the caller. They are accepted if the outer request
/// has none.
const NEUTRAL: &[&str] = &[
    "cache-control",
    "pragma",
    "date",
    "user-agent",
    "x-requested-with",
];

/// Trace context is inherited from the outer request. An item's own would move its span, and all
/// spans below it, into another trace, so it is accepted only if the owner allows it.
const TRACE: &[&str] = &["traceparent", "tracestate"];

/// Names with which gateways, browsers and other layers state who calls, from where, or what for.
const PROTECTED: &[&str] = &[
    "host",
    "authorization",
    "cookie",
    "origin",
    "referer",
    "sec-*",
    "forwarded",
    "x-forwarded-*",
    "x-real-ip",
    "*-client-ip",
    "cf-*",
    "fly-*",
    "fastly-*",
    "x-envoy-*",
    "x-original-*",
    "x-rewrite-*",
    "x-http-method*",
    "x-method-override",
    "x-middleware-subrequest",
    "*-principal*",
    "x-arr-clientcert",
    "*-client-cert",
    "client-cert*",
    "*ssl-client*",
    "remote-*",
    "x-remote-*",
    "x-auth-*",
    "x-authenticated-*",
    "x-webauth-*",
    "x-consumer-*",
    "x-credential-*",
    "x-amzn-*",
    "x-goog-authenticated-*",
    "x-goog-iap-*",
    "x-user*",
    "x-jwt*",
    "x-azure-*",
    "x-vercel-*",
    "via",
    "proxy",
    "proxy-*",
];

/// Which headers of an item are accepted. The default is [`guarded`](Self::guarded).
///
/// Names are compared case-insensitively, and `_` equals `-`, because many backends treat them
/// alike. A `*` at the start or the end of a name makes it a pattern:
///
/// | pattern | matches |
/// | --- | --- |
/// | `x-tenant` | this name |
/// | `x-*` | names that start with `x-` |
/// | `*-id` | names that end with `-id` |
/// | `*tenant*` | names that contain `tenant` |
/// | `*` | every name |
///
/// A `*` elsewhere (`x-*-id`) panics.
///
/// Some names are never accepted, whatever is allowed: those of framing and hop-by-hop headers (RFC
/// 9110 §7.6.1), `Expect`, `Max-Forwards` and `From`. With the feature `tracing`, each ignored
/// header is logged as an event of level `debug`.
///
/// ```
/// use tower_multistatus::{BatchLayer, ItemHeaders};
///
/// let headers = ItemHeaders::guarded().allow(["x-tenant", "x-shop-*"]).protect(["x-shop-owner"]);
/// let layer = BatchLayer::new("/batch").item_headers(headers);
/// ```
#[derive(Clone, Debug)]
pub struct ItemHeaders {
    base: Base,
    allowed: Vec<String>,
    protected: Vec<String>,
}

/// The rule for names that the owner has neither allowed nor protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Guarded,
    Only,
    AllButProtected,
}

/// How a header of an item is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderDecision {
    /// Ignored, for this reason.
    Ignore(IgnoreReason),
    /// Accepted, unless the outer request has one.
    AddIfAbsent,
    /// Accepted, in place of an inherited one.
    Replace,
}

/// Why a header of an item is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IgnoreReason {
    /// No policy accepts it.
    Never,
    NotAllowed,
    Protected,
    /// The item inherits the trace of the outer request.
    Trace,
    /// The outer request has one.
    Inherited,
    /// The layer sets it.
    RequestId,
}

impl IgnoreReason {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Never => "never accepted from an item",
            Self::NotAllowed => "not allowed by `ItemHeaders`",
            Self::Protected => "protected by `ItemHeaders`",
            Self::Trace => "the trace is the outer request's",
            Self::Inherited => "the outer request has one",
            Self::RequestId => "made by `item_request_ids`",
        }
    }
}

impl ItemHeaders {
    /// Accepts only headers that cannot be a claim about the caller.
    ///
    /// A gateway that strips a header from the requests of strangers, and sets it on others, does
    /// not look into an envelope. So the default lists what is accepted, not what is forbidden:
    ///
    /// | names | on the outer request too |
    /// | --- | --- |
    /// | `Accept*`, `Content-*`, `If-*`, `Prefer`, `Range`, `Idempotency-Key` | the item's replaces it |
    /// | `Cache-Control`, `Pragma`, `Date`, `User-Agent`, `X-Requested-With` | the outer request's stays |
    ///
    /// An item without an `Idempotency-Key` gets that of the outer request with its own id:
    /// `"k:<id>"` for `"k"`.
    ///
    /// `Traceparent` and `Tracestate` (W3C Trace Context) are not accepted: an item inherits those
    /// of the outer request, so that its trace continues. With the feature `tracing`, an item's own
    /// `Traceparent` is the field `link.traceparent` of its span.
    ///
    /// Applications that read other headers from items list them with [`allow`](Self::allow).
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ItemHeaders};
    /// let headers = ItemHeaders::guarded().allow(["x-tenant"]);
    /// let layer = BatchLayer::new("/batch").item_headers(headers);
    /// ```
    pub fn guarded() -> Self {
        Self::of(Base::Guarded)
    }

    /// Accepts these headers and no others, except `Content-Type`, which describes the body of the
    /// item. A header of the item replaces that of the outer request.
    ///
    /// # Panics
    ///
    /// If a pattern is not a header name with at most one `*` at either end: `x-*-id`, for example.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ItemHeaders};
    /// let headers = ItemHeaders::only(["accept", "if-match"]);
    /// let layer = BatchLayer::new("/batch").item_headers(headers);
    /// ```
    pub fn only<I>(names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self::of(Base::Only).allow(names)
    }

    /// Accepts any header but a list of protected ones. For applications in front of which no
    /// gateway, proxy or middleware sets headers about the caller.
    ///
    /// **No such list is ever complete.** If something in front of the service identifies the
    /// caller in a header that is not on the list, an item can impersonate that caller. Use
    /// [`guarded`](Self::guarded) if there is any doubt.
    ///
    /// Protected are `Host`, `Authorization`, `Cookie`, `Origin`, `Referer`, `Sec-*`, `Forwarded`,
    /// `X-Forwarded-*`, `X-Real-IP`, `*-Client-IP`, `CF-*`, `Fly-*`, `Fastly-*`, `X-Envoy-*`,
    /// `X-Original-*`, `X-Rewrite-*`, `X-HTTP-Method*`, `X-Method-Override`,
    /// `X-Middleware-Subrequest`, `*-Principal*`, `X-ARR-ClientCert`, `*-Client-Cert`,
    /// `Client-Cert*`, `*SSL-Client*`, `Remote-*`, `X-Remote-*`, `X-Auth-*`, `X-Authenticated-*`,
    /// `X-WebAuth-*`, `X-Consumer-*`, `X-Credential-*`, `X-Amzn-*`, `X-Goog-Authenticated-*`,
    /// `X-Goog-IAP-*`, `X-User*`, `X-JWT*`, `X-Azure-*`, `X-Vercel-*`, `Via`, `Proxy`, `Proxy-*`,
    /// `Traceparent` and `Tracestate`. [`allow`](Self::allow) lifts the protection of a name.
    ///
    /// Headers that an item can replace with [`guarded`](Self::guarded) can be replaced here, too.
    /// For every other name, the outer request's header wins.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ItemHeaders};
    /// let headers = ItemHeaders::all_but_protected().protect(["x-account"]);
    /// let layer = BatchLayer::new("/batch").item_headers(headers);
    /// ```
    pub fn all_but_protected() -> Self {
        Self::of(Base::AllButProtected)
    }

    fn of(base: Base) -> Self {
        Self {
            base,
            allowed: Vec::new(),
            protected: Vec::new(),
        }
    }

    /// Accepts headers with these names. A header of the item replaces that of the outer request.
    ///
    /// # Panics
    ///
    /// If a pattern is not a header name with at most one `*` at either end: `x-*-id`, for example.
    ///
    /// ```
    /// # use tower_multistatus::ItemHeaders;
    /// let headers = ItemHeaders::guarded().allow(["x-tenant", "x-shop-*"]);
    /// ```
    #[must_use]
    pub fn allow<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.allowed.extend(patterns(names));
        self
    }

    /// Ignores headers with these names. This overrides [`allow`](Self::allow), in whatever order
    /// the two are called.
    ///
    /// # Panics
    ///
    /// If a pattern is not a header name with at most one `*` at either end: `x-*-id`, for example.
    ///
    /// ```
    /// # use tower_multistatus::ItemHeaders;
    /// let headers = ItemHeaders::guarded().allow(["x-shop-*"]).protect(["x-shop-owner"]);
    /// ```
    #[must_use]
    pub fn protect<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.protected.extend(patterns(names));
        self
    }

    /// The allowed names and patterns, in lower case and with `-` for `_`.
    #[cfg(feature = "json")]
    pub(crate) fn allowed(&self) -> &[String] {
        &self.allowed
    }

    /// Decides about a header. `name` is in lower case.
    pub(crate) fn decide(&self, name: &str) -> HeaderDecision {
        let name = &*folded(name);
        if is_never_accepted(name) {
            HeaderDecision::Ignore(IgnoreReason::Never)
        } else if is_among(&self.protected, name) {
            HeaderDecision::Ignore(IgnoreReason::Protected)
        } else if is_among(&self.allowed, name) {
            HeaderDecision::Replace
        } else {
            self.base.decide(name)
        }
    }

    /// Returns the names that are accepted, as patterns in lower case.
    pub(crate) fn accepted_names(&self) -> Vec<&str> {
        let base = match self.base {
            Base::Guarded => [REPRESENTATION, NEUTRAL].concat(),
            Base::Only => vec!["content-type"],
            Base::AllButProtected => vec!["*"],
        };
        let allowed = self.allowed.iter().map(String::as_str);
        base.into_iter().chain(allowed).collect()
    }

    /// Returns the exceptions from the accepted names, as patterns in lower case.
    pub(crate) fn protected(&self) -> Vec<&str> {
        let base = match self.base {
            Base::Guarded | Base::Only => Vec::new(),
            Base::AllButProtected => [PROTECTED, TRACE].concat(),
        };
        let is_lifted = |name: &str| self.allowed.iter().any(|allowed| allowed == name);
        let base = base.into_iter().filter(|name| !is_lifted(name));
        base.chain(self.protected.iter().map(String::as_str))
            .collect()
    }
}

impl Default for ItemHeaders {
    fn default() -> Self {
        Self::guarded()
    }
}

impl Base {
    fn decide(self, name: &str) -> HeaderDecision {
        match self {
            Self::Only => HeaderDecision::Ignore(IgnoreReason::NotAllowed),
            _ if is_among(TRACE, name) => HeaderDecision::Ignore(IgnoreReason::Trace),
            Self::AllButProtected if is_among(PROTECTED, name) => {
                HeaderDecision::Ignore(IgnoreReason::Protected)
            }
            _ if is_among(REPRESENTATION, name) => HeaderDecision::Replace,
            Self::AllButProtected => HeaderDecision::AddIfAbsent,
            Self::Guarded if is_among(NEUTRAL, name) => HeaderDecision::AddIfAbsent,
            Self::Guarded => HeaderDecision::Ignore(IgnoreReason::NotAllowed),
        }
    }
}

/// Whether a header cannot be allowed: it is about the connection or the framing of the message, or
/// is `From`, which servers take for a person.
fn is_never_accepted(name: &str) -> bool {
    // The content type of an item is stored apart from the other headers. One among these is a
    // second one, spelled with `_`.
    let is_reserved = matches!(
        name,
        "content-length" | "content-type" | "expect" | "max-forwards" | "from"
    );
    is_reserved || is_hop_by_hop(name)
}
