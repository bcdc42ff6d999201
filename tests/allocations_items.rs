//! The allocations of the layer, without those of the inner service: per item and per batch.

mod no_runtime;

use std::convert::Infallible;
use std::task::Poll;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::Full;
use no_runtime::{block_on, body_len};
use tower::{Layer, Service, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

/// The maximum per item that is ready at once.
const MAX_PER_ITEM: u64 = 5 + TEXTS_OF_A_SPAN;

/// axum's default features turn on `tracing/log`: until a subscriber is set, the fields of a span
/// are formatted for the crate `log`. One of three texts grows.
const TEXTS_OF_A_SPAN: u64 = if cfg!(feature = "tracing") { 4 } else { 0 };

/// The additional maximum per item that has to wait.
const MAX_PER_WAIT: u64 = 2;

/// The maximum per batch.
const MAX_PER_BATCH: u64 = 13;

const HEADERS: [(&str, &str); 8] = [
    ("host", "api.example"),
    ("content-type", "application/json"),
    ("accept", "*/*"),
    ("accept-language", "en-GB,en;q=0.5"),
    ("authorization", "Bearer abcdefghijklmnop"),
    ("cookie", "session=0123456789abcdef"),
    ("origin", "https://app.example"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)"),
];

/// The inner service. It is pending for this number of polls.
fn inner<B: Body + 'static>(
    pends: usize,
) -> impl Service<
    Request<B>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    service_fn(move |_| async move {
        let mut left = pends;
        std::future::poll_fn(|cx| match left {
            0 => Poll::Ready(()),
            _ => {
                left -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        let mut response = Response::new(Full::from(r#"{"name":"a part","ok":true}"#));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", json);
        Ok(response)
    })
}

/// Calls a service, and reads the whole response. Returns the bytes of its body.
async fn call<S, Req, B>(service: &mut S, request: Request<Req>) -> usize
where
    S: Service<Request<Req>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    let Ok(()) = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
    let Ok(response) = service.call(request).await;
    body_len(response).await
}

/// Counts all allocations of a batch.
fn of_a_batch(layer: &BatchLayer, count: usize, pends: usize) -> u64 {
    let items: Vec<String> = (0..count)
        .map(|id| format!(r#"{{"id":"{id}","method":"GET","url":"/parts/{id}"}}"#))
        .collect();
    let envelope = Bytes::from(format!(r#"{{"requests":[{}]}}"#, items.join(",")));
    let mut service = layer.layer(inner(pends));
    // As in a server, values are slices of one buffer.
    let head = Bytes::from(HEADERS.map(|(_, value)| value).concat());
    let batch = || {
        let (mut request, mut head) = (Request::post("/batch"), head.clone());
        for (name, value) in HEADERS {
            let value = HeaderValue::from_maybe_shared(head.split_to(value.len()));
            request = request.header(name, value.expect("a value"));
        }
        request
            .body(Full::from(envelope.clone()))
            .expect("a request")
    };
    let mut run = |request| {
        let bytes = block_on(call(&mut service, request));
        assert!(bytes > count * 60, "every item has a response");
    };
    // Exclude the allocations that are made once per thread or process.
    run(batch());
    let request = batch();
    allocation_counter::measure(|| run(request)).count_total
}

/// Counts the allocations of the inner service for one item.
fn of_the_service(pends: usize) -> u64 {
    let mut service = inner(pends);
    let request = Request::new(RequestBody::<Full<Bytes>>::from(Bytes::new()));
    let measured = allocation_counter::measure(|| {
        block_on(call(&mut service, request));
    });
    measured.count_total
}

/// The allocations of the layer per item and per batch.
fn by_the_layer(layer: &BatchLayer, pends: usize) -> (f64, f64) {
    let layer = layer.clone().max_items(1000);
    let [fewer, more] = [100, 200].map(|count| of_a_batch(&layer, count, pends) as f64);
    let an_item = (more - fewer) / 100.0;
    let by_the_batch = fewer - 100.0 * an_item;
    (an_item - of_the_service(pends) as f64, by_the_batch)
}

#[test]
fn an_item_that_is_ready_costs_few_allocations() {
    let (an_item, a_batch) = by_the_layer(&BatchLayer::new("/batch"), 0);
    assert!(
        an_item <= MAX_PER_ITEM as f64,
        "{an_item} allocations per item; at most {MAX_PER_ITEM}"
    );
    assert!(
        a_batch <= MAX_PER_BATCH as f64,
        "{a_batch} allocations per batch; at most {MAX_PER_BATCH}"
    );
}

#[test]
fn an_item_that_waits_once_costs_little_more() {
    let (ready, _) = by_the_layer(&BatchLayer::new("/batch"), 0);
    let (waiting, _) = by_the_layer(&BatchLayer::new("/batch"), 1);
    assert!(
        waiting <= ready + MAX_PER_WAIT as f64,
        "{waiting} allocations per waiting item, {ready} per ready item; at most {MAX_PER_WAIT} more"
    );
}

#[test]
fn a_streamed_item_costs_no_more_than_a_buffered_one() {
    let (an_item, a_batch) = by_the_layer(&BatchLayer::new("/batch").streamed(true), 0);
    assert!(
        an_item <= MAX_PER_ITEM as f64,
        "{an_item} allocations per item; at most {MAX_PER_ITEM}"
    );
    assert!(
        a_batch <= MAX_PER_BATCH as f64,
        "{a_batch} allocations per batch; at most {MAX_PER_BATCH}"
    );
}
