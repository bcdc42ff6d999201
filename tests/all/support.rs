//! Requests in, replies out, and services that note what they were asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

/// A response, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The items of a JSON envelope, in their order.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.json()["responses"]
            .as_array()
            .expect("an envelope")
            .clone()
    }

    /// The item with this id.
    pub(crate) fn item(&self, id: &str) -> Value {
        let mut items = self.items();
        items.retain(|item| item["id"] == id);
        assert_eq!(items.len(), 1, "exactly one answer for {id}");
        items.remove(0)
    }

    /// The status of each item, in their order.
    pub(crate) fn statuses(&self) -> Vec<u64> {
        self.items()
            .iter()
            .map(|item| item["status"].as_u64().expect("a status"))
            .collect()
    }

    /// A header that stands once and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        assert!(
            self.headers.get_all(name).iter().count() < 2,
            "{name} stands more than once"
        );
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }
}

/// Sends one request to a service, and reads the reply.
pub(crate) async fn send<S, B>(service: S, request: Request<Body>) -> Reply
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    read(service.oneshot(request).await.expect("the service answers")).await
}

/// Reads a response to its end.
pub(crate) async fn read<B>(response: Response<B>) -> Reply
where
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("the body is whole").to_bytes();
    Reply {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

/// Sends within an hour of the paused clock, so that a hang is a failure.
pub(crate) async fn end<S, B>(service: S, items: Value) -> Reply
where
    S: Service<Request<Body>, Response = Response<B>, Error: std::fmt::Debug>,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let reply = send(service, requests(items));
    let reply = tokio::time::timeout(Duration::from_secs(3600), reply).await;
    reply.expect("the batch ends")
}

/// A POST of JSON to `/batch`.
pub(crate) fn envelope(json: impl Into<Body>) -> Request<Body> {
    Request::post("/batch")
        .header("host", "api.example")
        .header("content-type", "application/json")
        .body(json.into())
        .expect("a request")
}

/// The same request, with a body that comes in three chunks, and a pause before each.
pub(crate) fn in_chunks(request: Request<Body>, pause: Duration) -> Request<Body> {
    let next = move |rest: Option<Body>| async move {
        let bytes = rest?.collect().await.expect("a body").to_bytes();
        tokio::time::sleep(pause).await;
        let (chunk, rest) = bytes.split_at(bytes.len().div_ceil(3));
        let (chunk, rest) = (bytes.slice_ref(chunk), bytes.slice_ref(rest));
        let rest = (!rest.is_empty()).then(|| Body::from(rest));
        Some((Ok::<_, Infallible>(chunk), rest))
    };
    request.map(|body| Body::from_stream(futures_util::stream::unfold(Some(body), next)))
}

/// An envelope of these items.
pub(crate) fn requests(items: Value) -> Request<Body> {
    envelope(json!({ "requests": items }).to_string())
}

/// Items for these paths; the ids are `0`, `1` and so on.
pub(crate) fn gets(paths: &[&str]) -> Value {
    paths
        .iter()
        .enumerate()
        .map(|(id, url)| json!({ "id": id.to_string(), "method": "GET", "url": url }))
        .collect()
}

/// Sends these items to the layer around a router.
pub(crate) async fn batch(layer: BatchLayer, inner: Router, items: Value) -> Reply {
    send(layer.layer(inner), requests(items)).await
}

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

/// One request that reached the inner service.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What reached the inner service, in the order of its coming.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.lock().expect("the log").clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().expect("the log").len()
    }

    pub(crate) fn uris(&self) -> Vec<String> {
        self.all().into_iter().map(|asked| asked.uri).collect()
    }

    /// The only request that came.
    pub(crate) fn only(&self) -> Asked {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "exactly one request");
        all.remove(0)
    }
}

/// A service that notes what it is asked, and answers 200 with `{}`.
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
                let (parts, body) = request.into_parts();
                let body = body.collect().await.expect("the body is whole").to_bytes();
                log.0.lock().expect("the log").push(Asked {
                    method: parts.method,
                    uri: parts.uri.to_string(),
                    headers: parts.headers,
                    body,
                });
                let response = Response::builder().header("content-type", "application/json");
                Ok(response.body(Full::from("{}")).expect("a response"))
            }
        }
    });
    (log, service)
}
