//! axum: a route beside the API. Items reach all routes of the API.

use axum::Router;
use tower::Layer;
use tower_multistatus::BatchLayer;

pub fn mount(api: Router) -> Router {
    let batch = BatchLayer::new("/batch").layer(api.clone());
    api.route_service("/batch", batch)
}
