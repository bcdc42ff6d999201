//! tonic: the layer of a server, or a route beside those of its router.
//!
//! A gRPC call cannot be an item: its status is in its trailers, which are dropped. So an item with
//! a gRPC content type fails. Items reach the other routes of the server.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tower::layer::util::{Identity, Stack};
use tower_multistatus::BatchLayer;

/// Fails gRPC items with 415.
fn not_grpc(item: &Parts) -> Result<(), StatusCode> {
    let content_type = item.headers.get(CONTENT_TYPE);
    if content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        Err(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    } else {
        Ok(())
    }
}

/// The layer around all services of a server.
pub fn layered(routes: Routes) -> Router<Stack<BatchLayer, Identity>> {
    Server::builder()
        // Batches do not need HTTP/2.
        .accept_http1(true)
        .layer(BatchLayer::new("/batch").filter(not_grpc))
        .add_routes(routes)
}

/// A route beside those of the services. gRPC calls do not pass through the layer.
pub fn beside(routes: Routes) -> axum::Router {
    crate::axum::mount(routes.prepare().into_axum_router())
}
