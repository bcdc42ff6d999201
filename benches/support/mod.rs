//! What the benches share: loads, inner services, and ways to measure them.
#![allow(dead_code, reason = "each bench uses some of it")]

pub(crate) mod budget;
pub(crate) mod build;
pub(crate) mod by_hand;
pub(crate) mod callgrind;
pub(crate) mod case;
pub(crate) mod chart;
pub(crate) mod client;
pub(crate) mod comparison;
pub(crate) mod floor;
pub(crate) mod harness;
pub(crate) mod inner;
pub(crate) mod net;
pub(crate) mod real;
pub(crate) mod servers;
pub(crate) mod waiting;

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request};
use tower_multistatus::BatchLayer;

/// The kind of the items of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// GET without a body.
    Get,
    /// GET that depends on the item before it.
    Chain,
    /// POST of 200 bytes of JSON.
    Post,
}

/// A batch of similar items.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) envelope: Bytes,
    /// The head of the outer request.
    pub(crate) head: Parts,
    /// The same items: method, URI and body of each.
    pub(crate) ready: Vec<(Method, http::Uri, Bytes)>,
    /// The body of each response.
    pub(crate) payload: inner::Payload,
}

impl Load {
    pub(crate) fn new(kind: Kind, payload: inner::Payload, count: usize) -> Self {
        let mut envelope = String::from("{\"requests\":[");
        let mut ready = Vec::new();
        for index in 0..count {
            let path = format!("/{}/{index}", payload.name());
            let (method, body) = match kind {
                Kind::Get | Kind::Chain => (Method::GET, Bytes::new()),
                Kind::Post => (Method::POST, Bytes::from(json_of(200))),
            };
            let comma = if index == 0 { "" } else { "," };
            envelope += &format!(
                "{comma}\n{{\"id\":\"{index}\",\"method\":\"{method}\",\"url\":\"{path}\""
            );
            if kind == Kind::Post {
                let body = String::from_utf8_lossy(&body);
                envelope += ",\"headers\":{\"content-type\":\"application/json\"},\"body\":";
                envelope += &body;
            }
            if kind == Kind::Chain && index > 0 {
                envelope += &format!(",\"dependsOn\":[\"{}\"]", index - 1);
            }
            envelope.push('}');
            ready.push((method, path.parse().expect("a path"), body));
        }
        envelope += "]}";
        let mut head = parts(&Method::POST, &http::Uri::from_static("/batch"));
        for (name, value) in [
            ("host", "api.example"),
            ("content-type", "application/json"),
        ] {
            head.headers.insert(name, HeaderValue::from_static(value));
        }
        Self {
            envelope: envelope.into(),
            head,
            ready,
            payload,
        }
    }

    /// The same items as a multipart envelope.
    pub(crate) fn as_multipart(&self) -> Self {
        let mut envelope = String::new();
        for (method, uri, body) in &self.ready {
            envelope += "--b\r\nContent-Type: application/http\r\n\r\n";
            envelope += &format!("{method} {uri} HTTP/1.1\r\n");
            if !body.is_empty() {
                envelope += "Content-Type: application/json\r\n";
            }
            envelope += &format!("\r\n{}\r\n", String::from_utf8_lossy(body));
        }
        envelope += "--b--\r\n";
        let mut multipart = self.clone();
        let content_type = HeaderValue::from_static("multipart/mixed; boundary=b");
        multipart.head.headers.insert("content-type", content_type);
        multipart.envelope = envelope.into();
        multipart
    }

    /// The same items as an NDJSON envelope.
    pub(crate) fn as_lines(&self) -> Self {
        let envelope = String::from_utf8_lossy(&self.envelope);
        let lines = envelope.strip_prefix("{\"requests\":[\n");
        let lines = lines.and_then(|lines| lines.strip_suffix("]}"));
        let lines = lines.expect("an envelope").replace(",\n", "\n");
        let mut load = self.clone();
        let content_type = HeaderValue::from_static("application/x-ndjson");
        load.head.headers.insert("content-type", content_type);
        load.envelope = lines.into();
        load
    }

    /// The outer request, with as few headers as a client can send.
    pub(crate) fn request(&self) -> Request<Body> {
        Request::from_parts(self.head.clone(), Body::from(self.envelope.clone()))
    }

    /// The first item as a request of its own, with the headers of the outer request.
    pub(crate) fn first_alike(&self) -> Request<Body> {
        let mut first = self.first();
        *first.headers_mut() = self.head.headers.clone();
        first
    }

    /// The first item as a request of its own.
    pub(crate) fn first(&self) -> Request<Body> {
        let (method, uri, body) = &self.ready[0];
        Request::from_parts(parts(method, uri), Body::from(body.clone()))
    }
}

/// JSON text of this number of bytes: an object, which has a list of records if there is room for
/// one.
pub(crate) fn json_of(bytes: usize) -> String {
    let record = |id: usize| {
        format!(r#"{{"id":{id},"name":"part {id}","price":{id}.25,"new":true,"tags":["a","b"]}}"#)
    };
    let mut records = Vec::new();
    let mut length = r#"{"name":"","ok":true,"parts":[]}"#.len();
    for id in 0.. {
        length += record(id).len() + 1;
        if length > bytes {
            break;
        }
        records.push(record(id));
    }
    let parts = if records.is_empty() {
        String::new()
    } else {
        format!(r#","parts":[{}]"#, records.join(","))
    };
    let frame = r#"{"name":"","ok":true}"#.len() + parts.len();
    let name = "x".repeat(bytes.saturating_sub(frame));
    format!(r#"{{"name":"{name}","ok":true{parts}}}"#)
}

/// The measured layer: all defaults, with limits that fit the load.
pub(crate) fn layer(count: usize) -> BatchLayer {
    BatchLayer::new("/batch")
        .max_items(count)
        .max_envelope_bytes(1 << 30)
        .max_total_response_bytes(1 << 30)
}

/// The head of a request with this method and URI.
pub(crate) fn parts(method: &Method, uri: &http::Uri) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = method.clone();
    parts.uri = uri.clone();
    parts
}

/// Installs a subscriber: a registry whose filter enables everything or nothing.
#[cfg(feature = "tracing")]
pub(crate) fn subscribe(is_on: bool) {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    let filter = tracing_subscriber::EnvFilter::new(if is_on { "trace" } else { "off" });
    tracing_subscriber::registry().with(filter).init();
}
