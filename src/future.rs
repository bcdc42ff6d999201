//! The future `ResponseFuture`: the inner service's own, or that of a batch.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use crate::body::{Envelope, ResponseBody};

pin_project! {
    /// The future of [`Batch`](crate::Batch). Dropping it, or the response that it returns, cancels
    /// every item at once.
    ///
    /// ```
    /// use tower_multistatus::ResponseFuture;
    ///
    /// fn is_a_future<F: Future>() {}
    /// is_a_future::<ResponseFuture<std::future::Ready<Result<http::Response<String>, ()>>>>();
    /// ```
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

type BoxedResponse = Pin<Box<dyn Future<Output = Response<Envelope>> + Send>>;

pin_project! {
    #[project = KindProjection]
    enum Kind<F> {
        Passthrough { #[pin] future: F },
        Batch { response: BoxedResponse },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn passthrough(future: F) -> Self {
        Self {
            kind: Kind::Passthrough { future },
        }
    }

    pub(crate) fn batch(
        response: impl Future<Output = Response<Envelope>> + Send + 'static,
    ) -> Self {
        Self {
            kind: Kind::Batch {
                response: Box::pin(response),
            },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().kind.project() {
            KindProjection::Passthrough { future } => {
                ready!(future.poll(cx)).map(|response| response.map(ResponseBody::passthrough))
            }
            KindProjection::Batch { response } => {
                Ok(ready!(response.as_mut().poll(cx)).map(ResponseBody::envelope))
            }
        })
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
