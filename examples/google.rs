//! A batch endpoint for clients of Google's APIs: `cargo run --example google --features
//! multipart`, then paste what it prints.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port).

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tower::Layer;
use tower_multistatus::BatchLayer;

const TRY: &str = r#"# A write, a read, and a read that fails. They run concurrently.
curl -s 'http://ADDRESS/batch/demo/v1' -H 'content-type: multipart/mixed; boundary=b' --data-binary @- <<'END'
--b
Content-Type: application/http
Content-ID: <write>

POST /demo/v1/items
Content-Type: application/json

{"id": "two", "name": "Second"}
--b
Content-Type: application/http
Content-ID: <read>

GET /demo/v1/items/one
--b
Content-Type: application/http
Content-ID: <gone>

GET /demo/v1/items/none
--b--
END
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let batch = BatchLayer::google("/batch/demo/v1");
    let api = Router::new().nest("/demo/v1", api());
    let app = api
        .clone()
        .route_service("/batch/demo/v1", batch.layer(api));

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}\n");
    println!("{}", TRY.replace("ADDRESS", &address));
    // Without this, a streamed line waits until the client has acknowledged the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app).await?;
    Ok(())
}

/// The API that the items of a batch reach. It has no code for batches.
fn api() -> Router {
    Router::new()
        .route("/items", get(list).post(insert))
        .route("/items/{id}", get(read).delete(delete))
        .with_state(Items::default())
}

#[derive(Clone)]
struct Items(Arc<Mutex<BTreeMap<String, Item>>>);

#[derive(Clone, Deserialize, Serialize)]
struct Item {
    id: String,
    name: String,
}

impl Default for Items {
    fn default() -> Self {
        let (id, name) = ("one".to_owned(), "First".to_owned());
        let items = [(id.clone(), Item { id, name })];
        Self(Arc::new(Mutex::new(items.into())))
    }
}

impl Items {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn list(State(items): State<Items>) -> impl IntoResponse {
    let items: Vec<_> = items.lock().values().cloned().collect();
    Json(json!({ "items": items }))
}

async fn insert(State(items): State<Items>, Json(item): Json<Item>) -> Json<Item> {
    items.lock().insert(item.id.clone(), item.clone());
    Json(item)
}

async fn read(State(items): State<Items>, Path(id): Path<String>) -> Response {
    let item = items.lock().get(&id).cloned();
    item.map_or_else(not_found, |item| Json(item).into_response())
}

async fn delete(State(items): State<Items>, Path(id): Path<String>) -> Response {
    let item = items.lock().remove(&id);
    item.map_or_else(not_found, |_| StatusCode::NO_CONTENT.into_response())
}

fn not_found() -> Response {
    let error =
        json!({ "error": { "code": 404, "message": "no such item", "status": "NOT_FOUND" } });
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}
