//! An axum application with a batch endpoint: `cargo run --example server --features tracing`, then
//! paste what it prints.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port). Log lines go to the
//! standard error. With the feature `tracing`, they include refused batches and failed items.

use std::env;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::Layer;
use tower_multistatus::BatchLayer;

const TRY: &str = r#"# A user, an order that depends on it, a photo, an item that fails, and one that depends on that.
curl -sw '\n' http://ADDRESS/batch -H 'content-type: application/json' -d '{"requests": [
  {"id": "user",  "method": "GET",  "url": "/users/1"},
  {"id": "order", "method": "POST", "url": "/orders", "dependsOn": ["user"], "body": {"user": 1, "total": 12.50}},
  {"id": "photo", "method": "GET",  "url": "/users/1/photo"},
  {"id": "gone",  "method": "GET",  "url": "/users/9"},
  {"id": "after", "method": "GET",  "url": "/note", "dependsOn": ["gone"]}]}'

# Streamed: one line per item, when it finishes. The first item takes a second, the second panics.
curl -sN http://ADDRESS/batch -H 'content-type: application/json' -H 'accept: application/x-ndjson' -d '{"requests": [
  {"id": "slow",  "method": "GET", "url": "/slow"},
  {"id": "crash", "method": "GET", "url": "/crash"},
  {"id": "note",  "method": "GET", "url": "/note"}]}'

# Refused before any item runs: two items have the same id.
curl -sw '\n' http://ADDRESS/batch -H 'content-type: application/json' -d '{"requests": [
  {"id": "1", "method": "POST", "url": "/orders", "body": {"user": 1, "total": 1}},
  {"id": "1", "method": "POST", "url": "/orders", "body": {"user": 1, "total": 2}}]}'
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    // Gives items the peer's address, for handlers and rate limits that use it.
    let batch = BatchLayer::new("/batch").inherit_extension::<ConnectInfo<SocketAddr>>();
    let api = api();
    let app = api.clone().route_service("/batch", batch.layer(api));

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}\n");
    println!("{}", TRY.replace("ADDRESS", &address));
    // Without this, a streamed line waits until the client has acknowledged the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await?;
    Ok(())
}

/// The API that the items of a batch reach. It has no code for batches.
fn api() -> Router {
    Router::new()
        .route("/users/{id}", get(user))
        .route("/users/{id}/photo", get(photo))
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(order))
        .route("/note", get(async || "a text, \"as it is\""))
        .route("/slow", get(slow))
        .route("/crash", get(crash))
        .with_state(Orders::default())
}

type Orders = Arc<Mutex<Vec<Value>>>;

async fn user(Path(id): Path<usize>) -> Result<Json<Value>, StatusCode> {
    match id {
        1 => Ok(Json(json!({ "id": 1, "name": "Ada" }))),
        2 => Ok(Json(json!({ "id": 2, "name": "Grace" }))),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

/// One grey pixel.
async fn photo(Path(_): Path<usize>) -> impl IntoResponse {
    let pixel: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\
        \0\0\0\nIDATx\xdach\0\0\0\x82\0\x81\xdaE\x08;\0\0\0\0IEND\xaeB`\x82";
    ([(CONTENT_TYPE, "image/png")], pixel)
}

async fn place_order(State(orders): State<Orders>, Json(order): Json<Value>) -> impl IntoResponse {
    let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
    orders.push(order);
    let id = orders.len();
    let location = format!("/orders/{id}");
    (
        StatusCode::CREATED,
        [(LOCATION, location)],
        Json(json!({ "id": id })),
    )
}

async fn order(
    State(orders): State<Orders>,
    Path(id): Path<usize>,
) -> Result<Json<Value>, StatusCode> {
    let orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
    let order = id.checked_sub(1).and_then(|index| orders.get(index));
    order.cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(1)).await;
    "slow, but here"
}

/// In a batch, a panic fails one item only.
async fn crash() {
    panic!("this handler always panics, as an example");
}
