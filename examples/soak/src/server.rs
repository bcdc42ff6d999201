//! The server: an axum application with a batch endpoint, whose items fail as their keys say.

use std::future::pending;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::Path;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use tokio::runtime::Handle;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
use tower_multistatus::{BatchLayer, Multipart, RequestBody};

use crate::fault::Fault;
use crate::ledger::{Ledger, Recorded};
use crate::samples::Stats;

/// The timeout of an item. Items that hang end by it.
pub const ITEM_TIMEOUT: Duration = Duration::from_millis(500);

/// The time that a slow item takes.
const SLOW: Duration = Duration::from_millis(50);

/// The time after which a stream ends whose client has gone without a trace.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves the application for items of this number of keys.
///
/// # Errors
///
/// If there is no port.
pub async fn serve(keys: usize) -> io::Result<()> {
    load::serve(app(&Ledger::new(keys))).await
}

fn app(ledger: &Arc<Ledger>) -> Router {
    let api = Router::new()
        .route("/items/{key}", get(item).post(item))
        .route("/large/{bytes}", get(large));
    let batch = BatchLayer::new("/batch")
        .format(Multipart::new())
        .max_items(crate::client::MAX_ITEMS)
        .item_timeout(ITEM_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT);
    let items = Arc::clone(ledger);
    // The layer turns the errors of items into responses. But its error type is that of the items,
    // and a route has none.
    let batch = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(async |_: BoxError| {
            StatusCode::INTERNAL_SERVER_ERROR
        }))
        .layer(batch)
        .service(service_fn(move |request| call(&items, &api, request)));
    let (open, entries) = (Arc::clone(ledger), Arc::clone(ledger));
    Router::new()
        .route_service("/batch", batch)
        .route("/stats", get(async move || Json(stats(&open))))
        .route("/ledger", get(async move || entries.write()))
}

/// Calls an item, and records it.
fn call(
    ledger: &Arc<Ledger>,
    api: &Router,
    request: Request<RequestBody<Body>>,
) -> impl Future<Output = Result<Response<Recorded>, BoxError>> + Send + use<> {
    let key = key_of(request.uri().path());
    // `None` is an item that is not counted: it is not one of the soak.
    let call = key.and_then(|key| ledger.start(key));
    let api = api.clone();
    async move {
        if key.map(Fault::of) == Some(Fault::Error) {
            call.into_iter().for_each(|call| call.end());
            return Err("planned".into());
        }
        let response = api.oneshot(request).await?;
        Ok(Recorded::of(response, call))
    }
}

fn key_of(path: &str) -> Option<usize> {
    path.strip_prefix("/items/")?.parse().ok()
}

fn stats(ledger: &Ledger) -> Stats {
    Stats {
        tasks: Handle::current().metrics().num_alive_tasks(),
        open: ledger.open(),
    }
}

/// Responds to an item as its key says.
async fn item(Path(key): Path<usize>, body: Bytes) -> axum::response::Response {
    match Fault::of(key) {
        Fault::Panic => resume_unwind(Box::new("planned")),
        Fault::Hang => pending().await,
        Fault::BrokenBody => {
            let frames = [Ok("{\"key\":"), Err("planned")];
            return Body::from_stream(stream::iter(frames)).into_response();
        }
        Fault::Slow => tokio::time::sleep(SLOW).await,
        Fault::None | Fault::Error => {}
    }
    let json = [("content-type", "application/json")];
    if body.is_empty() {
        (json, format!(r#"{{"key":{key}}}"#)).into_response()
    } else {
        (StatusCode::CREATED, json, body).into_response()
    }
}

/// A JSON string of this length.
async fn large(Path(bytes): Path<usize>) -> impl IntoResponse {
    let text = format!("\"{}\"", "x".repeat(bytes.saturating_sub(2)));
    ([("content-type", "application/json")], text)
}
