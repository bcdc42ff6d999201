//! tonic: the layer of a server, or a route beside those of its router.
//!
//! gRPC itself cannot be batched: the status of a call is in its trailers, which items do not have.
//! So an item of that type is refused, and the other routes of the server are what items are for.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tower::layer::util::{Identity, Stack};
use tower_multistatus::BatchLayer;

/// 415 for items of gRPC.
fn not_grpc(item: &Parts) -> Result<(), StatusCode> {
    let content_type = item.headers.get(CONTENT_TYPE);
    match content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        true => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        false => Ok(()),
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

/// A route beside those of the services; gRPC calls do not pass the layer.
pub fn beside(routes: Routes) -> axum::Router {
    crate::axum::mount(routes.prepare().into_axum_router())
}
