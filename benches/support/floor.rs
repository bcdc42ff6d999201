//! The floor: what the handlers cost by themselves. No envelope, no parsing: requests from ready parts, one after the other,
//! and their bodies copied into one buffer of the right size.

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use tower::Service;

use super::{Load, parts};

pub(crate) async fn run<S>(service: &mut S, load: &Load, answer_bytes: usize) -> Vec<u8>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    let mut all = Vec::with_capacity(load.ready.len() * answer_bytes);
    for (method, uri, body) in &load.ready {
        let mut parts = parts(method, uri);
        if !body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            parts.headers.insert(CONTENT_TYPE, json);
        }
        let request = Request::from_parts(parts, Body::from(Bytes::clone(body)));
        let mut answer = service.call(request).await.expect("an answer").into_body();
        while let Some(frame) = answer.frame().await {
            if let Some(data) = frame.expect("a frame").data_ref() {
                all.extend_from_slice(data);
            }
        }
    }
    all
}
