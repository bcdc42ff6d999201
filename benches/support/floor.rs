//! The floor: the cost of the handlers alone. There is no envelope and no parsing. Requests are
//! made of ready parts, one after the other, and their bodies are copied into one buffer of the
//! right size.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

use super::{Load, parts};

/// Calls an application as a user would: clones the router for each request, collects the body, and
/// appends it to the buffer.
pub(crate) async fn oneshot(router: &Router, load: &Load, body_bytes: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(load.ready.len() * body_bytes);
    for item in &load.ready {
        let Ok(response) = router.clone().oneshot(request(item)).await;
        let body = response.into_body().collect().await.expect("a body");
        all.extend_from_slice(&body.to_bytes());
    }
    all
}

/// Builds a request of parsed parts.
fn request((method, uri, body): &(Method, Uri, Bytes)) -> Request<Body> {
    let mut parts = parts(method, uri);
    if !body.is_empty() {
        let json = HeaderValue::from_static("application/json");
        parts.headers.insert(CONTENT_TYPE, json);
    }
    Request::from_parts(parts, Body::from(Bytes::clone(body)))
}

/// Calls a service once per item.
pub(crate) async fn run<S>(service: &mut S, load: &Load, body_bytes: usize) -> Vec<u8>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    let mut all = Vec::with_capacity(load.ready.len() * body_bytes);
    for item in &load.ready {
        let response = service.call(request(item)).await;
        let mut response = response.expect("a response").into_body();
        while let Some(frame) = response.frame().await {
            if let Some(data) = frame.expect("a frame").data_ref() {
                all.extend_from_slice(data);
            }
        }
    }
    all
}
