//! Without the feature `timeout`, nothing needs a clock or a runtime, and nothing times out.
#![cfg(not(feature = "timeout"))]

mod no_runtime;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use no_runtime::{block_on, body_len};
use serde_json::json;
use tokio::sync::Barrier;
use tower::{Layer, Service, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

/// A service whose `/hang` never responds. Any other responds when this number of items wait.
fn inner(
    at_once: usize,
) -> impl Service<
    Request<RequestBody<Full<Bytes>>>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    let barrier = Arc::new(Barrier::new(at_once));
    service_fn(move |request: Request<RequestBody<Full<Bytes>>>| {
        let barrier = Arc::clone(&barrier);
        async move {
            if request.uri().path() == "/hang" {
                std::future::pending::<()>().await;
            }
            barrier.wait().await;
            Ok(Response::new(Full::from("met")))
        }
    })
}

/// A batch of GETs of these URLs, with a preference for a time limit.
fn batch(urls: &[&str], media_type: &str) -> Request<Full<Bytes>> {
    let get = |url: &&str| json!({ "id": url, "method": "GET", "url": url });
    let items: Vec<_> = urls.iter().map(get).collect();
    let text = if media_type == "application/json" {
        json!({ "requests": items }).to_string()
    } else {
        items.iter().map(|item| format!("{item}\n")).collect()
    };
    Request::post("/batch")
        .header("content-type", media_type)
        .header("prefer", "wait=1, return=minimal")
        .body(Full::from(text))
        .expect("a request")
}

#[test]
fn items_that_wait_run_without_a_runtime() {
    let urls = ["/a", "/b", "/c", "/d"];
    for media_type in ["application/json", "application/x-ndjson"] {
        let mut service = BatchLayer::new("/batch").layer(inner(urls.len()));
        let (head, body) = block_on(async {
            let Ok(response) = service.call(batch(&urls, media_type)).await;
            let (head, body) = response.into_parts();
            (head, body.collect().await.expect("a body").to_bytes())
        });
        assert_eq!(head.status, 207);
        let text = std::str::from_utf8(&body).expect("UTF-8");
        assert_eq!(text.matches("\"status\":200").count(), 4, "{text}");
    }
}

#[test]
fn a_preference_for_a_time_limit_is_not_applied() {
    let mut service = BatchLayer::new("/batch").layer(inner(1));
    let Ok(response) = block_on(service.call(batch(&["/a"], "application/json")));
    assert_eq!(response.headers()["preference-applied"], "return=minimal");
    assert!(block_on(body_len(response)) > 0);
}

#[test]
fn an_item_that_hangs_lasts_until_the_batch_is_dropped() {
    let mut service = BatchLayer::new("/batch").layer(inner(1));
    let mut calling = Box::pin(service.call(batch(&["/hang"], "application/json")));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        assert!(matches!(calling.as_mut().poll(&mut cx), Poll::Pending));
    }
}
