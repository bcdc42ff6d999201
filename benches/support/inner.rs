//! The inner services.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use tower::Service;

use super::json_of;

/// The body of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// 30 bytes of JSON.
    Small,
    /// 1 KiB of JSON.
    Medium,
    /// 64 KiB of JSON.
    Large,
}

impl Payload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    pub(crate) fn body(self) -> Bytes {
        Bytes::from(json_of(match self {
            Self::Small => 30,
            Self::Medium => 1 << 10,
            Self::Large => 64 << 10,
        }))
    }
}

/// Responds at once, always with the same bytes.
#[derive(Clone, Debug)]
pub(crate) struct Trivial(pub(crate) Bytes);

impl<B> Service<Request<B>> for Trivial {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(json(self.0.clone())))
    }
}

/// Responds at once, with a new copy of these bytes.
#[derive(Clone, Debug)]
pub(crate) struct Fresh(pub(crate) Bytes);

impl<B> Service<Request<B>> for Fresh {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(json(Bytes::copy_from_slice(&self.0))))
    }
}

pub(crate) fn json(body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An axum application of 20 routes.
pub(crate) fn router() -> Router {
    let mut router = Router::new();
    for payload in [Payload::Small, Payload::Medium, Payload::Large] {
        let path = format!("/{}/{{id}}", payload.name());
        let handler = async |State(body): State<Bytes>| json(body);
        let route = get(handler).post(async |State(response): State<Bytes>, body: Bytes| {
            std::hint::black_box(body);
            json(response)
        });
        router = router.route(&path, route.with_state(payload.body()));
    }
    for other in 0..17 {
        router = router.route(
            &format!("/other{other}/{{id}}/part"),
            post(async || "never"),
        );
    }
    router
}
