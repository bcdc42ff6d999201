//! For rows of the guide page `compile_errors`: the first code block does not compile, and the
//! second one does.

/// The error of the inner service is boxed, and its future runs inside another one that must be
/// `Send`.
///
/// ```compile_fail
/// # use axum::{Router, body::Body, extract::Request, response::IntoResponse, routing::any};
/// # use http::{Response, StatusCode};
/// # use tower::{BoxError, Layer, ServiceExt, service_fn, util::BoxCloneSyncService};
/// # use tower_multistatus::{BatchLayer, RequestBody};
/// let inner = service_fn(async |_: Request<RequestBody<Body>>| {
///     Ok::<_, BoxError>(Response::new(Body::empty()))
/// });
/// let batch = BatchLayer::new("/batch").layer(inner);
/// let handler = async move |request: Request| match batch.clone().oneshot(request).await {
///     Ok(response) => response.into_response(),
///     Err(_) => StatusCode::BAD_GATEWAY.into_response(),
/// };
/// let app: Router = Router::new().route("/batch", any(handler));
/// ```
///
/// ```
/// # use axum::{Router, body::Body, extract::Request, response::IntoResponse, routing::any};
/// # use http::{Response, StatusCode};
/// # use tower::{BoxError, Layer, ServiceExt, service_fn, util::BoxCloneSyncService};
/// # use tower_multistatus::{BatchLayer, RequestBody};
/// let inner = service_fn(async |_: Request<RequestBody<Body>>| {
///     Ok::<_, BoxError>(Response::new(Body::empty()))
/// });
/// let batch = BoxCloneSyncService::new(BatchLayer::new("/batch").layer(inner));
/// let handler = async move |request: Request| match batch.clone().oneshot(request).await {
///     Ok(response) => response.into_response(),
///     Err(_) => StatusCode::BAD_GATEWAY.into_response(),
/// };
/// let app: Router = Router::new().route("/batch", any(handler));
/// ```
struct FutureThatBorrows;

/// ```compile_fail
/// # use axum::{Router, extract::State, routing::get};
/// # use tower::Layer;
/// # use tower_multistatus::BatchLayer;
/// #[derive(Clone)]
/// struct App;
///
/// let api: Router<App> = Router::new().route("/hello", get(async |_: State<App>| "hello"));
/// let batch = BatchLayer::new("/batch").layer(api.clone());
/// let app: Router<App> = api.route_service("/batch", batch);
/// ```
///
/// ```
/// # use axum::{Router, extract::State, routing::get};
/// # use tower::Layer;
/// # use tower_multistatus::BatchLayer;
/// #[derive(Clone)]
/// struct App;
///
/// let api: Router<App> = Router::new().route("/hello", get(async |_: State<App>| "hello"));
/// let api: Router = api.with_state(App);
/// let batch = BatchLayer::new("/batch").layer(api.clone());
/// let app: Router = api.route_service("/batch", batch);
/// ```
struct RouterWithoutState;

/// ```compile_fail
/// # use axum::{Router, body::Body, extract::Request, response::Response};
/// # use std::convert::Infallible;
/// # use tower::{Layer, ServiceBuilder, ServiceExt};
/// # use tower_http::map_response_body::MapResponseBodyLayer;
/// # use tower_multistatus::BatchLayer;
/// async fn serve(request: Request) -> Result<Response, Infallible> {
///     let service = ServiceBuilder::new()
///         .layer(BatchLayer::new("/batch"))
///         .service(Router::new());
///     service.oneshot(request).await
/// }
/// ```
///
/// ```
/// # use axum::{Router, body::Body, extract::Request, response::Response};
/// # use std::convert::Infallible;
/// # use tower::{Layer, ServiceBuilder, ServiceExt};
/// # use tower_http::map_response_body::MapResponseBodyLayer;
/// # use tower_multistatus::BatchLayer;
/// async fn serve(request: Request) -> Result<Response, Infallible> {
///     let service = ServiceBuilder::new()
///         .layer(MapResponseBodyLayer::new(Body::new))
///         .layer(BatchLayer::new("/batch"))
///         .service(Router::new());
///     service.oneshot(request).await
/// }
/// ```
struct BodyOfAnotherType;
