//! An axum application with what applications have, and a batch endpoint in it: metrics, traces,
//! request ids, sessions, an auth middleware and a governor by the peer's address.
//!
//! `cargo run --manifest-path examples/stack/Cargo.toml` serves it on 127.0.0.1:3000.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{ConnectInfo, MatchedPath, Path, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::{ListenerExt, TapIo};
use axum::{Extension, Form, Json, Router};
use axum_prometheus::PrometheusMetricLayer;
use axum_prometheus::metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tower_multistatus::BatchLayer;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

/// The layer of the metrics, and what renders them. One in a process.
pub type Metrics = (PrometheusMetricLayer<'static>, PrometheusHandle);

/// The application. A peer may send so many requests, items among them, before it has to wait a
/// minute for each.
pub fn app((metrics, handle): Metrics, burst: u32) -> Router {
    let governor = GovernorConfigBuilder::default()
        .per_second(60)
        .burst_size(burst)
        .finish()
        .expect("a burst and a period");

    // What every item and every ordinary request passes.
    let api = api()
        .layer(from_fn(authenticate))
        .layer(GovernorLayer::new(governor))
        .layer(metrics.clone());

    // A line of the metrics for batches, besides those of their items.
    let batch = BatchLayer::new("/batch")
        .inherit_extension::<ConnectInfo<SocketAddr>>()
        .inherit_extension::<Session>();
    let batch = Router::new()
        .route_service("/batch", batch.layer(api.clone()))
        .layer(metrics);

    // What is about the outer request: one session, one request id and one span for a batch.
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    api.merge(batch)
        .route("/metrics", get(async move || handle.render()))
        .layer(sessions)
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// The routes. They know nothing of batches.
fn api() -> Router {
    Router::new()
        .route("/users/{id}", get(user))
        .route("/me", get(me))
        .route("/visits", post(visit))
        .route("/orders", post(order))
        .with_state(Orders::default())
}

/// The connections of a listener, without Nagle's algorithm: it holds a streamed line back until
/// the client has acknowledged the one before, which clients delay by 40 ms.
pub fn without_delay(listener: TcpListener) -> TapIo<TcpListener, impl FnMut(&mut TcpStream)> {
    listener.tap_io(|stream| drop(stream.set_nodelay(true)))
}

/// Serves a router, and tells it the peers' addresses.
///
/// # Errors
///
/// Those of the listener.
pub async fn serve(listener: TcpListener, app: Router) -> std::io::Result<()> {
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(without_delay(listener), app).await
}

/// The route and not the path, so that there are not as many names as URLs.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map(MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route)
}

/// Who has sent a request.
#[derive(Clone, Debug, Serialize)]
pub struct User {
    name: &'static str,
}

/// Tells handlers who has sent a request, and refuses strangers.
pub async fn authenticate(mut request: Request, next: Next) -> Response {
    let word = request.headers().get(AUTHORIZATION);
    let user = match word.map(HeaderValue::as_bytes) {
        Some(b"Bearer ada") => User { name: "Ada" },
        Some(b"Bearer grace") => User { name: "Grace" },
        _ => return StatusCode::UNAUTHORIZED.into_response(),
    };
    request.extensions_mut().insert(user);
    next.run(request).await
}

async fn user(Path(id): Path<u32>) -> Json<Value> {
    tracing::info!(id, "looked up");
    Json(json!({ "id": id }))
}

pub async fn me(Extension(user): Extension<User>) -> Json<User> {
    Json(user)
}

/// Counts the visits of a session.
///
/// # Errors
///
/// When the store fails.
pub async fn visit(session: Session) -> Result<Json<u32>, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let visits: Option<u32> = session.get("visits").await.map_err(failed)?;
    let visits = visits.unwrap_or(0) + 1;
    session.insert("visits", visits).await.map_err(failed)?;
    Ok(Json(visits))
}

/// How many orders there were.
pub type Orders = Arc<AtomicU64>;

#[derive(Deserialize)]
pub struct Order {
    product: String,
}

pub async fn order(State(orders): State<Orders>, Form(order): Form<Order>) -> Json<Value> {
    let id = orders.fetch_add(1, Ordering::Relaxed) + 1;
    Json(json!({ "id": id, "product": order.product }))
}
