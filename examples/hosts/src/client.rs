//! An HTTP client as the inner service: items go to another server, the upstream.

use http::uri::{Authority, Scheme};
use http::{Request, StatusCode, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use reqwest::redirect::Policy;
use tower::{BoxError, Service, ServiceBuilder};
use tower_multistatus::{BatchLayer, RequestBody, ResponseBody};

type Body = RequestBody<Incoming>;

/// An item is 502 if the client fails.
fn layer() -> BatchLayer {
    BatchLayer::new("/batch").map_error(|_, _| Some(StatusCode::BAD_GATEWAY))
}

/// Adds the authority of the upstream to the URI of an item, which has none.
fn to(upstream: &Authority, mut request: Request<Body>) -> Request<Body> {
    let mut uri = std::mem::take(request.uri_mut()).into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(upstream.clone());
    *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
    request
}

/// Sends items with the client of hyper-util. The upstream gets the `Host` of the batch.
pub fn hyper_util(
    upstream: Authority,
) -> impl Service<
    Request<Incoming>,
    Response = http::Response<ResponseBody<Incoming>>,
    Error = hyper_util::client::legacy::Error,
    Future: Send,
> + Clone
+ Send
+ 'static {
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    ServiceBuilder::new()
        .layer(layer())
        .map_request(move |request| to(&upstream, request))
        .service(client)
}

/// Sends items with reqwest. The upstream gets the `Host` of the batch. A redirect is not followed,
/// but is the response to the item.
pub fn reqwest(
    upstream: Authority,
) -> Result<
    impl Service<
        Request<Incoming>,
        Response = http::Response<ResponseBody<reqwest::Body>>,
        Error = BoxError,
        Future: Send,
    > + Clone
    + Send
    + 'static,
    reqwest::Error,
> {
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    let send = tower::service_fn(move |request: Request<Body>| {
        let request = to(&upstream, request).map(reqwest::Body::wrap);
        let client = client.clone();
        async move {
            let response = client.execute(request.try_into()?).await?;
            Ok::<_, BoxError>(http::Response::from(response))
        }
    });
    Ok(ServiceBuilder::new().layer(layer()).service(send))
}
