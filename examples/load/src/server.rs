//! The server: an axum application with a batch endpoint.

use std::io;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::items::exists;

#[derive(Debug, Deserialize, Serialize)]
struct Thing {
    number: usize,
    name: String,
}

#[derive(Debug, Serialize)]
struct Missing {
    missing: usize,
}

#[derive(Debug, Serialize)]
struct Created {
    created: usize,
}

async fn thing(Path(number): Path<usize>) -> Response {
    if !exists(number) {
        return (StatusCode::NOT_FOUND, Json(Missing { missing: number })).into_response();
    }
    let name = format!("thing {number}");
    Json(Thing { number, name }).into_response()
}

async fn create(Json(thing): Json<Thing>) -> (StatusCode, Json<Created>) {
    let created = thing.number;
    (StatusCode::CREATED, Json(Created { created }))
}

/// The application that the items of this package are for.
pub fn app() -> Router {
    let api = Router::new()
        .route("/things/{number}", get(thing))
        .route("/things", post(create));
    let batch = BatchLayer::new("/batch").max_streamed_items(usize::MAX);
    api.clone().route_service("/batch", batch.layer(api))
}

/// Serves an application on a free port of the loopback, and prints its address. Returns when the
/// standard input ends.
///
/// # Errors
///
/// If there is no port.
pub async fn serve(app: Router) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    tokio::select! {
        served = axum::serve(listener, app) => served,
        end = async {
            while input.read(&mut buffer).await? > 0 {}
            Ok(())
        } => end,
    }
}
