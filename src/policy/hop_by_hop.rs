//! Hop-by-hop headers: those about one connection or the framing of one message, not about its
//! content (RFC 9110 §7.6.1).

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

/// Removes the headers that these values of `Connection` name and thereby make hop-by-hop. Each
/// name is looked up once, so that the cost is not the product of names and headers.
pub(crate) fn remove_named_by<'a>(
    connection: impl IntoIterator<Item = &'a HeaderValue>,
    headers: &mut HeaderMap,
) {
    let values = connection
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    // Split as bytes: names are short, and a search of text costs more for each comma.
    let names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let names = names.filter_map(|name| str::from_utf8(name.trim_ascii()).ok());
    for name in names.filter(|name| !name.is_empty()) {
        headers.remove(name);
    }
}
