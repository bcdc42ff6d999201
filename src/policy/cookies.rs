//! The policy for cookies that items set.

use std::collections::HashSet;

use http::HeaderValue;

/// How the `Set-Cookie` headers of items are handled. The default is [`discard`](Self::discard).
///
/// ```
/// use tower_multistatus::{BatchLayer, SetCookie};
///
/// let layer = BatchLayer::new("/batch").set_cookie(SetCookie::keep());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetCookie(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Discard,
    Keep,
    Hoist,
}

impl SetCookie {
    pub(super) const KEEP: Self = Self(Kind::Keep);
    pub(super) const HOIST: Self = Self(Kind::Hoist);

    /// Drops the cookies.
    pub fn discard() -> Self {
        Self(Kind::Discard)
    }

    /// Keeps the cookies in the response of the item, where browsers ignore them.
    pub fn keep() -> Self {
        Self::KEEP
    }

    /// Sets the cookies on the outer response, in the order in which the items finish. Of several
    /// with the same name, path and domain, the last one wins: if two items each start a session,
    /// the client gets one. A streamed response sends its head before any item has finished, so its
    /// cookies are dropped.
    pub fn hoist() -> Self {
        Self::HOIST
    }
}

impl Default for SetCookie {
    fn default() -> Self {
        Self::discard()
    }
}

/// Returns the cookies in their order, without those that a later one replaces in the client.
pub(crate) fn without_overwritten(cookies: &[HeaderValue]) -> Vec<HeaderValue> {
    let mut keys = HashSet::with_capacity(cookies.len());
    let from_the_last = cookies.iter().rev();
    let mut cookies: Vec<_> = from_the_last
        .filter(|cookie| keys.insert(CookieKey::of(cookie.as_bytes())))
        .cloned()
        .collect();
    cookies.reverse();
    cookies
}

/// The key under which a client stores a cookie (RFC 6265 §5.3, step 11). An absent attribute is
/// not resolved against the request. Two different keys may therefore be one to the client, which
/// then keeps the last cookie itself.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct CookieKey<'a> {
    name: &'a [u8],
    path: Option<&'a [u8]>,
    domain: Option<Vec<u8>>,
    is_partitioned: bool,
}

impl<'a> CookieKey<'a> {
    fn of(cookie: &'a [u8]) -> Self {
        let mut members = cookie.split(|byte| *byte == b';').map(pair);
        let mut key = Self {
            name: match members.next() {
                Some((name, Some(_))) => name,
                _ => b"",
            },
            ..Self::default()
        };
        for (attribute, value) in members {
            let value = value.filter(|value| !value.is_empty());
            if attribute.eq_ignore_ascii_case(b"path") {
                key.path = value.filter(|path| path.starts_with(b"/"));
            } else if attribute.eq_ignore_ascii_case(b"domain") {
                let domain = value.map(|domain| domain.strip_prefix(b".").unwrap_or(domain));
                key.domain = domain.map(<[u8]>::to_ascii_lowercase);
            } else if attribute.eq_ignore_ascii_case(b"partitioned") {
                key.is_partitioned = true;
            }
        }
        key
    }
}

/// Splits a name from the value after the first `=`, if there is one.
fn pair(member: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut halves = member.splitn(2, |byte| *byte == b'=');
    let name = halves.next().unwrap_or_default();
    (name.trim_ascii(), halves.next().map(<[u8]>::trim_ascii))
}
