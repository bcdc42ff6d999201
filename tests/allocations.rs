//! Requests that are no batch cost no allocation. This is its own binary, because it counts with a
//! global allocator.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll, Waker};

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower::{Layer, Service, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

fn response<B>(request: Request<B>) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    black_box(request);
    ready(Ok(Response::new(Full::from("hello"))))
}

/// The allocations from readiness to the last frame of the response, without those of the request.
fn cost<S, B>(mut service: S, method: &Method, uri: &'static str) -> AllocationInfo
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("accept", "*/*");
    let mut request = Some(request.body(Full::from("some bytes")).expect("a request"));
    let mut is_served = false;
    let info = measure(|| {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(service.poll_ready(&mut cx).is_ready());
        let request = request.take().expect("it is measured once");
        let future = std::pin::pin!(service.call(request));
        let Poll::Ready(Ok(response)) = future.poll(&mut cx) else {
            return;
        };
        let mut body = std::pin::pin!(response.into_body());
        is_served = matches!(body.as_mut().poll_frame(&mut cx), Poll::Ready(Some(Ok(_))))
            && matches!(body.poll_frame(&mut cx), Poll::Ready(None));
    });
    assert!(is_served);
    info
}

#[test]
fn other_requests_pass_through_without_an_allocation() {
    let layer = BatchLayer::new("/batch")
        .when(|parts| parts.uri.query().is_none())
        .describe(false);
    let requests = [
        (Method::GET, "/users/1"),
        (Method::POST, "/users?page=2"),
        (Method::GET, "/batch"),
        (Method::OPTIONS, "/batch"),
        (Method::POST, "/batch?plain"),
    ];
    for (method, uri) in requests {
        let bare = service_fn(response::<Full<Bytes>>);
        let layered = layer.layer(service_fn(response::<RequestBody<Full<Bytes>>>));
        let bare = cost(bare, &method, uri);
        let layered = cost(layered, &method, uri);
        assert_eq!(bare.count_total, 0, "nothing to compare with");
        assert_eq!(layered.count_total, 0, "{method} {uri}");
    }
}

#[test]
fn the_counter_counts() {
    let layered = BatchLayer::new("/batch").describe(true);
    let layered = layered.layer(service_fn(response::<RequestBody<Full<Bytes>>>));
    assert!(cost(layered, &Method::GET, "/batch").count_total > 0);
}
