//! Layers that concern a body, or the headers of a response.

use axum::body::Body;
use base64::Engine;
use http::{Method, Request, StatusCode};
use serde_json::json;
use tower::{Layer, ServiceBuilder};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::cors::CorsLayer;
use tower_http::decompression::{DecompressionLayer, RequestDecompressionLayer};
use tower_http::limit::RequestBodyLimitLayer;

use super::{Count, THREE, layer, three_with_header};
use crate::support::{api, batch, gets, requests, send};

pub(super) async fn a_body_limit_outside_applies_to_the_envelope() {
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

pub(super) async fn decompression_outside_decompresses_the_envelope() {
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

pub(super) async fn compression_outside_compresses_the_envelope_and_no_item() {
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

pub(super) async fn compression_inside_compresses_items_that_ask_for_it() {
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

pub(super) async fn cors_outside_handles_preflights_and_marks_the_envelope() {
    let count = Count::default();
    let service = CorsLayer::permissive().layer(layer().exclusive(true).layer(count.inside()));
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri("/batch")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let preflight = preflight.body(Body::empty()).expect("a request");
    let reply = send(service.clone(), preflight).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("access-control-allow-methods"), Some("*"));
    assert_eq!(count.get(), 0);

    let reply = send(service, three_with_header("origin", "https://app.example")).await;
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
}

pub(super) async fn cors_inside_marks_no_item() {
    let service = layer().layer(api().layer(CorsLayer::permissive()));
    let reply = send(service, three_with_header("origin", "https://app.example")).await;
    assert_eq!(reply.statuses(), [200; 3]);
    for item in reply.items() {
        assert_eq!(item["headers"].get("Access-Control-Allow-Origin"), None);
    }
    assert_eq!(reply.header("access-control-allow-origin"), None);
}

pub(super) async fn decompression_inside_decompresses_the_body_of_an_item() {
    let packed = base64::engine::general_purpose::STANDARD.encode(gzipped(b"hello"));
    let item = |media_type| {
        json!([{ "id": "a", "method": "POST", "url": "/echo", "body": packed, "headers":
            { "content-type": media_type, "content-encoding": "gzip" } }])
    };
    let inner = api().layer(RequestDecompressionLayer::new());
    let reply = batch(layer(), inner, item("application/octet-stream")).await;
    assert_eq!(reply.statuses(), [200]);
    // "hello", as a type that is no text.
    assert_eq!(reply.item("a")["body"], "aGVsbG8=");
}

pub(super) async fn a_body_limit_inside_applies_to_the_body_of_an_item() {
    let item = |id, body| {
        json!({ "id": id, "method": "POST", "url": "/echo", "body": body,
                "headers": { "content-type": "text/plain" } })
    };
    let items = json!([item("a", "12345"), item("b", "123456")]);
    let service = layer().layer(api().layer(RequestBodyLimitLayer::new(5)));
    assert_eq!(send(service, requests(items)).await.statuses(), [200, 413]);
}
