//! An OData service whose batches can run in the background, for clients of Dataverse: run it with
//! `cargo run --example odata_durable` in this package. `tests/clients/run` of the repository runs
//! `dynamics-web-api` against it.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port).

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets};
use tower_multistatus_durable::{DurableLayer, Store};

/// `contacts(…)`: the entity with this key, after half a second.
async fn contact(Path(entity): Path<String>) -> Result<Json<Value>, StatusCode> {
    sleep(Duration::from_millis(500)).await;
    let key = entity
        .strip_prefix("contacts(")
        .and_then(|rest| rest.strip_suffix(')'));
    let key = key.ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({ "contactid": key, "firstname": "Ada" })))
}

/// Creates a contact, in half a second.
async fn create(State(count): State<Arc<AtomicU32>>) -> impl IntoResponse {
    sleep(Duration::from_millis(500)).await;
    let number = count.fetch_add(1, Ordering::Relaxed) + 1;
    let url = format!("/api/data/v9.2/contacts(00000000-0000-0000-0000-{number:012})");
    let headers = [
        (header::LOCATION, url.clone()),
        (header::HeaderName::from_static("odata-entityid"), url),
    ];
    (StatusCode::NO_CONTENT, headers)
}

async fn count(State(count): State<Arc<AtomicU32>>) -> Json<u32> {
    Json(count.load(Ordering::Relaxed))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let api = Router::new()
        .route("/api/data/v9.2/contacts", post(create))
        .route("/api/data/v9.2/count", get(count))
        .route("/api/data/v9.2/{entity}", get(contact))
        .with_state(Arc::default());
    let batch = BatchLayer::odata("/api/data/v9.2/$batch").change_sets(ChangeSets::best_effort());
    let folder = tempfile::tempdir()?;
    let store = Store::sqlite(folder.path().join("batches.db")).await?;
    // Clients of Dataverse take the id from this header, and build the URL of the monitor.
    let durable = DurableLayer::new(batch, store)
        .monitors_at("/api/backgroundoperation")
        .id_header("x-ms-dyn-backgroundoperationid");
    tokio::spawn(durable.worker(api.clone()));
    let service = durable.layer(api.clone());
    let app = api
        .route_service("/api/data/v9.2/$batch", service.clone())
        .route_service("/api/backgroundoperation/{id}", service);

    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("# Listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
