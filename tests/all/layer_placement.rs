//! The order of layers: outside if they are about the envelope, inside if they are about a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::{Layer, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::cors::CorsLayer;
use tower_http::decompression::{DecompressionLayer, RequestDecompressionLayer};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_http::validate_request::ValidateRequestHeaderLayer;
use tower_multistatus::BatchLayer;

use crate::support::{Reply, api, batch, gets, requests, send, with_header};

const THREE: [&str; 3] = ["/users/1", "/users/2", "/users/3"];

fn layer() -> BatchLayer {
    BatchLayer::new("/batch")
}

/// Counts the requests that reach its place.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }

    fn add<T>(&self, of: T) -> T {
        self.0.fetch_add(1, SeqCst);
        of
    }

    /// The API with this counter inside.
    fn inside(&self) -> Router {
        let count = self.clone();
        api().layer(tower::util::MapRequestLayer::new(
            move |request: Request<Body>| count.add(request),
        ))
    }
}

fn three_with_header(name: &'static str, value: &'static str) -> Request<Body> {
    with_header(requests(gets(&THREE)), name, value)
}

#[tokio::test]
async fn a_body_limit_outside_applies_to_the_envelope() {
    let count = Count::default();
    for (bytes, accepted) in [(10, false), (10_000, true)] {
        let service = RequestBodyLimitLayer::new(bytes).layer(layer().layer(count.inside()));
        // The size is announced, or found out while the envelope is read.
        for request in [
            three_with_header("content-length", "999"),
            requests(gets(&THREE)),
        ] {
            let status = send(service.clone(), request).await.status;
            let expected = if accepted {
                StatusCode::MULTI_STATUS
            } else {
                StatusCode::PAYLOAD_TOO_LARGE
            };
            assert_eq!(status, expected);
        }
    }
    assert_eq!(count.get(), 6, "what is refused runs nothing");
}

/// A gzip member of one stored block, which needs no compressor.
fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let length = u16::try_from(bytes.len()).expect("a short text");
    let head = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 1];
    let mut gzip = head.to_vec();
    gzip.extend(length.to_le_bytes());
    gzip.extend((!length).to_le_bytes());
    gzip.extend(bytes);
    gzip.extend((!crc).to_le_bytes());
    gzip.extend(u32::from(length).to_le_bytes());
    gzip
}

#[tokio::test]
async fn decompression_outside_decompresses_the_envelope() {
    let text = json!({ "requests": gets(&THREE) }).to_string();
    let request = || {
        let request = Request::post("/batch").header("content-encoding", "gzip");
        let request = request.header("content-type", "application/json");
        request
            .body(Body::from(gzipped(text.as_bytes())))
            .expect("a request")
    };
    let bare = layer().layer(api());
    assert_eq!(send(bare.clone(), request()).await.status, 415);
    let reply = send(RequestDecompressionLayer::new().layer(bare), request()).await;
    assert_eq!(reply.statuses(), [200; 3]);
}

#[tokio::test]
async fn compression_outside_compresses_the_envelope_and_no_item() {
    let plain = batch(layer(), api(), gets(&THREE)).await;
    let packed = ServiceBuilder::new()
        .layer(CompressionLayer::new())
        .service(layer().layer(api()));
    let reply = send(packed.clone(), three_with_header("accept-encoding", "gzip")).await;
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert_ne!(reply.body, plain.body);
    let unpacked = DecompressionLayer::new().layer(packed);
    let reply = send(unpacked, requests(gets(&THREE))).await;
    assert_eq!(reply.body, plain.body);
}

#[tokio::test]
async fn accept_encoding_of_the_outer_request_does_not_compress_items() {
    let packed = || api().layer(CompressionLayer::new().compress_when(SizeAbove::new(0)));
    let reply = send(
        layer().layer(packed()),
        three_with_header("accept-encoding", "gzip"),
    )
    .await;
    assert_eq!(reply.item("0")["body"], json!({ "id": 1 }));
    let item = json!([{ "id": "a", "method": "GET", "url": "/users/1",
                        "headers": { "accept-encoding": "gzip" } }]);
    let reply = batch(layer(), packed(), item).await;
    assert_eq!(reply.item("a")["headers"]["Content-Encoding"], "gzip");
    assert_eq!(reply.item("a")["encoding"], "base64");
}

#[tokio::test]
async fn cors_outside_handles_preflights_and_marks_the_envelope() {
    let cors = || CorsLayer::permissive();
    let count = Count::default();
    let service = cors().layer(layer().exclusive(true).layer(count.inside().layer(cors())));
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri("/batch")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let reply = send(
        service.clone(),
        preflight.body(Body::empty()).expect("a request"),
    )
    .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("access-control-allow-methods"), Some("*"));
    assert_eq!(count.get(), 0);

    let reply = send(service, three_with_header("origin", "https://app.example")).await;
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    for item in reply.items() {
        assert_eq!(item["headers"].get("Access-Control-Allow-Origin"), None);
    }
}

