//! Batches for the tests.

use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::{Router, body::Body, routing::get};
use http::StatusCode;
use tower::{Layer, ServiceExt};
use tower_multistatus::BatchLayer;

async fn with_route(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(path);
    }
    response
}

/// Sends a batch of three items, one of which is not dispatched, and a batch that is refused.
pub async fn send_batches(layer: BatchLayer) {
    let api: Router = Router::new()
        .route("/users/{id}", get(async || "a user"))
        .route("/fail", get(async || StatusCode::CONFLICT))
        .layer(from_fn(with_route));
    let service = layer.layer(api);
    let batch = r#"{"requests":[
        {"id":"a","method":"GET","url":"/users/1"},
        {"id":"b","method":"GET","url":"/fail"},
        {"id":"c","method":"GET","url":"/users/2","dependsOn":["b"]}]}"#;
    for (batch, status) in [(batch, 207), ("{", 400)] {
        let request = Request::post("/batch")
            .header("content-type", "application/json")
            .body(Body::from(batch))
            .expect("a request");
        let response = service.clone().oneshot(request).await.expect("a response");
        assert_eq!(response.status(), status);
    }
}

/// Runs a future on this thread, for which recorders and subscribers are set.
pub fn run(future: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().expect("a runtime");
    runtime.block_on(future);
}
