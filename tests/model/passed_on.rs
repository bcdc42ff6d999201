//! What of an inner response a client gets.

use std::collections::BTreeMap;

use http::HeaderMap;

/// Values by name, in lower case.
pub(crate) type Headers = BTreeMap<String, Vec<String>>;

/// Headers that are about a connection, or that the layer writes itself.
const NEVER: [&str; 9] = [
    "connection",
    "content-length",
    "http2-settings",
    "keep-alive",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers of a response that its item has: without those about the connection, cookies, and
/// the permissions for pages of other origins. A value that is not ASCII is read as ISO-8859-1.
pub(crate) fn passed_on(sent: &HeaderMap) -> Headers {
    let named = named_by_connection(sent);
    let mut headers = Headers::new();
    for (name, value) in sent {
        let name = name.as_str();
        let is_dropped = NEVER.contains(&name)
            || name.starts_with("proxy-")
            || name.starts_with("access-control-")
            || named.iter().any(|named| named == name);
        if !is_dropped {
            let values = headers.entry(name.to_owned()).or_default();
            values.push(latin1(value.as_bytes()));
        }
    }
    headers
}

/// The names in `Connection`, which make these headers hop-by-hop.
pub(crate) fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("connection").iter();
    let values = values.map(|value| latin1(value.as_bytes()).to_ascii_lowercase());
    let names = values.collect::<Vec<_>>().join(",");
    names
        .split(',')
        .map(|name| name.trim_matches([' ', '\t']).to_owned())
        .collect()
}

fn latin1(value: &[u8]) -> String {
    value.iter().copied().map(char::from).collect()
}
