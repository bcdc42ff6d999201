//! A batch handler written without this crate: typed JSON in, all items at once, typed JSON out. It
//! has no limits, no header policy and no dependencies. If one response is not JSON, the whole
//! batch fails.

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use futures_util::future::join_all;
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::{Service, ServiceExt};

#[derive(Deserialize)]
struct Envelope {
    requests: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    method: String,
    url: String,
    body: Option<Value>,
}

#[derive(Serialize)]
struct Responses {
    responses: Vec<ItemResponse>,
}

#[derive(Serialize)]
struct ItemResponse {
    id: String,
    status: u16,
    body: Value,
}

/// An application whose `/batch` dispatches to `api`.
pub(crate) fn app<S>(api: S) -> Router
where
    S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    Router::new()
        .route("/batch", post(batch::<S>))
        .with_state(api)
}

async fn batch<S>(
    State(api): State<S>,
    Json(envelope): Json<Envelope>,
) -> Result<Json<Responses>, StatusCode>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    let calls = envelope
        .requests
        .into_iter()
        .map(|item| respond(api.clone(), item));
    let responses = join_all(calls)
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    Ok(Json(Responses { responses }))
}

async fn respond<S>(api: S, item: Item) -> Result<ItemResponse, StatusCode>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    let request = Request::builder()
        .method(item.method.as_str())
        .uri(item.url);
    let request = match item.body {
        None => request.body(Body::empty()),
        Some(body) => request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string())),
    };
    let request = request.map_err(|_| StatusCode::BAD_REQUEST)?;
    let Ok(response) = api.oneshot(request).await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await;
    let body = body.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_GATEWAY)?
    };
    Ok(ItemResponse {
        id: item.id,
        status,
        body,
    })
}
