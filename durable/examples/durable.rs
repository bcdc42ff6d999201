//! Batches that run in the background: `cargo run --example durable` in this package, then paste
//! what it prints.
//!
//! The store is the SQLite file `durable.db` in the folder for temporary files, or in `DURABLE_DB`.
//! With the feature `postgres` it is the database of `DATABASE_URL`, if that is set. The example
//! listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port).

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower::Layer;
use tower_multistatus::{BatchLayer, Multipart};
use tower_multistatus_durable::{DurableLayer, Store};

const TRY: &str = r#"# Submits a batch: three reports take a second each, and two payments half a second.
monitor=$(curl -si http://ADDRESS/batch -H 'content-type: application/json' -H 'prefer: respond-async' -d '{"requests": [
  {"id": "r1", "method": "GET", "url": "/reports/1"},
  {"id": "r2", "method": "GET", "url": "/reports/2"},
  {"id": "r3", "method": "GET", "url": "/reports/3"},
  {"id": "p1", "method": "POST", "url": "/payments/1"},
  {"id": "p2", "method": "POST", "url": "/payments/2", "headers": {"Idempotency-Key": "p2"}}]}' |
  tr -d '\r' | sed -n 's/^location: //ip')
echo "the monitor is $monitor"

# How far it is, and its lines as they come.
curl -sw '\n' http://ADDRESS$monitor
curl -sN http://ADDRESS$monitor -H 'accept: application/x-ndjson'

# The whole result, as JSON and as the message that the client would have got at once.
curl -siw '\n' http://ADDRESS$monitor
curl -sw '\n' http://ADDRESS$monitor -H 'accept: application/http'

# The whole response at once, if it comes within 5 s.
curl -sw '\n' http://ADDRESS/batch -H 'content-type: application/json' -H 'prefer: respond-async, wait=5' -d '{"requests": [
  {"id": "r4", "method": "GET", "url": "/reports/4"}]}'

# Submits one more, and cancels it.
monitor=$(curl -si http://ADDRESS/batch -H 'content-type: application/json' -H 'prefer: respond-async' -d '{"requests": [
  {"id": "p3", "method": "POST", "url": "/payments/3"},
  {"id": "r5", "method": "GET", "url": "/reports/5", "dependsOn": ["p3"]}]}' |
  tr -d '\r' | sed -n 's/^location: //ip')
sleep 0.7
curl -sw '\n' -X DELETE http://ADDRESS$monitor
curl -sw '\n' http://ADDRESS$monitor

# Submit one, kill the server with `kill -9 PROCESS`, start it again on the same port, and watch the
# monitor: the reports run again, and the payment without a key has an unknown outcome if it had
# begun.
"#;

/// A report, which can be made again.
async fn report(Path(id): Path<u32>) -> Json<Value> {
    println!("# report {id} begins");
    sleep(Duration::from_secs(1)).await;
    Json(json!({ "report": id }))
}

/// A payment, which must not be made twice unless it has a key.
async fn pay(Path(id): Path<u32>, headers: HeaderMap) -> (StatusCode, Json<Value>) {
    let key = headers.get("idempotency-key");
    println!("# payment {id} begins, with the key {key:?}");
    sleep(Duration::from_millis(500)).await;
    (StatusCode::CREATED, Json(json!({ "payment": id })))
}

async fn open_store() -> Result<Store, Box<dyn Error>> {
    #[cfg(feature = "postgres")]
    if let Ok(url) = std::env::var("DATABASE_URL") {
        return Ok(Store::postgres(&url).await?);
    }
    let file = std::env::var_os("DURABLE_DB").map(PathBuf::from);
    let file = file.unwrap_or_else(|| std::env::temp_dir().join("durable.db"));
    Ok(Store::sqlite(file).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let api = Router::new()
        .route("/reports/{id}", get(report))
        .route("/payments/{id}", post(pay));
    let batch = BatchLayer::new("/batch").format(Multipart::new());
    let durable = DurableLayer::new(batch, open_store().await?);
    // In the same process. It could be another one, or several.
    tokio::spawn(durable.worker(api.clone()));
    let service = durable.layer(api.clone());
    let app = api
        .route_service("/batch", service.clone())
        .route_service("/batch/monitors/{id}", service);

    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}");
    let process = std::process::id().to_string();
    println!(
        "{}",
        TRY.replace("ADDRESS", &address)
            .replace("PROCESS", &process)
    );
    axum::serve(listener, app).await?;
    Ok(())
}
