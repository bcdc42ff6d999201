//! The main path, from a batch to its response.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Request, Response, StatusCode};
use serde_json::json;
use tower::{Layer, Service};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::support::{api, batch, recorder, requests, send};

#[tokio::test]
async fn a_batch_has_one_response_per_item_in_the_order_of_the_request() {
    let items = json!([
        { "id": "a", "method": "GET", "url": "/users/1" },
        { "id": "b", "method": "post", "url": "/echo", "body": { "n": 1 }, "dependsOn": ["a"] },
        { "id": "c", "method": "GET", "url": "/nowhere" },
        { "id": "d", "method": "GET", "url": "/users/2", "dependsOn": ["c"] },
    ]);
    let reply = batch(BatchLayer::new("/batch"), api(), items).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(
        reply.header("content-length"),
        Some(&*reply.body.len().to_string())
    );
    let json_headers = json!({ "Content-Type": "application/json" });
    let expected = json!([
        { "id": "a", "status": 200, "headers": json_headers, "body": { "id": 1 } },
        { "id": "b", "status": 200, "headers": { "Content-Type": "application/octet-stream" },
          "encoding": "base64", "body": "eyJuIjoxfQ==" },
        { "id": "c", "status": 404, "headers": {}, "body": null },
        { "id": "d", "status": 424, "headers": { "Content-Type": "application/problem+json" },
          "body": { "type": "about:blank", "title": "an item that this one depends on has failed",
                    "status": 424, "code": "failed-dependency" } },
    ]);
    assert_eq!(reply.json(), json!({ "responses": expected }));
}

#[tokio::test]
async fn a_refused_batch_dispatches_nothing() {
    let (log, service) = recorder();
    let items = json!([
        { "id": "a", "method": "GET", "url": "/1" },
        { "id": "a", "method": "GET", "url": "/2" },
    ]);
    let reply = send(BatchLayer::new("/batch").layer(service), requests(items)).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        reply.json(),
        json!({ "type": "about:blank", "title": "two items have the same id", "status": 400,
                "code": "duplicate-id", "pointer": "#/requests/1" })
    );
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn the_inner_service_can_be_read_changed_and_unwrapped() {
    #[derive(Clone, Debug, PartialEq)]
    struct Named(&'static str);

    impl Service<Request<RequestBody<Body>>> for Named {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<RequestBody<Body>>) -> Self::Future {
            ready(Ok(Response::new(Body::from(self.0))))
        }
    }

    let mut service = BatchLayer::new("/batch").layer(Named("before"));
    assert_eq!(service.get_ref(), &Named("before"));
    *service.get_mut() = Named("after");
    let items = json!([{ "id": "a", "method": "GET", "url": "/" }]);
    let reply = send(service.clone(), requests(items)).await;
    assert_eq!(reply.item("a")["body"], "after");
    assert_eq!(service.into_inner(), Named("after"));
}
