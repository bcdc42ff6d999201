//! warp: the layer around the service of a filter, for [`crate::hyper::serve`].

use std::convert::Infallible;

use http::{Request, Response};
use hyper::body::Incoming;
use tower::{Layer, Service};
use tower_multistatus::{BatchLayer, ResponseBody};
use warp::filters::BoxedFilter;

pub fn mount(
    api: BoxedFilter<(warp::reply::Response,)>,
) -> impl Service<
    Request<Incoming>,
    Response = Response<
        ResponseBody<impl http_body::Body<Data = bytes::Bytes, Error = warp::Error>>,
    >,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ 'static {
    BatchLayer::new("/batch").layer(warp::service(api))
}
