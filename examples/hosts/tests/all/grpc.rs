//! tonic.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tower::Service;

use crate::{api, assert_mounted, batch, listener, send};

/// Responds as gRPC does on the wire: with a message, and a status in the trailers.
#[derive(Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

impl Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
        let message = Full::from(&b"\0\0\0\0\x01m"[..]);
        let body = message.with_trailers(std::future::ready(Some(Ok(trailers))));
        let response = Response::builder().header("content-type", "application/grpc");
        std::future::ready(Ok(response.body(Body::new(body)).expect("a response")))
    }
}

fn routes() -> Routes {
    Routes::from(api()).add_service(Echo)
}

/// The response to an ordinary call has its trailers.
async fn assert_called(address: SocketAddr) {
    let call = Request::post(format!("http://{address}/test.Echo/Call"))
        .header("content-type", "application/grpc")
        .body(Full::<Bytes>::default());
    let response = send(call.expect("a request"), true).await;
    let body = response.into_body().collect().await.expect("a body");
    let status = body
        .trailers()
        .and_then(|all| all.get("grpc-status"))
        .cloned();
    assert_eq!(status.expect("a status"), "0");
    assert_eq!(body.to_bytes(), &b"\0\0\0\0\x01m"[..]);
}

/// An ordinary item, and a gRPC call.
fn items() -> serde_json::Value {
    json!([
        { "id": "a", "method": "GET", "url": "/hello" },
        { "id": "b", "method": "POST", "url": "/test.Echo/Call",
          "headers": { "content-type": "application/grpc" }, "body": "" },
    ])
}

#[tokio::test]
async fn a_server_of_tonic_can_have_the_layer() {
    let (address, listener) = listener().await;
    let server = hosts::tonic::layered(routes());
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    assert_mounted(address).await;
    assert_called(address).await;
    let items = batch(address, items()).await;
    assert_eq!(items[0], (200, json!("hello from /hello")));
    assert_eq!((items[1].0, &items[1].1["code"]), (415, &json!("rejected")));
}

#[tokio::test]
async fn a_router_of_tonic_can_have_the_batch_route() {
    let (address, listener) = listener().await;
    let app = hosts::tonic::beside(routes());
    tokio::spawn(axum::serve(listener, app).into_future());
    assert_mounted(address).await;
    assert_called(address).await;
    // Without the filter, the response to a call has the message and no gRPC status.
    let items = batch(address, items()).await;
    assert_eq!(items[1], (200, json!("AAAAAAFt")));
}
