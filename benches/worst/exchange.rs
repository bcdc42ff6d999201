//! A batch and the inner service that responds to it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use tower::Service;
use tower_multistatus::{BatchLayer, ChangeSets, MultiStatus, Multipart, RequestBody};

/// The bytes of the envelope or of the response.
pub(crate) const SIZE: usize = 1 << 20;

/// A batch that is ready to be sent, and its layer and inner service.
pub(crate) struct Exchange {
    pub(crate) layer: BatchLayer,
    pub(crate) inner: Inner,
    /// The expected outer statuses.
    pub(crate) statuses: &'static [u16],
    /// The bytes of what makes the exchange expensive.
    pub(crate) bytes: usize,
    pub(crate) headers: HeaderMap,
    envelope: Bytes,
    /// The bytes of a chunk of the envelope.
    chunk: usize,
}

impl Exchange {
    pub(crate) fn new(content_type: &'static str, envelope: impl Into<Bytes>) -> Self {
        let envelope = envelope.into();
        let layer = BatchLayer::new("/batch")
            .format(Multipart::new())
            .format(MultiStatus::new())
            .change_sets(ChangeSets::best_effort())
            .batch_timeout(None)
            .max_envelope_bytes(2 * SIZE)
            .max_item_body_bytes(2 * SIZE)
            .max_response_bytes(2 * SIZE)
            .max_total_response_bytes(16 * SIZE);
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        Self {
            layer,
            inner: Inner(Response::new(Bytes::new())),
            statuses: &[207],
            bytes: envelope.len(),
            headers,
            chunk: envelope.len(),
            envelope,
        }
    }

    pub(crate) fn json(envelope: impl Into<Bytes>) -> Self {
        Self::new("application/json", envelope)
    }

    pub(crate) fn set_type(&mut self, content_type: &'static str) {
        let content_type = HeaderValue::from_static(content_type);
        self.headers.insert(CONTENT_TYPE, content_type);
    }

    /// A batch of one item with these members.
    pub(crate) fn item(members: &str) -> Self {
        Self::json(format!(
            r#"{{"requests":[{{"id":"a","method":"POST","url":"/",{members}}}]}}"#
        ))
    }

    pub(crate) fn multipart(envelope: impl Into<Bytes>) -> Self {
        Self::new("multipart/mixed; boundary=b", envelope)
    }

    /// Raises the limit of items to the number that a MiB can hold.
    pub(crate) fn of_many_items(mut self) -> Self {
        self.layer = self.layer.max_items(SIZE);
        self
    }

    pub(crate) fn refused(mut self) -> Self {
        self.statuses = &[400];
        self
    }

    pub(crate) fn in_chunks_of(mut self, bytes: usize) -> Self {
        self.chunk = bytes;
        self
    }

    /// A batch of one GET with expensive outer headers.
    pub(crate) fn with_headers(headers: HeaderMap) -> Self {
        let mut exchange = Self::json(r#"{"requests":[{"id":"a","method":"GET","url":"/"}]}"#);
        exchange.bytes = bytes_of(&headers);
        exchange.headers.extend(headers);
        exchange
    }

    /// A batch of one GET with an expensive response.
    pub(crate) fn responded(headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        let mut exchange = Self::json(r#"{"requests":[{"id":"a","method":"GET","url":"/"}]}"#);
        let mut response = Response::new(body.into());
        exchange.bytes = bytes_of(&headers) + response.body().len();
        *response.headers_mut() = headers;
        exchange.inner = Inner(response);
        exchange
    }

    pub(crate) fn body(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let content_type = HeaderValue::from_static(content_type);
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);
        Self::responded(headers, body)
    }

    pub(crate) fn accepting(mut self, accept: &'static str) -> Self {
        self.headers
            .insert("accept", HeaderValue::from_static(accept));
        self
    }

    pub(crate) fn request(&self) -> Request<Chunks> {
        let chunks = Chunks(self.envelope.clone(), self.chunk.max(1));
        let mut request = Request::post("/batch").body(chunks).expect("a request");
        request.headers_mut().clone_from(&self.headers);
        request
    }
}

fn bytes_of(headers: &HeaderMap) -> usize {
    let lines = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    lines.sum()
}

/// An inner service that always sends the same response at once.
#[derive(Clone, Debug)]
pub(crate) struct Inner(Response<Bytes>);

impl Service<Request<RequestBody<Chunks>>> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<RequestBody<Chunks>>) -> Self::Future {
        ready(Ok(self.0.clone().map(Full::new)))
    }
}

/// An envelope, and the bytes per chunk in which it arrives.
#[derive(Debug)]
pub(crate) struct Chunks(Bytes, usize);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.1.min(self.0.len());
        match length {
            0 => Poll::Ready(None),
            _ => Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length))))),
        }
    }
}
