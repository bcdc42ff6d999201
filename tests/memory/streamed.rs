//! The peak of memory of a large streamed response: the items in flight, never the whole response.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tokio::sync::Barrier;
use tower::{Layer, Service, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::no_runtime::{block_on, body_len};

const ITEMS: usize = 1000;
const BODY: usize = 64 << 10;
const CONCURRENCY: usize = 8;

/// The maximum per item, without the envelope and the responses in flight.
const MAX_PER_ITEM: usize = 64;
/// The maximum for the rest.
const MAX_REST: usize = 64 << 10;

/// Allocates a response, and sends it at once, or waits until all concurrent items have one.
async fn handler(
    others: Option<Arc<Barrier>>,
    _: Request<RequestBody<Full<Bytes>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = vec![b'x'; BODY];
    response[0] = b'"';
    response[BODY - 1] = b'"';
    if let Some(others) = others {
        others.wait().await;
    }
    let mut response = Response::new(Full::from(response));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    Ok(response)
}

fn envelope() -> Bytes {
    let items: Vec<String> = (0..ITEMS)
        .map(|id| format!(r#"{{"id":"{id}","method":"GET","url":"/parts/{id}"}}"#))
        .collect();
    Bytes::from(format!(r#"{{"requests":[{}]}}"#, items.join(",")))
}

/// Sends the batch, and reads the response without keeping it. Returns its bytes.
async fn drained(layer: BatchLayer, others: Option<Arc<Barrier>>, envelope: &Bytes) -> usize {
    let request = Request::post("/batch").header("content-type", "application/json");
    let request = request.body(Full::from(envelope.clone()));
    let mut service = layer.layer(service_fn(move |request| handler(others.clone(), request)));
    let Ok(response) = service.call(request.expect("a request")).await;
    body_len(response).await
}

fn is_bounded(others: Option<Arc<Barrier>>) {
    let layer = BatchLayer::new("/batch")
        .streamed(true)
        .max_items(ITEMS)
        .concurrency(CONCURRENCY);
    let envelope = envelope();
    let measured = allocation_counter::measure(|| {
        let bytes = block_on(drained(layer, others, &envelope));
        assert!(bytes > ITEMS * BODY, "every item has a response");
    });
    // The envelope was allocated before, and is not counted.
    let most = MAX_PER_ITEM * ITEMS + (CONCURRENCY + 1) * BODY + MAX_REST;
    let peak = measured.bytes_max as usize;
    assert!(
        peak <= most,
        "{peak} bytes at the peak, without an envelope of {}; at most {most}",
        envelope.len()
    );
}

#[test]
fn a_streamed_response_is_never_held_whole() {
    is_bounded(None);
}

#[test]
fn a_streamed_response_of_waiting_items_holds_only_items_in_flight() {
    is_bounded(Some(Arc::new(Barrier::new(CONCURRENCY))));
}
