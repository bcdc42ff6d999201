//! hyper: the layer around the service of a connection.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{BoxError, Layer, Service, service_fn};
use tower_multistatus::{BatchLayer, RequestBody, ResponseBody};

pub fn mount() -> impl Service<
    Request<Incoming>,
    Response = Response<ResponseBody<Full<Bytes>>>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ 'static {
    BatchLayer::new("/batch").layer(service_fn(hello))
}

/// `RequestBody` is the body of an item, or hyper's own body of any other request.
async fn hello(
    request: Request<RequestBody<Incoming>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = format!("hello from {}", request.uri().path());
    let response = Response::builder().header("content-type", "text/plain");
    Ok(response.body(Full::from(text)).unwrap_or_default())
}

/// Serves HTTP/1 and HTTP/2.
///
/// # Errors
///
/// The listener fails.
pub async fn serve<S, B>(listener: TcpListener, service: S) -> std::io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        // Without this, a streamed line waits until the client has acknowledged the one before.
        drop(stream.set_nodelay(true));
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            // An error of one connection does not concern the others.
            drop(server.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}
