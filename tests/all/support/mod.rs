//! Requests, replies, and assertions about them.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceExt};
use tower_multistatus::BatchLayer;

mod bodies;
mod inner;

pub(crate) use bodies::body;
pub(crate) use inner::{Log, Received, api, recorder, recording_router, responding_with};

/// A response that was read completely.
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

    /// The items of a JSON envelope, in order.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.json()["responses"]
            .as_array()
            .expect("an envelope")
            .clone()
    }

    /// The text of the only item in a JSON envelope.
    pub(crate) fn only_item(&self) -> String {
        let text = std::str::from_utf8(&self.body).expect("UTF-8");
        let item = text.strip_prefix("{\"responses\":[\n");
        let item = item.and_then(|item| item.strip_suffix("]}"));
        item.expect("an envelope").to_owned()
    }

    /// The item with this id.
    pub(crate) fn item(&self, id: &str) -> Value {
        let mut items = self.items();
        items.retain(|item| item["id"] == id);
        assert_eq!(items.len(), 1, "exactly one response for {id}");
        items.remove(0)
    }

    /// The status of each item, in order.
    pub(crate) fn statuses(&self) -> Vec<u64> {
        self.items()
            .iter()
            .map(|item| item["status"].as_u64().expect("a status"))
            .collect()
    }

    /// The `code` of the problem document of a refusal.
    pub(crate) fn code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        self.json()["code"].as_str().expect("a code").to_owned()
    }

    /// The value of a header that occurs at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        assert!(
            self.headers.get_all(name).iter().count() < 2,
            "{name} occurs more than once"
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
    read(service.oneshot(request).await.expect("a response")).await
}

/// Reads a response completely.
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

/// Sends a batch of these items. Panics if it takes more than an hour of the paused clock.
pub(crate) async fn end<S, B>(service: S, items: Value) -> Reply
where
    S: Service<Request<Body>, Response = Response<B>, Error: std::fmt::Debug>,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let reply = send(service, requests(items));
    let reply = tokio::time::timeout(Duration::from_secs(3600), reply).await;
    reply.expect("the batch ends")
}

/// Runs a future in a test that cannot be `async`.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().expect("a runtime");
    runtime.block_on(future)
}

/// A POST of JSON to `/batch`.
pub(crate) fn envelope(json: impl Into<Body>) -> Request<Body> {
    Request::post("/batch")
        .header("host", "api.example")
        .header("content-type", "application/json")
        .body(json.into())
        .expect("a request")
}

/// The request with a body in three chunks, and a pause before each.
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

/// A batch of these items.
pub(crate) fn requests(items: Value) -> Request<Body> {
    envelope(json!({ "requests": items }).to_string())
}

/// GET items for these paths. Their ids are `0`, `1` and so on.
pub(crate) fn gets(paths: &[&str]) -> Value {
    paths
        .iter()
        .enumerate()
        .map(|(id, url)| json!({ "id": id.to_string(), "method": "GET", "url": url }))
        .collect()
}

/// GET items for these URLs; each has its URL as its id.
pub(crate) fn gets_by_url(urls: &[&str]) -> Value {
    let get = |url: &&str| json!({ "id": url, "method": "GET", "url": url });
    urls.iter().map(get).collect()
}

/// This number of GET items; their ids are `0`, `1` and so on, their paths `/0`, `/1` and so on.
pub(crate) fn numbered_gets(count: usize) -> Value {
    let get = |at| json!({ "id": format!("{at}"), "method": "GET", "url": format!("/{at}") });
    (0..count).map(get).collect()
}

/// Sends these items to the layer around a router.
pub(crate) async fn batch(layer: BatchLayer, inner: Router, items: Value) -> Reply {
    send(layer.layer(inner), requests(items)).await
}

/// An item with these members. It is `x`, a GET of `/`, where they do not say otherwise.
pub(crate) fn item_with(members: &Value) -> Value {
    let mut item = json!({ "id": "x", "method": "GET", "url": "/" });
    let members = members.as_object().expect("an object").clone();
    item.as_object_mut().expect("an object").extend(members);
    item
}

/// The response to one item, `x`: a GET of `/` unless its members say otherwise.
pub(crate) async fn response_to<S, B>(service: S, item: Value) -> Value
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    send(service, requests(json!([item_with(&item)])))
        .await
        .item("x")
}

/// A problem document of the layer.
pub(crate) fn problem(status: u16, code: &str, title: &str) -> Value {
    json!({ "type": "about:blank", "title": title, "status": status, "code": code })
}

