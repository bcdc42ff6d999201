//! What a client has to read of a response.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use serde_json::Value;

/// The headers that an item has: those of the response that are not about its connection, without
/// cookies and the permissions of other origins. A value that is not ASCII is read as ISO-8859-1.
pub(super) fn expected_headers(sent: &Response<Bytes>) -> BTreeMap<String, Vec<String>> {
    const NEVER: [&str; 10] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    ];
    let latin1 = |value: &[u8]| -> String { value.iter().copied().map(char::from).collect() };
    let connection = sent.headers().get_all("connection").iter();
    let connection = connection.map(|value| latin1(value.as_bytes()).to_ascii_lowercase());
    let named: Vec<String> = connection
        .flat_map(|value| value.split(',').map(|name| name.trim_matches([' ', '\t']).to_owned()).collect::<Vec<_>>())
        .collect();
    let mut headers = BTreeMap::new();
    for (name, value) in sent.headers() {
        let name = name.as_str();
        let is_dropped = NEVER.contains(&name)
            || name.starts_with("proxy-")
            || name.starts_with("access-control-")
            || named.iter().any(|named| named == name);
        if !is_dropped {
            let values: &mut Vec<String> = headers.entry(name.to_owned()).or_default();
            values.push(latin1(value.as_bytes()));
        }
    }
    headers
}

/// Whether the body is spliced as JSON: by its type, and by a strict parser.
pub(super) fn is_json_body(sent: &Response<Bytes>) -> bool {
    let content_type = sent.headers().get("content-type");
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    let essence = essence.unwrap_or_default().trim_matches([' ', '\t']);
    let essence = essence.to_ascii_lowercase();
    let is_encoded = sent.headers().contains_key("content-encoding");
    let is_json = essence == "application/json" || essence.ends_with("+json");
    is_json && !is_encoded && serde_json::from_slice::<Value>(sent.body()).is_ok()
}
