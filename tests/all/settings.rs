//! Outer statuses, streaming, and other requests to the batch path.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request, StatusCode};
use serde_json::json;
use tower::Layer;
use tower_multistatus::{BatchLayer, EnvelopeStatus, ItemHeaders, Summary};

use crate::support::{
    api, batch, gets_by_url, problem, recorder, recording_router, requests, response_to, send,
    with_header,
};

const GOOD: &[&str] = &["/users/1", "/users/2"];
const MIXED: &[&str] = &["/users/1", "/nowhere", "/users/2"];

/// The outer status of a batch of these items.
async fn outer_status(layer: BatchLayer, urls: &[&str]) -> u16 {
    batch(layer, api(), gets_by_url(urls)).await.status.as_u16()
}

#[tokio::test]
async fn the_outer_status_is_207_by_default() {
    let layer = || BatchLayer::new("/batch");
    let odd = |summary: &Summary| match (summary.total(), summary.succeeded(), summary.failed()) {
        (2, 2, 0) => StatusCode::ACCEPTED,
        (3, 2, 1) => StatusCode::IM_A_TEAPOT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    for (layer, good, mixed) in [
        (layer(), 207, 207),
        (layer().status(EnvelopeStatus::multi_status()), 207, 207),
        (layer().status(EnvelopeStatus::ok()), 200, 200),
        (layer().status(StatusCode::ACCEPTED), 202, 202),
        (layer().status(EnvelopeStatus::collapse()), 200, 207),
        (layer().status(EnvelopeStatus::with(odd)), 202, 418),
    ] {
        assert_eq!(outer_status(layer.clone(), GOOD).await, good, "{layer:?}");
        assert_eq!(outer_status(layer.clone(), MIXED).await, mixed, "{layer:?}");
    }
}

#[tokio::test]
async fn a_streamed_response_has_no_status_that_depends_on_its_items() {
    let layer = BatchLayer::new("/batch").streamed(true);
    let collapsing = layer.clone().status(EnvelopeStatus::collapse());
    assert_eq!(outer_status(collapsing, GOOD).await, 207);
    assert_eq!(outer_status(layer.status(StatusCode::OK), MIXED).await, 200);
}

#[tokio::test]
async fn a_streamed_response_has_the_same_bytes_without_a_length() {
    let layer = BatchLayer::new("/batch").concurrency(1);
    let whole = batch(layer.clone(), api(), gets_by_url(MIXED)).await;
    let length = whole.body.len().to_string();
    assert_eq!(whole.header("content-length"), Some(&*length));
    let streamed = batch(layer.streamed(true), api(), gets_by_url(MIXED)).await;
    assert_eq!(streamed.header("content-length"), None);
    assert_eq!(streamed.header("content-type"), Some("application/json"));
    assert_eq!(streamed.header("cache-control"), Some("no-store"));
    assert_eq!(streamed.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(streamed.body, whole.body);
}

#[tokio::test]
async fn ndjson_is_streamed_by_default() {
    for (layer, is_streamed) in [
        (BatchLayer::new("/batch"), true),
        (BatchLayer::new("/batch").streamed(false), false),
    ] {
        let request = with_header(
            requests(gets_by_url(GOOD)),
            "accept",
            "application/x-ndjson",
        );
        let reply = send(layer.layer(api()), request).await;
        assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(reply.header("content-length").is_none(), is_streamed);
        let last = reply.body.split(|byte| *byte == b'\n').rev().nth(1);
        let expected = r#"{"summary":{"total":2,"succeeded":2,"failed":0}}"#;
        assert_eq!(last, Some(expected.as_bytes()));
    }
}

/// A request with this method to the batch path, without a body.
fn plain(method: &Method) -> Request<Body> {
    let request = Request::builder().method(method).uri("/batch");
    request.body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn other_methods_on_the_batch_path_pass_through() {
    let methods = [
        "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MERGE",
    ];
    let (log, service) = recorder();
    let service = BatchLayer::new("/batch").layer(service);
    for method in methods {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let reply = send(service.clone(), plain(&method)).await;
        assert_eq!(reply.body, "{}");
    }
    let received: Vec<_> = log
        .all()
        .iter()
        .map(|received| received.method.to_string())
        .collect();
    assert_eq!(received, methods);
}

#[tokio::test]
async fn an_exclusive_path_takes_nothing_but_post_and_options() {
    let (log, service) = recorder();
    let service = BatchLayer::new("/batch").exclusive(true).layer(service);
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "MERGE"] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let reply = send(service.clone(), plain(&method)).await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(reply.header("allow"), Some("POST"));
        if method == Method::HEAD {
            assert_eq!(reply.body, "");
            continue;
        }
        assert_eq!(
            reply.json(),
            problem(405, "method-not-allowed", "a batch must be sent with POST")
        );
    }
    assert_eq!(log.len(), 0);
    send(service.clone(), plain(&Method::OPTIONS)).await;
    let elsewhere = Request::get("/users")
        .body(Body::empty())
        .expect("a request");
    send(service.clone(), elsewhere).await;
    assert_eq!(log.uris(), ["/batch", "/users"]);
    let reply = send(service, requests(gets_by_url(GOOD))).await;
    assert_eq!(reply.statuses(), [200, 200]);
}

#[tokio::test]
async fn a_batch_endpoint_with_describe_describes_itself() {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").describe(true).max_items(7);
    let layer = layer.allow_methods(["merge"]).item_timeout(None);
    let layer = layer
        .inherit_extension::<String>()
        .inherit_extension::<Vec<u8>>();
    let reply = send(layer.layer(service), plain(&Method::GET)).await;
    assert_eq!(log.len(), 0);
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(
        reply.json(),
        json!({
            "limits": { "max_items": 7, "max_streamed_items": 1000000,
                        "max_remembered_ids": 10000, "max_envelope_bytes": 1048576, "max_item_body_bytes": 262144,
                        "max_response_bytes": 1048576, "max_total_response_bytes": 8388608, "concurrency": 8,
                        "item_timeout_seconds": null, "batch_timeout_seconds": 30.0,
                        "idle_timeout_seconds": 30.0 },
            "formats": [
                { "media_types": ["application/json"], "reads": true, "writes": true },
                { "media_types": ["application/x-ndjson", "application/jsonl", "application/ndjson"],
                  "reads": true, "writes": true },
            ],
            "methods": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "MERGE"],
            "headers": ["accept*", "content-*", "if-*", "prefer", "range", "idempotency-key",
                        "cache-control", "pragma", "date", "user-agent", "x-requested-with"],
            "protected_headers": [],
            "inherited_extensions": ["alloc::string::String", "alloc::vec::Vec<u8>"],
        })
    );
}

