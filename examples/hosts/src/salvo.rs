//! salvo: a handler at the batch path. Items reach another service with the same routes.

use std::convert::Infallible;
use std::sync::Arc;

use http::uri::Scheme;
use salvo::http::ReqBody;
use salvo::prelude::TowerServiceCompat;
use salvo::{Request, Router, Service};
use tower::{ServiceBuilder, service_fn};
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_multistatus::{BatchLayer, RequestBody};

use crate::sync::sync;

pub fn mount(api: fn() -> Router) -> Router {
    let routes = Arc::new(Service::new(api()));
    let items = service_fn(move |request: http::Request<RequestBody<ReqBody>>| {
        let routes = Arc::clone(&routes);
        async move {
            let request = request.map(|body| ReqBody::Boxed {
                inner: Box::pin(http_body_util::BodyExt::map_err(body, Into::into)),
                fuse_config: None,
            });
            let request = Request::from_hyper(request, Scheme::HTTP);
            Ok::<_, Infallible>(routes.handle(request).await.into_hyper())
        }
    });
    let batch = ServiceBuilder::new()
        .layer(MapResponseBodyLayer::new(sync))
        .layer(BatchLayer::new("/batch"))
        .service(items);
    let batch = Router::with_path("batch").goal(batch.compat());
    Router::new().push(batch).push(api())
}
