//! Headers that are about one connection or one message's framing, not about what it says (RFC 9110
//! §7.6.1).

use http::{HeaderMap, HeaderValue};

pub(super) fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    ) || name.starts_with("proxy-")
}

/// Takes out what these values of `Connection` name, and so make hop-by-hop. Each name is looked up
/// once: names and headers must not make a product.
pub(crate) fn remove_named_by<'a>(
    connection: impl IntoIterator<Item = &'a HeaderValue>,
    headers: &mut HeaderMap,
) {
    let values = connection
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    // As bytes: to search a text for each comma costs more than to look at the bytes of short
    // names.
    let names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let names = names.filter_map(|name| str::from_utf8(name.trim_ascii()).ok());
    for name in names.filter(|name| !name.is_empty()) {
        headers.remove(name);
    }
}
