//! The floor: what the handlers cost by themselves. No envelope, no parsing: requests from ready
//! parts, one after the other, and their bodies copied into one buffer of the right size.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

use super::{Load, parts};

/// The same over an application, as one would write it: a clone of the router for each request,
/// each body collected and then appended.
pub(crate) async fn oneshot(router: &Router, load: &Load, answer_bytes: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(load.ready.len() * answer_bytes);
    for item in &load.ready {
        let Ok(answer) = router.clone().oneshot(request(item)).await;
        let body = answer.into_body().collect().await.expect("a body");
        all.extend_from_slice(&body.to_bytes());
    }
    all
}

/// A request from parts that are parsed already.
fn request((method, uri, body): &(Method, Uri, Bytes)) -> Request<Body> {
    let mut parts = parts(method, uri);
    if !body.is_empty() {
        let json = HeaderValue::from_static("application/json");
        parts.headers.insert(CONTENT_TYPE, json);
    }
    Request::from_parts(parts, Body::from(Bytes::clone(body)))
}

pub(crate) async fn run<S>(service: &mut S, load: &Load, answer_bytes: usize) -> Vec<u8>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    let mut all = Vec::with_capacity(load.ready.len() * answer_bytes);
    for item in &load.ready {
        let answer = service.call(request(item)).await;
        let mut answer = answer.expect("an answer").into_body();
        while let Some(frame) = answer.frame().await {
            if let Some(data) = frame.expect("a frame").data_ref() {
                all.extend_from_slice(data);
            }
        }
    }
    all
}
