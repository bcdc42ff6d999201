//! One call of the inner service: a complete request in, a complete response out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response::Parts;
use http::{Method, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::BoxError;

use super::inner::Inner;
use crate::body::RequestBody;
use crate::chunks::Chunks;
use crate::item_error::ItemError;
use crate::panics::{CatchDrop, catch};
use crate::policy;
use crate::status::has_no_body;
use crate::subresponse::{MAX_FIELDS, headers_len};
use crate::times::RouteType;

/// The result of a call.
pub(super) type CallResult = Result<(Parts, Bytes), CallError>;

/// Why a call has no response.
pub(super) enum CallError {
    Item(ItemError),
    /// The inner service did not get the request.
    NotSent(ItemError),
    NotReady(CatchDrop<BoxError>),
    Failed(CatchDrop<BoxError>),
}

impl CallError {
    /// The error of a call whose request the inner service has received or not.
    #[cold]
    pub(super) fn new(error: ItemError, is_sent: bool) -> Self {
        if is_sent {
            Self::Item(error)
        } else {
            Self::NotSent(error)
        }
    }

    pub(super) fn is_sent(&self) -> bool {
        !matches!(self, Self::NotSent(_) | Self::NotReady(_))
    }

    fn not_ready(error: impl Into<BoxError>) -> Self {
        Self::NotReady(CatchDrop::new(error.into()))
    }

    fn failed(error: impl Into<BoxError>) -> Self {
        Self::Failed(CatchDrop::new(error.into()))
    }
}

/// The request of an item.
pub(super) type ItemRequest<B> = Request<RequestBody<B>>;

/// A request that the inner service does not have yet. Dropping it does not panic.
pub(super) struct Unsent<B>(Option<ItemRequest<B>>);

impl<B> Unsent<B> {
    pub(super) fn new(request: ItemRequest<B>) -> Self {
        Self(Some(request))
    }

    pub(super) fn get(&self) -> Option<&ItemRequest<B>> {
        self.0.as_ref()
    }

    pub(super) fn get_mut(&mut self) -> Option<&mut ItemRequest<B>> {
        self.0.as_mut()
    }

    pub(super) fn take(&mut self) -> Option<ItemRequest<B>> {
        self.0.take()
    }
}

impl<B> Drop for Unsent<B> {
    #[inline]
    fn drop(&mut self) {
        if let Some(request) = self.take() {
            // Only the extensions hold values of user code. The body holds the bytes of an item.
            policy::drop_extensions(request.into_parts().0.extensions);
        }
    }
}

pin_project! {
    /// One item on its way through the inner service: readiness, call, response body. Each step is
    /// guarded against panics.
    pub(super) struct Call<S: Inner<B>, B> {
        max_bytes: usize,
        route: Option<RouteType>,
        is_head: bool,
        #[pin]
        stage: Stage<S, B>,
    }

    impl<S: Inner<B>, B> PinnedDrop for Call<S, B> {
        fn drop(this: Pin<&mut Self>) {
            catch(|| this.clear());
        }
    }
}

pin_project! {
    // At most one value of each variant may panic when it is dropped.
    #[project = StageProjection]
    enum Stage<S: Inner<B>, B> {
        Waiting { inner: S, request: Unsent<B> },
        Calling { #[pin] future: S::Future },
        Reading { parts: Option<Parts>, #[pin] body: S::Body, read: Chunks, max_body: usize },
        Idle,
    }
}

impl<S: Inner<B>, B> Call<S, B> {
    /// Creates an idle call, which can run one request after the other.
    pub(super) fn idle(max_bytes: usize, route: Option<RouteType>) -> Self {
        Self {
            max_bytes,
            route,
            is_head: false,
            stage: Stage::Idle,
        }
    }

    /// Sets the request. It is not sent until the call is polled.
    pub(super) fn set(self: Pin<&mut Self>, inner: S, request: ItemRequest<B>) {
        let mut this = self.project();
        *this.is_head = request.method() == Method::HEAD;
        this.stage.set(Stage::Waiting {
            inner,
            request: Unsent::new(request),
        });
    }

    /// Whether the inner service has received the request.
    pub(super) fn is_begun(&self) -> bool {
        match &self.stage {
            Stage::Waiting { request, .. } => request.get().is_none(),
            _ => true,
        }
    }

    /// Sets the request and polls the call. If the inner service is ready, the request is not moved
    /// into the call first.
    #[inline(always)]
    pub(super) fn begin(
        self: Pin<&mut Self>,
        inner: &S,
        request: &mut Unsent<B>,
        cx: &mut Context<'_>,
    ) -> Poll<CallResult> {
        let is_begun = |request: &mut Unsent<B>, _: &Self| request.get().is_none();
        self.guarded(request, is_begun, |mut this, request| {
            let mut inner = CatchDrop::new(inner.clone());
            match inner.poll_ready(cx) {
                Poll::Ready(Ok(())) => {
                    let Some(request) = request.take() else {
                        return Poll::Pending;
                    };
                    let mut projected = this.as_mut().project();
                    *projected.is_head = request.method() == Method::HEAD;
                    let future = inner.call(request);
                    projected.stage.set(Stage::Calling { future });
                    drop(inner);
                    this.step(cx)
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(CallError::not_ready(error))),
                Poll::Pending => {
                    if let Some(request) = request.take() {
                        this.set(inner.into_inner(), request);
                    }
                    Poll::Pending
                }
            }
        })
    }

    /// Polls the call. As soon as there is a result, everything of the inner service is dropped.
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CallResult> {
        self.guarded(
            &mut (),
            |(), this| this.is_begun(),
            |this, ()| this.step(cx),
        )
    }

    #[inline(always)]
    fn guarded<T>(
        mut self: Pin<&mut Self>,
        context: &mut T,
        is_begun: impl FnOnce(&mut T, &Self) -> bool,
        run: impl FnOnce(Pin<&mut Self>, &mut T) -> Poll<CallResult>,
    ) -> Poll<CallResult> {
        let result = catch(|| run(self.as_mut(), context));
        let result = result.unwrap_or_else(|| {
            let is_sent = is_begun(context, &self);
            Poll::Ready(Err(CallError::new(ItemError::Panicked, is_sent)))
        });
        if result.is_ready() {
            // The result is kept even if this panics.
            catch(|| self.clear());
        }
        result
    }

    fn clear(self: Pin<&mut Self>) {
        self.project().stage.set(Stage::Idle);
    }

    fn step(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CallResult> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.stage.as_mut().project() {
                StageProjection::Waiting { inner, request } => {
                    let is_ready = ready!(inner.poll_ready(cx));
                    if let Err(error) = is_ready {
                        return Poll::Ready(Err(CallError::not_ready(error)));
                    }
                    let Some(request) = request.take() else {
                        return Poll::Pending;
                    };
                    Stage::Calling {
                        future: inner.call(request),
                    }
                }
                StageProjection::Calling { future } => {
                    let response = match ready!(future.poll(cx)) {
                        Ok(response) => response,
                        Err(error) => return Poll::Ready(Err(CallError::failed(error))),
                    };
                    return self.read(response, cx);
                }
                StageProjection::Reading {
                    parts,
                    body,
                    read,
                    max_body,
                } => {
                    let body = ready!(poll_whole(body, read, *max_body, cx));
                    let Some(parts) = parts.take() else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(with_head(parts, body));
                }
                StageProjection::Idle => return Poll::Pending,
            };
            this.stage.set(next);
        }
    }

    /// Reads the response body. The head is stored only if the body is not complete at once.
    fn read(
        self: Pin<&mut Self>,
        response: Response<S::Body>,
        cx: &mut Context<'_>,
    ) -> Poll<CallResult> {
        let mut this = self.project();
        let (mut parts, body) = response.into_parts();
        if !parts.extensions.is_empty() {
            // No other extensions of a response are used.
            let mut extensions = std::mem::take(&mut parts.extensions);
            if let Some(route) = this.route {
                parts.extensions = route.take(&mut extensions);
            }
            policy::drop_extensions(extensions);
        }
        let headers = headers_len(&parts.headers);
        let max_body = this.max_bytes.saturating_sub(headers);
        // The body is stored before its first use: if it panics, and panics again when it is
        // dropped, the second panic is caught.
        this.stage.set(Stage::Reading {
            parts: None,
            body,
            read: Chunks::default(),
            max_body,
        });
        let StageProjection::Reading {
            body,
            read,
            parts: waiting_head,
            ..
        } = this.stage.project()
        else {
            return Poll::Pending;
        };
        if parts.status.is_informational() {
            return Poll::Ready(Err(CallError::Item(ItemError::InformationalStatus)));
        }
        if headers > *this.max_bytes || parts.headers.len() > MAX_FIELDS {
            return Poll::Ready(Err(CallError::Item(ItemError::ResponseTooLarge)));
        }
        if *this.is_head || has_no_body(parts.status) || body.is_end_stream() {
            return Poll::Ready(Ok((parts, Bytes::new())));
        }
        if body.size_hint().lower() > max_body as u64 {
            return Poll::Ready(Err(CallError::Item(ItemError::ResponseTooLarge)));
        }
        match poll_whole(body, read, max_body, cx) {
            Poll::Ready(body) => Poll::Ready(with_head(parts, body)),
            Poll::Pending => {
                *waiting_head = Some(parts);
                Poll::Pending
            }
        }
    }
}

#[inline]
fn with_head(parts: Parts, body: Result<Bytes, ItemError>) -> CallResult {
    body.map(|body| (parts, body)).map_err(CallError::Item)
}

/// Maximum frames that are read before the task yields. A body that is always ready, with empty
/// frames for example, would otherwise prevent the timeouts from being checked.
const FRAMES_PER_POLL: usize = 128;

/// Reads the body to its end. Trailers are dropped.
fn poll_whole<R: Body<Data = Bytes>>(
    mut body: Pin<&mut R>,
    read: &mut Chunks,
    max_bytes: usize,
    cx: &mut Context<'_>,
) -> Poll<Result<Bytes, ItemError>> {
    for _ in 0..FRAMES_PER_POLL {
        let Some(frame) = ready!(body.as_mut().poll_frame(cx)) else {
            return Poll::Ready(Ok(read.take()));
        };
        let Ok(frame) = frame else {
            return Poll::Ready(Err(ItemError::ResponseBroken));
        };
        if let Ok(chunk) = frame.into_data() {
            if read.len() + chunk.len() > max_bytes {
                return Poll::Ready(Err(ItemError::ResponseTooLarge));
            }
            read.push(chunk);
        }
        if body.is_end_stream() {
            return Poll::Ready(Ok(read.take()));
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}
