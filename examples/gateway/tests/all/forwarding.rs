//! What upstreams get, and what clients get back.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Version};
use axum::response::IntoResponse;
use gateway::upstream::Upstream;
use gateway::{Settings, batch};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::support::{ANY_PORT, Server};

/// Responds with what it got, and with headers about its connection.
async fn echo(request: Request) -> impl IntoResponse {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let headers = head.headers.iter().map(|(name, value)| {
        let value = value.to_str().expect("a text");
        (name.to_string(), Value::from(value))
    });
    let headers: serde_json::Map<_, _> = headers.collect();
    let got = json!({ "method": head.method.as_str(), "uri": head.uri.to_string(),
        "headers": headers, "bytes": bytes.len() });
    let about_connection = [
        ("connection", "x-secret"),
        ("x-secret", "1"),
        ("keep-alive", "timeout=5"),
        ("x-kept", "1"),
    ];
    (about_connection, axum::Json(got))
}

async fn echoing() -> (Upstream, Server) {
    let upstream = Upstream::start(ANY_PORT, Router::new().fallback(echo)).unwrap();
    let server = Server::of(
        &[upstream.authority()],
        batch("/batch"),
        Settings::default(),
    );
    (upstream, server)
}

async fn sent(server: &Server, request: Request<Body>) -> (HeaderMap, Value) {
    let (head, body) = server.send(request).await.into_parts();
    assert_eq!(head.status, StatusCode::OK);
    (head.headers, serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn an_ordinary_request_keeps_its_target_host_and_end_to_end_headers() {
    let (_upstream, server) = echoing().await;
    let request = Request::put("/a/b%20c?d=e&d=f")
        .header("host", "api.example.com")
        .header("connection", "x-hop, keep-alive")
        .header("x-hop", "1")
        .header("te", "trailers")
        .header("x-end", "1");
    let (headers, got) = sent(&server, request.body("text".into()).unwrap()).await;
    assert_eq!((&got["method"], &got["bytes"]), (&json!("PUT"), &json!(4)));
    assert_eq!(got["uri"], "/a/b%20c?d=e&d=f");
    let expected = json!({ "host": "api.example.com", "x-end": "1", "via": "1.1 gateway",
        "content-length": "4" });
    assert_eq!(got["headers"], expected);
    assert_eq!(headers["x-kept"], "1");
    for name in ["connection", "x-secret", "keep-alive"] {
        assert!(!headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn large_bodies_stream_through() {
    let (_upstream, server) = echoing().await;
    let request = Request::post("/").body(vec![b'a'; 4 << 20].into()).unwrap();
    assert_eq!(sent(&server, request).await.1["bytes"], 4 << 20);
}

#[tokio::test]
async fn a_request_over_http_2_keeps_its_host() {
    let (_upstream, server) = echoing().await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let uri = format!("http://{}/a", server.address);
    let request = Request::get(uri).version(Version::HTTP_2);
    let response = client
        .request(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let got: Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({ "host": server.address.to_string(), "via": "2.0 gateway" });
    assert_eq!(got["headers"], expected);
}

#[tokio::test]
async fn an_item_has_the_trace_of_its_batch() {
    let (_upstream, server) = echoing().await;
    let outer = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let own = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let items = json!([{ "id": "a", "method": "GET", "url": "/a?b=c",
        "headers": { "traceparent": own } }]);
    let request = Request::post("/batch")
        .header("host", "api.example.com")
        .header("content-type", "application/json")
        .header("traceparent", outer);
    let envelope = json!({ "requests": items }).to_string();
    let response = server.send(request.body(envelope.into()).unwrap()).await;
    let envelope: Value = serde_json::from_slice(response.body()).unwrap();
    let got = &envelope["responses"][0]["body"];
    assert_eq!(got["uri"], "/a?b=c");
    let expected = json!({ "host": "api.example.com", "traceparent": outer,
        "via": "1.1 gateway" });
    assert_eq!(got["headers"], expected);
}
