//! Which headers an item may bring.

use std::borrow::Cow;

use super::hop_by_hop::is_hop_by_hop;

/// Headers that a gateway, a browser or another layer sets, and that handlers believe.
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
    "x-client-ip",
    "true-client-ip",
    "cf-*",
    "x-cluster-client-ip",
    "x-envoy-*",
    "x-original-*",
    "x-rewrite-*",
    "x-http-method*",
    "x-method-override",
    "x-middleware-subrequest",
    "x-ms-client-principal*",
    "x-arr-clientcert",
    "*-client-cert",
    "via",
    "proxy",
    "proxy-*",
];

/// Which of the headers that an item brings are taken. The default is [`guarded`](Self::guarded).
///
/// Names are compared without regard to case, and `_` is the same as `-`, because many a backend folds them. A name may
/// start or end with `*`. Framing and hop-by-hop headers (RFC 9110 §7.6.1) are never taken.
///
/// ```
/// use tower_multistatus::{BatchLayer, ItemHeaders};
///
/// let layer = BatchLayer::new("/batch")
///     .item_headers(ItemHeaders::guarded().allow(["x-goog-*"]).protect(["x-tenant"]));
/// ```
#[derive(Clone, Debug)]
pub struct ItemHeaders {
    only: bool,
    allowed: Vec<String>,
    protected: Vec<String>,
}

/// What becomes of a header that an item brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// Ignored.
    No,
    /// Taken, unless the outer request has one.
    IfAbsent,
    /// Taken, instead of an inherited one.
    Instead,
}

impl ItemHeaders {
    /// An item may bring any header but those by which it could claim another peer, host, origin or user.
    ///
    /// These only the outer request can set: `Host`, `Authorization`, `Cookie`, `Origin`, `Referer`, `Sec-*`, `Forwarded`,
    /// `X-Forwarded-*`, `X-Real-IP`, `X-Client-IP`, `True-Client-IP`, `CF-*`, `X-Cluster-Client-IP`, `X-Envoy-*`,
    /// `X-Original-*`, `X-Rewrite-*`, `X-HTTP-Method*`, `X-Method-Override`, `X-Middleware-Subrequest`,
    /// `X-MS-Client-Principal*`, `X-ARR-ClientCert`, `*-Client-Cert`, `Via`, `Proxy` and `Proxy-*`.
    ///
    /// Of the others, those about the item's own representation (`Accept*`, `Content-*`, `If-*`, `Prefer`, `Range`,
    /// `Idempotency-Key`) are the item's. For every other name the outer request wins, so an item cannot replace what a
    /// gateway has set.
    pub fn guarded() -> Self {
        Self {
            only: false,
            allowed: Vec::new(),
            protected: Vec::new(),
        }
    }

    /// An item may bring these and no others, except `Content-Type`, which says what its body is.
    ///
    /// What is listed is taken even if it is protected, and even if the outer request has it.
    pub fn only<I>(names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self {
            only: true,
            ..Self::guarded().allow(names)
        }
    }

    /// Makes these names the item's, protected or not, on the outer request or not.
    #[must_use]
    pub fn allow<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.allowed.extend(folded_all(names));
        self
    }

    /// Adds to the names that only the outer request can set.
    #[must_use]
    pub fn protect<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.protected.extend(folded_all(names));
        self
    }

    /// The names that were allowed one by one, folded; some with a `*`.
    #[cfg(feature = "json")]
    pub(crate) fn allowed(&self) -> &[String] {
        &self.allowed
    }

    /// `name` is in lower case.
    pub(super) fn taking(&self, name: &str) -> Taking {
        let name = &*folded(name);
        let among = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        // The content type of an item is kept apart, so one that is among the others is a second, spelled with `_`.
        let is_ours = matches!(name, "content-length" | "content-type" | "expect");
        if is_hop_by_hop(name) || is_ours {
            Taking::No
        } else if among(&self.allowed) {
            Taking::Instead
        } else if self.only || among(&self.protected) || is_protected(name) {
            Taking::No
        } else if is_representation(name) {
            Taking::Instead
        } else {
            Taking::IfAbsent
        }
    }
}

impl Default for ItemHeaders {
    fn default() -> Self {
        Self::guarded()
    }
}

/// `_` and `-` are the same to whoever turns headers into environment variables.
pub(super) fn folded(name: &str) -> Cow<'_, str> {
    match name.contains('_') {
        true => Cow::Owned(name.replace('_', "-")),
        false => Cow::Borrowed(name),
    }
}

fn folded_all<I>(names: I) -> impl Iterator<Item = String>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    names
        .into_iter()
        .map(|name| name.as_ref().to_ascii_lowercase().replace('_', "-"))
}

fn is_protected(name: &str) -> bool {
    PROTECTED.iter().any(|pattern| matches(pattern, name))
}

/// About the item's own representation, or how it negotiates one.
fn is_representation(name: &str) -> bool {
    ["accept", "content-", "if-"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || matches!(name, "prefer" | "range" | "idempotency-key")
}

fn matches(pattern: &str, name: &str) -> bool {
    if let Some(prefix) = pattern.strip_suffix('*') {
        name.starts_with(prefix)
    } else if let Some(suffix) = pattern.strip_prefix('*') {
        name.ends_with(suffix)
    } else {
        name == pattern
    }
}
