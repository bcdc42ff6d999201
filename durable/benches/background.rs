//! Batches in the background beside the same ones that run at once, on a SQLite file with
//! `synchronous=FULL`, or on the PostgreSQL of `DATABASE_URL`: `cargo bench --bench background`.
//!
//! Each row is batches of 20 items that do nothing, sent by 32 clients at a time.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::any;
use futures_util::stream::{self, StreamExt};
use http_body_util::BodyExt;
use serde_json::json;
use tower::{Layer, ServiceExt};
use tower_multistatus::BatchLayer;
use tower_multistatus_durable::{DurableLayer, Store};

const ITEMS: usize = 20;
const CLIENTS: usize = 32;
const TIME: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() {
    // Not the folder for temporary files, which may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder");
    println!(
        "| batches of {ITEMS} | accepted/s | ended/s | items/s | at once: batches/s | items/s |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for method in ["GET", "POST"] {
        let file = folder.path().join(method);
        let store = open(&file).await;
        let api = Router::new().route("/{id}", any(async || "done"));
        let batch = BatchLayer::new("/batch");
        let layer = DurableLayer::new(batch, store).max_batches(1_000_000);
        let app = Router::new().fallback_service(layer.layer(api.clone()));
        let at_once = send(&app, method, false).await;
        let accepted = send(&app, method, true).await;
        let begin = Instant::now();
        let worker = tokio::spawn(layer.worker(api));
        for monitor in &accepted.monitors {
            end(&app, monitor).await;
        }
        let ended = accepted.monitors.len() as f64 / begin.elapsed().as_secs_f64();
        println!(
            "| {method} | {:.0} | {ended:.0} | {:.0} | {:.0} | {:.0} |",
            accepted.rate,
            ended * ITEMS as f64,
            at_once.rate,
            at_once.rate * ITEMS as f64,
        );
        worker.abort();
    }
}

async fn open(file: &std::path::Path) -> Store {
    #[cfg(feature = "postgres")]
    if let Ok(url) = std::env::var("DATABASE_URL") {
        return Store::postgres(&url).await.expect("a store");
    }
    Store::sqlite(file).await.expect("a store")
}

struct Sent {
    /// Batches a second.
    rate: f64,
    monitors: Vec<String>,
}

/// Sends batches for some time.
async fn send(app: &Router, method: &str, is_async: bool) -> Sent {
    let item =
        |id: usize| json!({ "id": id.to_string(), "method": method, "url": format!("/{id}") });
    let items: Vec<_> = (0..ITEMS).map(item).collect();
    let envelope = json!({ "requests": items }).to_string();
    let begin = Instant::now();
    let requests = stream::repeat_with(|| {
        let request = Request::post("/batch").header("content-type", "application/json");
        let request = if is_async {
            request.header("prefer", "respond-async")
        } else {
            request
        };
        let request = request
            .body(Body::from(envelope.clone()))
            .expect("a request");
        let app = app.clone();
        tokio::spawn(async move {
            let Ok(response) = app.oneshot(request).await;
            let (parts, body) = response.into_parts();
            body.collect().await.expect("a body");
            let expected = if is_async {
                StatusCode::ACCEPTED
            } else {
                StatusCode::MULTI_STATUS
            };
            assert_eq!(parts.status, expected);
            parts
                .headers
                .get("location")
                .map(|url| url.to_str().expect("a text").to_owned())
        })
    });
    let responses = requests.take_while(|_| std::future::ready(begin.elapsed() < TIME));
    let monitors: Vec<_> = responses.buffer_unordered(CLIENTS).collect().await;
    let rate = monitors.len() as f64 / begin.elapsed().as_secs_f64();
    let monitors = monitors
        .into_iter()
        .filter_map(|monitor| monitor.expect("a response"));
    Sent {
        rate,
        monitors: monitors.collect(),
    }
}

/// Waits until a batch has ended.
async fn end(app: &Router, monitor: &str) {
    loop {
        let request = Request::get(monitor)
            .body(Body::empty())
            .expect("a request");
        let Ok(response) = app.clone().oneshot(request).await;
        if response.status() == StatusCode::OK {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
