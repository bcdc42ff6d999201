//! poem: an endpoint at the batch path. Items reach the endpoint of the API.

use std::convert::Infallible;
use std::sync::Arc;

use http::uri::Scheme;
use http_body_util::BodyExt;
use poem::endpoint::TowerCompatExt;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Body, Endpoint, EndpointExt, Request, RequestParts, Route};
use tower::{ServiceBuilder, service_fn};
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_multistatus::{BatchLayer, RequestBody};

use crate::sync::sync;

/// The body of poem's requests and responses.
type BoxBody = http_body_util::combinators::BoxBody<bytes::Bytes, std::io::Error>;

pub fn mount(api: Route) -> Route {
    let api = Arc::new(api);
    let endpoint = Arc::clone(&api);
    let items = service_fn(move |request: http::Request<RequestBody<BoxBody>>| {
        let endpoint = Arc::clone(&endpoint);
        async move {
            let (parts, body) = request.into_parts();
            let peer = (LocalAddr::default(), RemoteAddr::default());
            let parts = RequestParts::from((parts, peer.0, peer.1, Scheme::HTTP));
            let request = Request::from_parts(parts, Body::from(body.boxed()));
            let response = endpoint.get_response(request).await;
            Ok::<_, Infallible>(http::Response::<BoxBody>::from(response))
        }
    });
    let batch = ServiceBuilder::new()
        .map_err(|never: Infallible| -> poem::Error { match never {} })
        .layer(MapResponseBodyLayer::new(sync))
        .layer(BatchLayer::new("/batch"))
        .service(items);
    Route::new()
        .at("/batch", batch.compat())
        .nest("/", api.boxed())
}
