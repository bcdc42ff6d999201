//! Each mount, over a socket: the items of a batch and ordinary requests reach the routes of the
//! host.

mod clients;
mod frameworks;
mod grpc;

use std::net::SocketAddr;

use axum::Router;
use axum::response::Redirect;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A listener on a free port.
async fn listener() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    (listener.local_addr().expect("an address"), listener)
}

/// Three routes. The second responds with its `Host`, the third redirects.
fn api() -> Router {
    let host = async |headers: HeaderMap| format!("{:?}", headers.get("host"));
    Router::new()
        .route("/hello", axum::routing::get(async || "hello from /hello"))
        .route("/host", axum::routing::get(host))
        .route(
            "/moved",
            axum::routing::get(async || Redirect::temporary("/hello")),
        )
}

async fn send(request: Request<Full<Bytes>>, only_http2: bool) -> Response<Incoming> {
    let mut client = Client::builder(TokioExecutor::new());
    let client = client.http2_only(only_http2).build_http();
    client.request(request).await.expect("a response")
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let request = Request::get(format!("http://{address}{path}"));
    let response = send(request.body(Full::default()).expect("a request"), false).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body");
    (
        status,
        String::from_utf8(body.to_bytes().to_vec()).expect("a text"),
    )
}

/// Sends a batch, and returns the status and body of each item.
async fn batch(address: SocketAddr, items: Value) -> Vec<(u64, Value)> {
    let request = Request::post(format!("http://{address}/batch"))
        .header("host", "api.example")
        .header("content-type", "application/json")
        .body(Full::from(json!({ "requests": items }).to_string()));
    let response = send(request.expect("a request"), false).await;
    assert_eq!(response.status(), 207);
    let body = response.into_body().collect().await.expect("a body");
    let envelope: Value = serde_json::from_slice(&body.to_bytes()).expect("JSON");
    let item = |item: &Value| {
        (
            item["status"].as_u64().expect("a status"),
            item["body"].clone(),
        )
    };
    let items = envelope["responses"].as_array().expect("items");
    items.iter().map(item).collect()
}

fn gets(paths: &[&str]) -> Value {
    let get = |path: &&str| json!({ "id": path, "method": "GET", "url": path });
    paths.iter().map(get).collect()
}

/// Asserts that an ordinary request and items reach `/hello`.
async fn assert_mounted(address: SocketAddr) {
    let hello = (200, "hello from /hello".to_owned());
    assert_eq!(get(address, "/hello").await, hello);
    let items = batch(address, gets(&["/hello", "/hello?again"])).await;
    assert_eq!(items, vec![(200, json!(hello.1)); 2]);
}
