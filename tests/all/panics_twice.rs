//! A future that panics may panic again when it is dropped. Two panics at once would end the
//! process.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use serde_json::json;
use tower::{BoxError, Layer, Service, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::support::{problem, requests, send};

type Responding = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

/// A future that panics when it is polled, and again when it is dropped.
struct Broken {
    waits: bool,
}

impl Future for Broken {
    type Output = Result<Response<Body>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(std::mem::take(&mut self.waits), "a secret of the stack");
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        panic!("a secret of the destructor");
    }
}

#[tokio::test]
async fn a_future_that_panics_and_whose_destructor_panics_too_harms_no_other_item() {
    let service = service_fn(|request: Request<RequestBody<Body>>| -> Responding {
        match request.uri().path() {
            "/broken" => Box::pin(Broken { waits: false }),
            "/broken/later" => Box::pin(Broken { waits: true }),
            _ => {
                let response = Router::new().fallback(async || "fine").call(request);
                Box::pin(async { Ok(response.await?) })
            }
        }
    });
    let urls = ["/", "/broken", "/broken/later", "/"];
    let item = |(id, url)| json!({ "id": id, "method": "GET", "url": url });
    let items = ["a", "b", "c", "d"].into_iter().zip(urls).map(item);
    for concurrency in [1, 8] {
        let service = BatchLayer::new("/batch")
            .concurrency(concurrency)
            .layer(service);
        let reply = send(service, requests(items.clone().collect())).await;
        assert_eq!(reply.statuses(), [200, 500, 500, 200]);
        let failed = problem(500, "panicked", "the service panicked");
        assert_eq!(reply.item("b")["body"], failed);
        assert_eq!(reply.item("c")["body"], failed);
    }
}
