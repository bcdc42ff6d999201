//! The request and response bodies of the layer.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::frames::Frames;

pin_project! {
    /// The body that the inner service reads: that of the outer request, or the bytes of an item.
    ///
    /// The inner service is a `Service<Request<RequestBody<B>>>`. A request that is not a batch
    /// passes through with its own body `B`, which is polled directly.
    ///
    /// ```
    /// use http_body::Body;
    /// use http_body_util::Empty;
    /// use tower_multistatus::RequestBody;
    ///
    /// let body: RequestBody<Empty<bytes::Bytes>> = RequestBody::from(bytes::Bytes::from("{}"));
    /// assert_eq!(body.size_hint().exact(), Some(2));
    /// ```
    pub struct RequestBody<B> {
        #[pin]
        kind: RequestKind<B>,
    }
}

pin_project! {
    #[project = RequestProjection]
    enum RequestKind<B> {
        Outer { #[pin] body: B },
        Item { bytes: Bytes },
    }
}

impl<B> RequestBody<B> {
    pub(crate) fn outer(body: B) -> Self {
        Self {
            kind: RequestKind::Outer { body },
        }
    }
}

impl<B> From<Bytes> for RequestBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self {
            kind: RequestKind::Item { bytes },
        }
    }
}

impl<B: Default> Default for RequestBody<B> {
    fn default() -> Self {
        Self::outer(B::default())
    }
}

impl<B: Body<Data = Bytes>> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            RequestProjection::Outer { body } => body.poll_frame(cx),
            RequestProjection::Item { bytes } if bytes.is_empty() => Poll::Ready(None),
            RequestProjection::Item { bytes } => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            RequestKind::Outer { body } => body.is_end_stream(),
            RequestKind::Item { bytes } => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            RequestKind::Outer { body } => body.size_hint(),
            RequestKind::Item { bytes } => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

impl<B> fmt::Debug for RequestBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of the layer's response: that of the inner service, or an envelope.
    ///
    /// ```
    /// use http::{Request, Response};
    /// use http_body_util::{BodyExt, Full};
    /// use tower::{Layer, Service, ServiceExt, service_fn};
    /// use tower_multistatus::{BatchLayer, RequestBody};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let service = service_fn(async |_: Request<RequestBody<Full<bytes::Bytes>>>| {
    ///     Ok::<_, std::convert::Infallible>(Response::new(Full::new(bytes::Bytes::from("hello"))))
    /// });
    /// let service = BatchLayer::new("/batch").layer(service);
    /// let response = service.oneshot(Request::default()).await.unwrap();
    /// assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
    /// # });
    /// ```
    pub struct ResponseBody<B> {
        #[pin]
        kind: ResponseKind<B>,
    }
}

pin_project! {
    #[project = ResponseProjection]
    enum ResponseKind<B> {
        Passthrough { #[pin] body: B },
        Envelope { envelope: Envelope },
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn passthrough(body: B) -> Self {
        Self {
            kind: ResponseKind::Passthrough { body },
        }
    }

    pub(crate) fn envelope(envelope: Envelope) -> Self {
        Self {
            kind: ResponseKind::Envelope { envelope },
        }
    }
}

/// An empty body, for layers outside that create responses themselves, such as tower-http's `Cors`.
impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::envelope(Envelope::Buffered(Frames::default()))
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            ResponseProjection::Passthrough { body } => body.poll_frame(cx),
            ResponseProjection::Envelope { envelope } => {
                let frame = std::task::ready!(envelope.poll_frame(cx));
                Poll::Ready(frame.map(Ok))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            ResponseKind::Passthrough { body } => body.is_end_stream(),
            ResponseKind::Envelope { envelope } => envelope.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            ResponseKind::Passthrough { body } => body.size_hint(),
            ResponseKind::Envelope { envelope } => envelope.size_hint(),
        }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

/// An envelope: complete, or streamed while items run.
pub(crate) enum Envelope {
    Buffered(Frames),
    Streamed(Pin<Box<dyn Body<Data = Bytes, Error = Infallible> + Send>>),
    /// The response to an item, which a client gets. It has no envelope any more.
    #[cfg(feature = "client")]
    Item(Bytes),
}

impl Envelope {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        match self {
            Self::Buffered(frames) => Poll::Ready(frames.pop().map(Frame::data)),
            Self::Streamed(body) => body
                .as_mut()
                .poll_frame(cx)
                .map(|frame| frame.and_then(Result::ok)),
            #[cfg(feature = "client")]
            Self::Item(bytes) if bytes.is_empty() => Poll::Ready(None),
            #[cfg(feature = "client")]
            Self::Item(bytes) => Poll::Ready(Some(Frame::data(std::mem::take(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Buffered(frames) => frames.is_empty(),
            Self::Streamed(body) => body.is_end_stream(),
            #[cfg(feature = "client")]
            Self::Item(bytes) => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Buffered(frames) => SizeHint::with_exact(frames.len() as u64),
            Self::Streamed(body) => body.size_hint(),
            #[cfg(feature = "client")]
            Self::Item(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

impl From<Bytes> for Envelope {
    fn from(bytes: Bytes) -> Self {
        Self::Buffered(Frames::of(bytes))
    }
}
