//! One request to a layer, and the response.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use tower::{BoxError, Service, ServiceExt};

/// The body of an outer request.
pub(crate) type Upload = UnsyncBoxBody<Bytes, BoxError>;

/// An outer response that was read to its end.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
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
    }
}

/// A POST of these chunks. A header whose value is not valid is left out.
pub(crate) fn post(path: &str, headers: &[(&str, &[u8])], chunks: Vec<Bytes>) -> Request<Upload> {
    let frames = chunks.into_iter().map(|chunk| Ok(Frame::data(chunk)));
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    let request = Request::post(path).header("host", "api.example");
    let mut request = request.body(body).expect("a request");
    for (name, value) in headers {
        let name: HeaderName = name.parse().expect("a name");
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request.headers_mut().append(name, value);
        }
    }
    request
}
