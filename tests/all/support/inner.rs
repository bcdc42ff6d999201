//! Inner services that record their requests.

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::{Extensions, HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tower::{Service, service_fn};
use tower_multistatus::RequestBody;

/// A small application.
pub(crate) fn api() -> Router {
    Router::new()
        .route(
            "/users/{id}",
            get(async |axum::extract::Path(id): axum::extract::Path<u32>| {
                Json(json!({ "id": id }))
            }),
        )
        .route("/echo", axum::routing::any(async |body: Bytes| body))
}

/// A request that reached the inner service.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) extensions: Extensions,
    pub(crate) body: Bytes,
}

impl Received {
    /// All values of a header, in order.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().expect("text"))
            .collect()
    }
}

/// The requests that reached the inner service, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Received>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Received> {
        self.0.lock().expect("the log").clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().expect("the log").len()
    }

    pub(crate) fn uris(&self) -> Vec<String> {
        self.all()
            .into_iter()
            .map(|received| received.uri)
            .collect()
    }

    /// The only request.
    pub(crate) fn only(&self) -> Received {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "exactly one request");
        all.remove(0)
    }

    async fn note<B>(&self, request: Request<B>)
    where
        B: http_body::Body,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.expect("the body is whole").to_bytes();
        self.0.lock().expect("the log").push(Received {
            method: parts.method,
            uri: parts.uri.to_string(),
            headers: parts.headers,
            extensions: parts.extensions,
            body,
        });
    }
}

/// A router that records each request, and responds with 200 and `{}`.
pub(crate) fn recording_router() -> (Log, Router) {
    let log = Log::default();
    let router = Router::new().fallback({
        let log = log.clone();
        async move |request: Request<Body>| {
            log.note(request).await;
            Json(json!({}))
        }
    });
    (log, router)
}

/// A service that records each request, and responds with 200 and `{}`.
pub(crate) fn recorder() -> (
    Log,
    impl Service<
        Request<RequestBody<Body>>,
        Response = Response<Full<Bytes>>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static,
) {
    let log = Log::default();
    let service = service_fn({
        let log = log.clone();
        move |request: Request<RequestBody<Body>>| {
            let log = log.clone();
            async move {
                log.note(request).await;
                let response = Response::builder().header("content-type", "application/json");
                Ok(response.body(Full::from("{}")).expect("a response"))
            }
        }
    });
    (log, service)
}

/// A service that responds at once with the result of the function.
pub(crate) fn responding_with<F>(
    response: F,
) -> impl Service<
    Request<RequestBody<Body>>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static
where
    F: Fn(&Request<RequestBody<Body>>) -> Response<Bytes> + Clone + Send + 'static,
{
    service_fn(move |request| ready(Ok(response(&request).map(Full::new))))
}
