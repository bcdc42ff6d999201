//! Whole requests to a layer, around a service that responds to each item with its index.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, RequestBody, SubrequestInfo};

use crate::model::exchange::{Exchange, Upload, run, send};

/// A request that reached the inner service as an item.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) index: usize,
    pub(crate) total: Option<usize>,
    pub(crate) is_head: bool,
    pub(crate) uri: String,
}

/// Sends a request to the layer around a service that responds to each item with its index.
/// Returns the response and the calls.
pub(crate) fn exchange(layer: BatchLayer, request: Request<Upload>) -> (Exchange, Vec<Call>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let service = service_fn({
        let calls = Arc::clone(&calls);
        move |request: Request<RequestBody<Upload>>| {
            let call = call_of(&request);
            let body = Bytes::from(echo(call.index));
            calls.lock().expect("the calls").push(call);
            async move {
                request.collect().await.expect("the body is whole");
                let mut response = Response::new(Full::new(body));
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert("content-type", json);
                Ok::<_, Infallible>(response)
            }
        }
    });
    let exchange = run(send(layer.layer(service), request));
    let calls = std::mem::take(&mut *calls.lock().expect("the calls"));
    (exchange, calls)
}

/// The body of the response to the item with this index.
pub(crate) fn echo(index: usize) -> String {
    format!("{{\"index\":{index}}}")
}

/// What an inner service sees of an item.
pub(crate) fn call_of<B>(request: &Request<B>) -> Call {
    let info = request.extensions().get::<SubrequestInfo>();
    let info = info.expect("the request is an item");
    Call {
        id: info.id().to_owned(),
        index: info.index(),
        total: info.total(),
        is_head: request.method() == Method::HEAD,
        uri: request.uri().to_string(),
    }
}
