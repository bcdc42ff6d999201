//! AWS Lambda: the layer around the router, as the function for `lambda_http::run`.

use axum::Router;
use lambda_http::{IntoResponse, Request};
use tower::{Layer, Service};
use tower_multistatus::BatchLayer;

pub fn function(
    api: Router,
) -> impl Service<Request, Response = impl IntoResponse, Error = std::convert::Infallible, Future: Send>
+ Clone {
    BatchLayer::new("/batch").layer(api)
}

pub async fn run(api: Router) -> Result<(), lambda_http::Error> {
    lambda_http::run(function(api)).await
}