/// The response to an item that the layer fails.
pub(crate) fn failed(id: &str, status: u16, code: &str, title: &str) -> Value {
    json!({ "id": id, "status": status, "headers": { "Content-Type": "application/problem+json" },
            "body": problem(status, code, title) })
}

/// The response to an item that reaches the recorder.
pub(crate) fn recorded(id: &str) -> Value {
    json!({ "id": id, "status": 200, "headers": { "Content-Type": "application/json" }, "body": {} })
}

/// Names and values of headers.
pub(crate) type Headers = &'static [(&'static str, &'static str)];

pub(crate) fn header_map(headers: Headers) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        let name = HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    };
    headers.iter().map(pair).collect()
}

/// A router that always sends this response.
pub(crate) fn responding(status: u16, headers: Headers, body: &'static str) -> Router {
    Router::new().fallback(async move || {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        *response.headers_mut() = header_map(headers);
        response
    })
}

/// Sends this text as a JSON envelope. Returns the reply and the inner requests.
pub(crate) async fn ask(json: impl Into<Body>) -> (Reply, Log) {
    ask_through(BatchLayer::new("/batch"), envelope(json)).await
}

/// Sends a request to the layer around a [`recorder`]. Returns the reply and the inner requests.
pub(crate) async fn ask_through(layer: BatchLayer, request: Request<Body>) -> (Reply, Log) {
    let (log, service) = recorder();
    let reply = send(layer.layer(service), request).await;
    (reply, log)
}

/// The problem document of a malformed envelope, with these further members.
pub(crate) fn malformed(detail: &str, more: Value) -> Value {
    let mut document = problem(400, "malformed", "the envelope is malformed");
    document["detail"] = detail.into();
    let members = document.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    document
}

/// Removes the detail of a problem document, and the offset if no item is at fault. Asserts that
/// they are there.
pub(crate) fn without_detail(mut document: Value) -> Value {
    let members = document.as_object_mut().expect("an object");
    let detail = members.remove("detail").expect("a detail");
    assert!(!detail.as_str().expect("a phrase").is_empty());
    let offset = members.remove("offset");
    let is_placed = offset.is_some_and(|offset| offset.is_u64());
    assert_eq!(is_placed, !members.contains_key("pointer"), "{document}");
    document
}

/// An envelope of a valid item and this one.
pub(crate) fn second(item: &str) -> String {
    format!(r#"{{"requests":[{{"id":"a","method":"GET","url":"/1"}},{item}]}}"#)
}

/// An envelope of a valid item and one with these members.
pub(crate) fn with(members: &str) -> String {
    second(&format!(
        r#"{{"id":"b","method":"POST","url":"/2",{members}}}"#
    ))
}

/// Asserts that the envelope is refused as malformed, at this item if there is one, without a
/// dispatch.
pub(crate) async fn assert_malformed(envelope: impl AsRef<[u8]>, item: Option<usize>) {
    let envelope = envelope.as_ref();
    let (reply, log) = ask(envelope.to_vec()).await;
    let shown = String::from_utf8_lossy(envelope);
    assert_eq!(log.len(), 0, "{shown}");
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{shown}");
    let mut expected = problem(400, "malformed", "the envelope is malformed");
    if let Some(item) = item {
        expected["pointer"] = Value::from(format!("#/requests/{item}"));
    }
    assert_eq!(without_detail(reply.json()), expected, "{shown}");
}

/// The reply to GETs with the ids `0`, `1` and so on that get these responses.
pub(crate) async fn batch_with(layer: BatchLayer, responses: &[Response<Bytes>]) -> Reply {
    let items = numbered_gets(responses.len());
    let responses = responses.to_vec();
    let service = responding_with(move |request| {
        let at: usize = request.uri().path()[1..].parse().expect("a number");
        responses[at].clone()
    });
    send(layer.layer(service), requests(items)).await
}

/// The text of an item in a JSON envelope, if the inner service sends this response.
pub(crate) async fn written_item(response: Response<Bytes>) -> String {
    let reply = batch_with(BatchLayer::new("/batch"), &[response]).await;
    reply.only_item()
}

/// A response with these headers and this body.
#[cfg(any(feature = "multipart", feature = "multistatus"))]
pub(crate) fn response(
    status: u16,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Response<http_body_util::Full<Bytes>> {
    let mut response = Response::new(http_body_util::Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        let name: HeaderName = name.parse().expect("a name");
        let value = value.parse().expect("a value");
        response.headers_mut().append(name, value);
    }
    response
}

/// The request with this value of a header, and no other.
pub(crate) fn with_header(
    mut request: Request<Body>,
    name: &'static str,
    value: &'static str,
) -> Request<Body> {
    let value = HeaderValue::from_static(value);
    request.headers_mut().insert(name, value);
    request
}
