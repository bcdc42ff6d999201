//! An axum application with a batch endpoint, metrics, traces, request ids, sessions, an
//! authentication middleware and a rate limit by the peer's address.
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

/// The metrics layer, and the handle that renders the metrics. A process can have one.
pub type Metrics = (PrometheusMetricLayer<'static>, PrometheusHandle);

/// Creates the application. A peer may send `burst` requests and items. After that, it may send one
/// per minute.
pub fn app((metrics, handle): Metrics, burst: u32) -> Router {
    let governor = GovernorConfigBuilder::default()
        .per_second(60)
        .burst_size(burst)
        .finish()
        .expect("a burst and a period");

    // Items and ordinary requests pass through these layers.
    let api = api()
        .layer(from_fn(authenticate))
        .layer(GovernorLayer::new(governor))
        .layer(metrics.clone());

    // The metrics count batches too, besides their items.
    let batch = BatchLayer::new("/batch")
        .inherit_extension::<ConnectInfo<SocketAddr>>()
        .inherit_extension::<Session>();
    let batch = Router::new()
        .route_service("/batch", batch.layer(api.clone()))
        .layer(metrics);

    // These layers concern the outer request: a batch has one session, one request id and one span.
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    api.merge(batch)
        .route("/metrics", get(async move || handle.render()))
        .layer(sessions)
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

/// The API that items and ordinary requests reach. It has no code for batches.
fn api() -> Router {
    Router::new()
        .route("/users/{id}", get(user))
        .route("/me", get(me))
        .route("/visits", post(visit))
        .route("/orders", post(order))
        .with_state(Orders::default())
}

/// Disables Nagle's algorithm for the connections of a listener. With it, a streamed line waits
/// until the client has acknowledged the one before, and clients delay that by 40 ms.
pub fn without_delay(listener: TcpListener) -> TapIo<TcpListener, impl FnMut(&mut TcpStream)> {
    listener.tap_io(|stream| drop(stream.set_nodelay(true)))
}

/// Serves a router, with the addresses of peers as `ConnectInfo`.
///
/// # Errors
///
/// The listener fails.
pub async fn serve(listener: TcpListener, app: Router) -> std::io::Result<()> {
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(without_delay(listener), app).await
}

/// Returns the span of a request. It has the route and not the path, so that there is not one span
/// name for each URL.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map(MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route)
}

/// The sender of a request.
#[derive(Clone, Debug, Serialize)]
pub struct User {
    name: &'static str,
}

/// Adds the [`User`] to a request for handlers, and refuses unknown users.
pub async fn authenticate(mut request: Request, next: Next) -> Response {
    let authorization = request.headers().get(AUTHORIZATION);
    let user = match authorization.map(HeaderValue::as_bytes) {
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
/// The session store fails.
pub async fn visit(session: Session) -> Result<Json<u32>, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let visits: Option<u32> = session.get("visits").await.map_err(failed)?;
    let visits = visits.unwrap_or(0) + 1;
    session.insert("visits", visits).await.map_err(failed)?;
    Ok(Json(visits))
}

/// The number of orders.
pub type Orders = Arc<AtomicU64>;

#[derive(Deserialize)]
pub struct Order {
    product: String,
}

pub async fn order(State(orders): State<Orders>, Form(order): Form<Order>) -> Json<Value> {
    let id = orders.fetch_add(1, Ordering::Relaxed) + 1;
    Json(json!({ "id": id, "product": order.product }))
}
