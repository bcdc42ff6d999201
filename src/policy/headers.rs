//! Which headers an item may bring.

use std::borrow::Cow;

use http::HeaderName;

use super::hop_by_hop::is_hop_by_hop;

/// About the item's own representation, or how it negotiates one: these are the item's.
const REPRESENTATION: &[&str] = &[
    "accept*",
    "content-*",
    "if-*",
    "prefer",
    "range",
    "idempotency-key",
];

/// Others that cannot be a claim about the caller: these are the item's if the outer request has
/// none.
const NEUTRAL: &[&str] = &[
    "cache-control",
    "pragma",
    "date",
    "user-agent",
    "x-requested-with",
];

/// The trace is the outer request's: an item's own would put its span, and all below it, into
/// another one. These are not the item's unless the owner allows them.
const TRACE: &[&str] = &["traceparent", "tracestate"];

/// Names by which gateways, browsers and other layers say who calls, from where, or what for.
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

/// Which of the headers that an item brings are taken. The default is [`guarded`](Self::guarded).
///
/// Names are compared without regard to case, and `_` is the same as `-`, because many backends
/// fold them. A `*` at an end of a name makes it a pattern:
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
/// Some names are never taken, whatever is allowed: those of framing and hop-by-hop headers (RFC
/// 9110 §7.6.1), `Expect`, `Max-Forwards` and `From`. With the feature `tracing`, each header that
/// is ignored is an event of the level `debug`.
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

/// What is taken of the names that are neither allowed nor protected by the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Guarded,
    Only,
    AllButProtected,
}

/// What becomes of a header that an item brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderDecision {
    /// IgnoreReason.
    Ignore(IgnoreReason),
    /// Taken, unless the outer request has one.
    AddIfAbsent,
    /// Taken, instead of an inherited one.
    Replace,
}

/// Why a header that an item brings is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IgnoreReason {
    /// No policy takes it.
    Never,
    NotAllowed,
    Protected,
    /// The outer request's trace goes on.
    Trace,
    /// The outer request has one.
    Inherited,
    /// The layer makes one.
    RequestId,
}

impl IgnoreReason {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Never => "never taken from an item",
            Self::NotAllowed => "not allowed by `ItemHeaders`",
            Self::Protected => "protected by `ItemHeaders`",
            Self::Trace => "the trace is the outer request's",
            Self::Inherited => "the outer request has one",
            Self::RequestId => "made by `item_request_ids`",
        }
    }
}

impl ItemHeaders {
    /// An item may bring only headers that cannot be a claim about the caller.
    ///
    /// A gateway that strips a header from strangers' requests, and sets it on others, does not
    /// look into an envelope. So the default is a list of what is taken, not of what is forbidden:
    ///
    /// | names | on the outer request too |
    /// | --- | --- |
    /// | `Accept*`, `Content-*`, `If-*`, `Prefer`, `Range`, `Idempotency-Key` | the item's replaces it |
    /// | `Cache-Control`, `Pragma`, `Date`, `User-Agent`, `X-Requested-With` | the outer request's stays |
    ///
    /// An item that brings no `Idempotency-Key` has the outer request's with its own id: `"k:<id>"`
    /// for `"k"`.
    ///
    /// `Traceparent` and `Tracestate` (W3C Trace Context) are not taken: an item inherits those of
    /// the outer request, so that its trace goes on. With the feature `tracing`, an item's own
    /// `Traceparent` is the field `link.traceparent` of its span.
    ///
    /// An application that reads other headers from items lists them with [`allow`](Self::allow).
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ItemHeaders};
    /// let headers = ItemHeaders::guarded().allow(["x-tenant"]);
    /// let layer = BatchLayer::new("/batch").item_headers(headers);
    /// ```
    pub fn guarded() -> Self {
        Self::of(Base::Guarded)
    }

    /// An item may bring these headers and no others, except `Content-Type`, which says what its
    /// body is. Its header replaces one of the outer request.
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

    /// An item may bring any header but a list of protected ones. For applications that no gateway,
    /// proxy or middleware speaks for.
    ///
    /// **No such list is ever whole.** Whatever stands in front of the service and names the caller
    /// in a header that is not on it can be impersonated by an item. Use [`guarded`](Self::guarded)
    /// where there is any doubt.
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
    /// Of the others, those that [`guarded`](Self::guarded) gives to the item replace one of the
    /// outer request. For every other name the outer request's stays.
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

    /// Makes these names the item's: its header is taken, and replaces one of the outer request.
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

    /// Takes these names away from the item. It goes before [`allow`](Self::allow), in whatever
    /// order the two are called.
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

    /// The names that were allowed one by one, folded; some with a `*`.
    #[cfg(feature = "json")]
    pub(crate) fn allowed(&self) -> &[String] {
        &self.allowed
    }

    /// `name` is in lower case.
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

    /// The names that an item may bring, as patterns in lower case.
    pub(crate) fn accepted_names(&self) -> Vec<&str> {
        let base = match self.base {
            Base::Guarded => [REPRESENTATION, NEUTRAL].concat(),
            Base::Only => vec!["content-type"],
            Base::AllButProtected => vec!["*"],
        };
        let allowed = self.allowed.iter().map(String::as_str);
        base.into_iter().chain(allowed).collect()
    }

    /// What of them it may not bring, as patterns in lower case.
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

/// `_` and `-` are the same to servers that turn headers into environment variables.
pub(crate) fn folded(name: &str) -> Cow<'_, str> {
    if name.contains('_') {
        Cow::Owned(name.replace('_', "-"))
    } else {
        Cow::Borrowed(name)
    }
}

fn patterns<I>(names: I) -> impl Iterator<Item = String>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    names.into_iter().map(|name| {
        let name = name.as_ref();
        let start = name.strip_prefix('*').unwrap_or(name);
        let fixed = start.strip_suffix('*').unwrap_or(start);
        // An asterisk is a token character, so that a name may have one.
        let is_name = !fixed.contains('*') && HeaderName::from_bytes(fixed.as_bytes()).is_ok();
        assert!(
            is_name || name == "*",
            "a pattern is a header name with at most one `*` at either end"
        );
        name.to_ascii_lowercase().replace('_', "-")
    })
}

/// Nobody's to allow: what is about the connection or the message's framing, and `From`, which
/// servers take for a person.
fn is_never_accepted(name: &str) -> bool {
    // The content type of an item is kept apart, so one that is among the others is a second,
    // spelled with `_`.
    let is_ours = matches!(
        name,
        "content-length" | "content-type" | "expect" | "max-forwards" | "from"
    );
    is_ours || is_hop_by_hop(name)
}

fn is_among<P: AsRef<str>>(patterns: &[P], name: &str) -> bool {
    let mut patterns = patterns.iter().map(AsRef::as_ref);
    patterns.any(|pattern| matches(pattern, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(suffix), None) => name.ends_with(suffix),
        (None, Some(prefix)) => name.starts_with(prefix),
        (None, None) => name == pattern,
    }
}
