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
    // Split as bytes: a name that is not text does not keep the others from being removed. Names
    // are short, and a search of text costs more for each comma.
    let values = connection.into_iter().map(HeaderValue::as_bytes);
    let names = values.flat_map(|value| value.split(|byte| *byte == b','));
    let names = names.filter_map(|name| str::from_utf8(name.trim_ascii()).ok());
    for name in names.filter(|name| !name.is_empty()) {
        headers.remove(name);
    }
}