#[tokio::test]
async fn a_description_names_the_header_of_item_request_ids() {
    let layer = BatchLayer::new("/batch")
        .describe(true)
        .item_request_ids("X-Request-Id");
    let reply = send(layer.layer(recorder().1), plain(&Method::GET)).await;
    assert_eq!(reply.json()["item_request_ids"], "x-request-id");
}

#[tokio::test]
async fn a_description_lists_header_names_in_lower_case_as_configured() {
    let names = async |policy: ItemHeaders| {
        let layer = BatchLayer::new("/batch")
            .describe(true)
            .item_headers(policy);
        let reply = send(layer.layer(recorder().1), plain(&Method::GET)).await;
        let json = reply.json();
        (json["headers"].clone(), json["protected_headers"].clone())
    };
    let policy = ItemHeaders::only(["Accept"]).allow(["X_Shop-*"]);
    assert_eq!(
        names(policy.protect(["x-shop-owner"])).await,
        (
            json!(["content-type", "accept", "x-shop-*"]),
            json!(["x-shop-owner"])
        )
    );
    let policy = ItemHeaders::all_but_protected().allow(["authorization"]);
    let (taken, protected) = names(policy.protect(["x-a"])).await;
    assert_eq!(taken, json!(["*", "authorization"]));
    let protected = protected.as_array().expect("a list");
    assert_eq!(protected.first(), Some(&json!("host")));
    assert_eq!(protected.last(), Some(&json!("x-a")));
    assert!(!protected.contains(&json!("authorization")));
}

#[tokio::test]
async fn a_path_that_is_exclusive_and_described_allows_get() {
    let (log, service) = recorder();
    let service = BatchLayer::new("/batch")
        .describe(true)
        .exclusive(true)
        .layer(service);
    let reply = send(service.clone(), plain(&Method::GET)).await;
    assert_eq!(reply.status, StatusCode::OK);
    let reply = send(service, plain(&Method::PUT)).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.header("allow"), Some("GET, HEAD, POST"));
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn a_method_is_taken_in_any_case_and_dispatched_in_capitals() {
    for method in ["get", "Head", "pOST", "put", "Patch", "DELETE", "options"] {
        let (log, service) = recorder();
        let item = response_to(
            BatchLayer::new("/batch").layer(service),
            json!({ "method": method }),
        )
        .await;
        assert_eq!(item["status"], 200);
        assert_eq!(log.only().method.as_str(), method.to_ascii_uppercase());
    }
}

#[tokio::test]
async fn a_method_that_is_allowed_by_name_is_dispatched_as_it_was_allowed() {
    let layer = BatchLayer::new("/batch").allow_methods(["MERGE", "propfind"]);
    for (method, status) in [
        ("MERGE", 200),
        ("merge", 200),
        ("PropFind", 200),
        ("REPORT", 405),
        ("TRACE", 405),
    ] {
        let (log, router) = recording_router();
        let item = response_to(layer.clone().layer(router), json!({ "method": method })).await;
        assert_eq!(item["status"], status, "{method}");
        let dispatched: Vec<_> = log
            .all()
            .iter()
            .map(|received| received.method.to_string())
            .collect();
        let expected = (status == 200).then(|| method.to_ascii_uppercase());
        assert_eq!(dispatched, Vec::from_iter(expected));
    }
}

#[tokio::test]
async fn only_the_exact_batch_path_is_a_batch() {
    let router = Router::new().fallback(get(async || "").post(async || "not a batch"));
    for path in [
        "/", "/batch/", "/batches", "/Batch", "/a/batch", "//batch", "/%62atch",
    ] {
        let mut request = requests(gets_by_url(GOOD));
        *request.uri_mut() = path.parse().expect("a URI");
        let reply = send(BatchLayer::new("/batch").layer(router.clone()), request).await;
        assert_eq!(reply.body, "not a batch", "{path}");
    }
    let mut request = requests(gets_by_url(GOOD));
    *request.uri_mut() = "/batch?comp=batch".parse().expect("a URI");
    let reply = send(BatchLayer::new("/batch").layer(router), request).await;
    assert_eq!(reply.statuses(), [200, 200]);
}
