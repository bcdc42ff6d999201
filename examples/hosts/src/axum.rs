//! axum: a route beside the API, whose items reach all of the API.

use axum::Router;
use tower::Layer;
use tower_multistatus::BatchLayer;

pub fn mount(api: Router) -> Router {
    let batch = BatchLayer::new("/batch").layer(api.clone());
    api.route_service("/batch", batch)
}
