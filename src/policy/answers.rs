//! Which headers of an item's answer belong into an envelope.

use http::header::{CONNECTION, CONTENT_LENGTH, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::SetCookie;
use super::hop_by_hop::{is_hop_by_hop, is_named_by_connection};

/// Takes out what is about the connection, about framing and about the browser; returns the cookies to hoist.
///
/// `Content-Length` stays on the answer to a HEAD, where it is what was asked for.
pub(crate) fn clean(
    headers: &mut HeaderMap,
    cookies: SetCookie,
    is_head: bool,
) -> Vec<HeaderValue> {
    let hoisted = match cookies {
        SetCookie::HOIST => headers.get_all(SET_COOKIE).iter().cloned().collect(),
        _ => Vec::new(),
    };
    if !is_head {
        headers.remove(CONTENT_LENGTH);
    }
    let drop_cookies = cookies != SetCookie::KEEP;
    let has_connection = headers.contains_key(CONNECTION);
    let is_dropped = |headers: &HeaderMap, name: &HeaderName| {
        is_hop_by_hop(name.as_str())
            || name.as_str().starts_with("access-control-")
            || (drop_cookies && name == SET_COOKIE)
            || (has_connection && is_named_by_connection(headers, name.as_str()))
    };
    if headers.keys().any(|name| is_dropped(headers, name)) {
        let dropped: Vec<_> = headers
            .keys()
            .filter(|name| is_dropped(headers, name))
            .cloned()
            .collect();
        for name in dropped {
            headers.remove(name);
        }
    }
    hoisted
}
