//! The process that accepts batches, and the place that it shares with the workers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::sleep;
use tower::{Layer, ServiceExt};
use tower_multistatus::BatchLayer;
use tower_multistatus_durable::{DurableLayer, Store};

use crate::database::new_database;
use crate::process::LEASE;

/// A folder, and a database in it or on a server.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    database: Option<String>,
    _owned: Option<Arc<tempfile::TempDir>>,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = match std::env::var("DATABASE_URL") {
            Ok(server) => Some(new_database(&server).await),
            Err(_) => None,
        };
        Self {
            folder: folder.path().to_owned(),
            database,
            _owned: Some(Arc::new(folder)),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        json!([self.folder, self.database]).to_string()
    }

    pub(crate) fn from_text(text: &str) -> Self {
        let (folder, database) = serde_json::from_str(text).expect("a place");
        Self {
            folder,
            database,
            _owned: None,
        }
    }

    pub(crate) fn is_server(&self) -> bool {
        self.database.is_some()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn open_gate(&self) {
        std::fs::write(self.folder.join("gate"), "").expect("a file");
    }

    pub(crate) fn gate_is_open(&self) -> bool {
        self.folder.join("gate").exists()
    }

    pub(crate) async fn open(&self) -> Store {
        #[cfg(feature = "postgres")]
        if let Some(url) = &self.database {
            return Store::postgres(url).await.expect("a store");
        }
        Store::sqlite(self.folder.join("batches.db"))
            .await
            .expect("a store")
    }
}

/// The layer of the server and of its workers.
pub(crate) fn layer(store: Store) -> DurableLayer {
    let variable = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse::<u32>().ok())
    };
    let batch = BatchLayer::new("/batch").item_timeout(None);
    let batch = batch.concurrency(variable("CONCURRENCY").unwrap_or(8) as usize);
    let layer = DurableLayer::new(batch, store)
        .attempts(variable("ATTEMPTS").unwrap_or(1000))
        .lease(LEASE);
    layer.poll(Duration::from_millis(10))
}

/// Accepts batches, and runs none.
pub(crate) struct Server(Router);

impl Server {
    pub(crate) async fn new(place: &Place, set: impl FnOnce(DurableLayer) -> DurableLayer) -> Self {
        let layer = set(layer(place.open().await));
        Self(Router::new().fallback_service(layer.layer(Router::new())))
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, Vec<u8>) {
        let Ok(response) = self.0.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status, parts.headers, body.to_vec())
    }

    /// Sends a batch, and returns the URL of its monitor.
    pub(crate) async fn submit(&self, items: Value) -> String {
        let request = Request::post("/batch")
            .header("content-type", "application/json")
            .header("prefer", "respond-async")
            .body(Body::from(json!({ "requests": items }).to_string()));
        let (status, headers, body) = self.send(request.expect("a request")).await;
        assert_eq!(
            status,
            StatusCode::ACCEPTED,
            "{}",
            String::from_utf8_lossy(&body)
        );
        headers["location"].to_str().expect("a text").to_owned()
    }

    /// The result of a batch, if it has ended.
    pub(crate) async fn try_result(&self, monitor: &str) -> Option<Value> {
        let request = Request::get(monitor)
            .body(Body::empty())
            .expect("a request");
        match self.send(request).await {
            (StatusCode::ACCEPTED, _, _) => None,
            (StatusCode::OK, _, body) => Some(serde_json::from_slice(&body).expect("JSON")),
            (status, _, body) => panic!("{status}: {}", String::from_utf8_lossy(&body)),
        }
    }

    pub(crate) async fn result(&self, monitor: &str, within: Duration) -> Value {
        let begin = Instant::now();
        loop {
            if let Some(result) = self.try_result(monitor).await {
                return result;
            }
            assert!(begin.elapsed() < within, "the batch does not end");
            sleep(Duration::from_millis(5)).await;
        }
    }
}
