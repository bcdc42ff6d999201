//! What the inner service must get of an item, or why the item fails before that.

use super::batch::{Batch, Content, Item, MAX_BODY, PATH, Wire};
use super::passed_on::Headers;
use super::urls::{HOST, resolved};

/// A request as the inner service sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dispatched {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// The status and the code of an item that fails in the layer.
pub(crate) type Failure = (u16, &'static str);

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The request of this item.
pub(crate) fn dispatched(batch: &Batch, item: &Item) -> Result<Dispatched, Failure> {
    // Without its type, a body cannot be read.
    if !item.content_type.as_deref().is_none_or(is_value) {
        return Err((400, "bad-header"));
    }
    let body = body(batch, item)?;
    check_headers(item)?;
    let method = item.method.to_ascii_uppercase();
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err((400, "bad-method"));
    }
    if !METHODS.contains(&&*method) {
        return Err((405, "method-not-allowed"));
    }
    let uri = match batch.wire {
        Wire::Parts => resolved(&percent_encoded(&item.url)),
        _ => resolved(&item.url),
    };
    let uri = uri.ok_or((400, "bad-target"))?;
    if method == "POST" && uri.split('?').next() == Some(PATH) {
        return Err((508, "nested-batch"));
    }
    Ok(Dispatched {
        headers: headers(batch, item, &method, &body),
        method,
        uri,
        body,
    })
}

/// The URL with spaces and what is not ASCII percent-encoded, as clients of OData expect.
fn percent_encoded(url: &str) -> String {
    let encoded = url.bytes().map(|byte| match byte {
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// The name of a header in lower case, with hyphens: some servers take `a_b` for `a-b`.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// Whether a header may have this value.
fn is_value(value: &str) -> bool {
    let mut bytes = value.bytes();
    bytes.all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7F))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn body(batch: &Batch, item: &Item) -> Result<Vec<u8>, Failure> {
    let body = match &item.content {
        Content::None => Vec::new(),
        Content::Json(text) | Content::Text(text) => text.clone().into_bytes(),
        Content::Bytes(bytes) => bytes.clone(),
        // In multipart, a body is what it is.
        Content::NoBase64 if !is_json(batch.wire) => b"*".to_vec(),
        Content::NoText if !is_json(batch.wire) => b"1".to_vec(),
        Content::NoBase64 => return Err((400, "bad-base64")),
        Content::NoText => return Err((400, "bad-body")),
    };
    match body.len() > MAX_BODY {
        true => Err((413, "body-too-large")),
        false => Ok(body),
    }
}

/// Whether items are written as JSON.
pub(crate) fn is_json(wire: Wire) -> bool {
    wire != Wire::Parts
}

fn check_headers(item: &Item) -> Result<(), Failure> {
    let count = item.headers.len() + usize::from(item.content_type.is_some());
    if count > 64 {
        return Err((400, "too-many-headers"));
    }
    let mut names = Vec::new();
    for (name, value) in &item.headers {
        let name = folded(name);
        let is_valid = !name.is_empty() && name.bytes().all(is_token) && is_value(value);
        if !is_valid || names.contains(&name) {
            return Err((400, "bad-header"));
        }
        names.push(name);
    }
    Ok(())
}

/// What the item inherits, and what it has.
fn headers(batch: &Batch, item: &Item, method: &str, body: &[u8]) -> Headers {
    let outer = outer(batch);
    let connection = outer
        .get("connection")
        .cloned()
        .unwrap_or_default()
        .join(",");
    let connection = connection.to_ascii_lowercase();
    let named: Vec<_> = connection.split(',').map(str::trim).collect();
    let mut headers = outer.clone();
    headers.retain(|name, _| is_inherited(name) && !named.contains(&name.as_str()));
    let mut own: Vec<_> = item.headers.clone();
    own.extend(
        item.content_type
            .clone()
            .map(|value| ("content-type".to_owned(), value)),
    );
    let has_json = matches!(item.content, Content::Json(_)) && is_json(batch.wire);
    if item.content_type.is_none() && has_json {
        own.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    for (name, value) in own {
        let (name, meant) = (name.to_ascii_lowercase(), folded(&name));
        // The headers of the body itself have one spelling.
        let is_of_body = matches!(&*meant, "content-type" | "content-length") && name != meant;
        let is_taken =
            is_representation(&meant) || is_neutral(&meant) && !outer.contains_key(&meant);
        if is_taken && !is_of_body {
            headers.insert(name, vec![value]);
        }
    }
    headers.remove("content-length");
    if !body.is_empty() {
        headers.insert("content-length".to_owned(), vec![body.len().to_string()]);
    } else if matches!(method, "POST" | "PUT" | "PATCH") {
        headers.insert("content-length".to_owned(), vec!["0".to_owned()]);
    }
    if let Some(key) = outer.get("idempotency-key")
        && !headers.contains_key("idempotency-key")
    {
        let key = key[0].trim_matches('"');
        let key = format!("\"{key}:{}\"", item.id);
        headers.insert("idempotency-key".to_owned(), vec![key]);
    }
    headers
}

fn outer(batch: &Batch) -> Headers {
    let mut outer = Headers::from([("host".to_owned(), vec![HOST.to_owned()])]);
    for (name, value) in &batch.outer {
        let values = outer.entry((*name).to_owned()).or_default();
        values.push((*value).to_owned());
    }
    outer
}

/// Whether items get this header of the outer request: it is neither about the envelope nor about
/// the connection.
fn is_inherited(name: &str) -> bool {
    const NOT: [&str; 14] = [
        "accept",
        "accept-encoding",
        "connection",
        "expect",
        "http2-settings",
        "idempotency-key",
        "keep-alive",
        "max-forwards",
        "prefer",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let starts = ["content-", "if-", "proxy-"];
    !NOT.contains(&name) && !starts.iter().any(|start| name.starts_with(start))
}

/// Headers of the representation and of its negotiation, which an item may have.
fn is_representation(name: &str) -> bool {
    let starts = ["accept", "content-", "if-"];
    starts.iter().any(|start| name.starts_with(start))
        || matches!(name, "prefer" | "range" | "idempotency-key")
}

/// Headers that an item may have if the outer request has none.
fn is_neutral(name: &str) -> bool {
    let neutral = [
        "cache-control",
        "pragma",
        "date",
        "user-agent",
        "x-requested-with",
    ];
    neutral.contains(&name)
}
