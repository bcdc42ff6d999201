//! What every bench measures: one set of items over one inner service, answered in several ways.

pub(crate) mod by_hand;
pub(crate) mod floor;
pub(crate) mod inner;

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request};
use tower_multistatus::BatchLayer;

/// What the items of a batch are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// GET without a body.
    Get,
    /// POST of 200 bytes of JSON.
    Post,
}

/// A batch of like items.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) envelope: Bytes,
    /// The same items, as ready parts of requests.
    pub(crate) ready: Vec<(Method, http::Uri, Bytes)>,
}

impl Load {
    pub(crate) fn new(kind: Kind, answer: inner::Answer, count: usize) -> Self {
        let mut envelope = String::from("{\"requests\":[");
        let mut ready = Vec::new();
        for index in 0..count {
            let path = format!("/{}/{index}", answer.name());
            let (method, body) = match kind {
                Kind::Get => (Method::GET, Bytes::new()),
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
            envelope.push('}');
            ready.push((method, path.parse().expect("a path"), body));
        }
        envelope += "]}";
        Self {
            envelope: envelope.into(),
            ready,
        }
    }

    /// The outer request, with as few headers as a client can send.
    pub(crate) fn request(&self) -> Request<Body> {
        self.request_with(&[])
    }

    /// The outer request with further headers.
    pub(crate) fn request_with(&self, headers: &[(&'static str, &'static str)]) -> Request<Body> {
        let mut request = Request::post("/batch")
            .header("host", "api.example")
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .body(Body::from(self.envelope.clone()))
            .expect("a request")
    }
}

/// JSON text of so many bytes.
pub(crate) fn json_of(bytes: usize) -> String {
    let frame = r#"{"name":"","ok":true}"#.len();
    format!(
        r#"{{"name":"{}","ok":true}}"#,
        "x".repeat(bytes.saturating_sub(frame))
    )
}

/// The layer as it is measured: with all its defaults, and room for the load.
pub(crate) fn layer(count: usize) -> BatchLayer {
    BatchLayer::new("/batch")
        .max_subrequests(count)
        .max_envelope_bytes(1 << 30)
        .max_total_answer_bytes(1 << 30)
}

/// The parts of an empty request: what a request is made of.
pub(crate) fn parts(method: &Method, uri: &http::Uri) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = method.clone();
    parts.uri = uri.clone();
    parts
}
