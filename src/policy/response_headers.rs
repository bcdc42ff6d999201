//! The headers of an item's response that belong in an envelope.

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::SetCookie;
use super::hop_by_hop::{is_hop_by_hop, remove_named_by};

/// Removes headers that are about the connection or for the browser. Returns the cookies to set on
/// the outer response.
pub(crate) fn filter_response_headers(
    headers: &mut HeaderMap,
    cookies: SetCookie,
) -> Vec<HeaderValue> {
    let hoisted = match cookies {
        SetCookie::HOIST => headers.get_all(SET_COOKIE).iter().cloned().collect(),
        _ => Vec::new(),
    };
    let drop_cookies = cookies != SetCookie::KEEP;
    let is_dropped = |name: &HeaderName| match *name {
        // Nearly every response has these, so they are compared first.
        CONTENT_TYPE | CONTENT_LENGTH => false,
        SET_COOKIE => drop_cookies,
        _ => is_hop_by_hop(name.as_str()) || name.as_str().starts_with("access-control-"),
    };
    if !headers.keys().any(is_dropped) {
        return hoisted;
    }
    let dropped: Vec<_> = headers
        .keys()
        .filter(|name| is_dropped(name))
        .cloned()
        .collect();
    let connection: Vec<_> = headers.get_all(CONNECTION).iter().cloned().collect();
    remove_named_by(&connection, headers);
    for name in dropped {
        headers.remove(name);
    }
    hoisted
}
