//! One request to a layer, with everything that comes of it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_multistatus::{BatchLayer, RequestBody, SubrequestInfo};

/// The body of an outer request.
pub(crate) type Upload = UnsyncBoxBody<Bytes, BoxError>;

/// A request that reached the inner service as an item.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) index: usize,
    pub(crate) total: Option<usize>,
    pub(crate) uri: String,
}

/// An outer response that was read to its end, and the calls of the inner service.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) calls: Vec<Call>,
}

impl Exchange {
    /// The value of a header. Panics if it occurs twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next();
        assert!(values.next().is_none(), "{name} occurs twice");
        value.map(|value| value.to_str().expect("text"))
    }

    /// The type of the body without parameters.
    pub(crate) fn media_type(&self) -> &str {
        let value = self.header("content-type").expect("a content type");
        value.split(';').next().unwrap_or_default()
    }
}

/// Runs a future on a clock that jumps to the next timer, and drops all tasks that it has spawned.
///
/// Panics if it takes more than an hour of that clock.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    let ended = async { tokio::time::timeout(Duration::from_secs(3600), future).await };
    runtime.expect("a runtime").block_on(ended).expect("an end")
}

/// Sends a request to the layer around a service that responds to each item with its index.
pub(crate) fn exchange(layer: BatchLayer, request: Request<Upload>) -> Exchange {
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
    let mut exchange = run(send(layer.layer(service), request));
    exchange.calls = std::mem::take(&mut *calls.lock().expect("the calls"));
    exchange
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
        uri: request.uri().to_string(),
    }
}

/// Sends a request, and reads the response to its end.
pub(crate) async fn send<S, B>(service: S, request: Request<Upload>) -> Exchange
where
    S: Service<Request<Upload>, Response = Response<B>, Error: std::fmt::Debug>,
    B: Body<Error: std::fmt::Debug>,
{
    let response = service.oneshot(request).await.expect("a response");
    let (head, body) = response.into_parts();
    Exchange {
        status: head.status,
        headers: head.headers,
        body: body.collect().await.expect("the body is whole").to_bytes(),
        calls: Vec::new(),
    }
}

/// A POST of these chunks. A header whose value is not valid is left out.
pub(crate) fn post(path: &str, headers: &[(&str, &[u8])], chunks: Vec<Bytes>) -> Request<Upload> {
    let frames = chunks.into_iter().map(|chunk| Ok(Frame::data(chunk)));
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    let request = Request::post(path).header("host", "api.example");
    let mut request = request.body(body).expect("a request");
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a name");
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request.headers_mut().append(name, value);
        }
    }
    request
}
