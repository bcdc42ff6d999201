//! An endpoint with its page: `cargo run --example page --features page`, then open the address
//! that it prints in a browser.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port).

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::extract::Path;
use axum::routing::{any, get};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;
use tower::Layer;
use tower_multistatus::BatchLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let batch = BatchLayer::new("/batch")
        .page(true)
        .describe(true)
        .server_timing(true);
    let api = api();
    let app = api.clone().route_service("/batch", batch.layer(api));
    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    println!("# Listening on http://{}\n", listener.local_addr()?);
    println!("# Open http://{}/batch", listener.local_addr()?);
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, app).await?)
}

fn api() -> Router {
    Router::new()
        .route("/", get(async || Json(json!({ "name": "an API" }))))
        .route("/wait/{ms}", get(wait))
        .route("/status/{status}", get(status))
        // Responds with the body that it gets, whatever it is.
        .route("/echo", any(async |body: String| body))
}

async fn wait(Path(ms): Path<u64>) -> Json<u64> {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Json(ms)
}

async fn status(Path(status): Path<u16>) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
}