#[tokio::test]
async fn a_trace_outside_sees_one_request_and_one_inside_sees_each_item() {
    let (outside, inside) = (Count::default(), Count::default());
    let trace = |count: &Count| {
        let count = count.clone();
        TraceLayer::new_for_http().on_request(move |_: &Request<_>, _: &_| count.add(()))
    };
    let inner = api().layer(trace(&inside));
    let service = trace(&outside).layer(layer().layer(inner));
    assert_eq!(
        send(service, requests(gets(&THREE))).await.statuses(),
        [200; 3]
    );
    assert_eq!((outside.get(), inside.get()), (1, 3));
}

/// Accepts requests with the token, except to `/users/3`.
fn authorised<B, R: Default>(request: &mut Request<B>) -> Result<(), Response<R>> {
    let status = if request
        .headers()
        .get("authorization")
        .is_none_or(|word| word != "Bearer open")
    {
        StatusCode::UNAUTHORIZED
    } else if request.uri().path() == "/users/3" {
        StatusCode::FORBIDDEN
    } else {
        return Ok(());
    };
    let mut response = Response::new(R::default());
    *response.status_mut() = status;
    Err(response)
}

#[tokio::test]
async fn authentication_inside_checks_each_item() {
    let guarded = api().layer(ValidateRequestHeaderLayer::custom(authorised));
    let service = layer().layer(guarded);
    let reply = send(service.clone(), requests(gets(&THREE))).await;
    assert_eq!(
        (reply.status, reply.statuses()),
        (StatusCode::MULTI_STATUS, vec![401; 3])
    );
    let reply = send(
        service.clone(),
        three_with_header("authorization", "Bearer open"),
    )
    .await;
    assert_eq!(reply.statuses(), [200, 200, 403]);
    // No item can bring its own token.
    let claim = json!([{ "id": "a", "method": "GET", "url": "/users/1",
                         "headers": { "authorization": "Bearer open" } }]);
    assert_eq!(send(service, requests(claim)).await.statuses(), [401]);
}

#[tokio::test]
async fn authentication_outside_refuses_early_but_sees_no_item() {
    let count = Count::default();
    let guard = ValidateRequestHeaderLayer::custom(authorised);
    let service = guard.layer(layer().layer(count.inside()));
    assert_eq!(
        send(service.clone(), requests(gets(&THREE))).await.status,
        401
    );
    assert_eq!(count.get(), 0);
    // The third item should be forbidden: permissions have to be checked inside.
    let reply = send(service, three_with_header("authorization", "Bearer open")).await;
    assert_eq!(reply.statuses(), [200; 3]);
}

#[tokio::test]
async fn an_audit_outside_sees_one_request_where_many_run() {
    let (outside, inside) = (Count::default(), Count::default());
    let outer = outside.clone();
    let service = ServiceBuilder::new()
        .map_request(move |request: Request<Body>| outer.add(request))
        .service(layer().layer(inside.inside()));
    send(service, requests(gets(&THREE))).await;
    assert_eq!((outside.get(), inside.get()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_applies_to_an_item() {
    let slow = get(async || tokio::time::sleep(Duration::from_secs(5)).await);
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(1));
    let inner = api().route("/slow", slow).layer(timeout);
    let reply = batch(layer(), inner, gets(&["/users/1", "/slow", "/users/2"])).await;
    assert_eq!(reply.statuses(), [200, 408, 200]);
}

#[tokio::test]
async fn a_catch_panic_inside_applies_to_an_item() {
    let broken = get(async || -> () { std::panic::panic_any("broken") });
    let response = |_| (StatusCode::INTERNAL_SERVER_ERROR, "sorry").into_response();
    let inner = api()
        .route("/broken", broken)
        .layer(CatchPanicLayer::custom(response));
    let reply = batch(layer(), inner, gets(&["/users/1", "/broken"])).await;
    assert_eq!(reply.statuses(), [200, 500]);
    assert_eq!(reply.item("1")["body"], "sorry");
}

/// The status and body of an item for a user, and of one for the batch path.
async fn reached(app: Router) -> Vec<Value> {
    let reply: Reply = send(app, requests(gets(&["/users/1", "/batch"]))).await;
    let pick = |item: Value| json!([item["status"], item["body"]]);
    reply.items().into_iter().map(pick).collect()
}

#[tokio::test]
async fn a_layer_of_a_router_reaches_one_route_only() {
    let routes = api().route("/batch", post(async || "the batch's route"));
    let app = routes.layer(layer());
    // Every item, also a GET, ends up in the handler of the batch path.
    let own = json!([200, "the batch's route"]);
    assert_eq!(reached(app).await, [own.clone(), own]);
}

#[tokio::test]
async fn a_layer_around_a_router_reaches_all_of_it() {
    let inner = api().route("/batch", get(async || "the batch's route"));
    let all = [json!([200, { "id": 1 }]), json!([200, "the batch's route"])];
    let fallback = Router::new().fallback_service(layer().layer(inner.clone()));
    assert_eq!(reached(fallback).await, all);
    let route = Router::new().route_service("/batch", layer().layer(inner));
    assert_eq!(reached(route).await, all);
}
