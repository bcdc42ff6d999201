//! Sends single requests.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Request, Response};
use tower::{BoxError, Service};

use super::body::ClientBody;
use super::error::{BatchClientError, BatchClientErrorKind};

pub(super) type Sending<B> =
    Pin<Box<dyn Future<Output = Result<Response<B>, BatchClientError>> + Send>>;

/// The inner client, whose type is erased. The bounds of its error would be in the way otherwise:
/// the compiler cannot prove that an `async` block is `Send` if it has a service whose bounds
/// mention `Box<dyn Error>` (rust-lang/rust#110338).
pub(super) struct Alone<B>(Arc<dyn Fn(Request<ClientBody>) -> Sending<B> + Send + Sync>);

impl<B: 'static> Alone<B> {
    pub(super) fn new<S>(inner: S) -> Self
    where
        S: Service<Request<ClientBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        // The mutex is for clients that are not `Sync`.
        let inner = Mutex::new(inner);
        Self(Arc::new(move |request| {
            let inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
            Box::pin(send(inner.clone(), request))
        }))
    }

    /// Sends a request.
    pub(super) fn send(&self, request: Request<ClientBody>) -> Sending<B> {
        (self.0)(request)
    }
}

impl<B> Clone for Alone<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

async fn send<S, B>(
    mut inner: S,
    request: Request<ClientBody>,
) -> Result<Response<B>, BatchClientError>
where
    S: Service<Request<ClientBody>, Response = Response<B>, Error: Into<BoxError>>,
{
    let failed = |kind| move |error: S::Error| BatchClientError::with_source(kind, error);
    let ready = poll_fn(|cx| inner.poll_ready(cx)).await;
    ready.map_err(failed(BatchClientErrorKind::NotSent))?;
    let response = inner.call(request).await;
    response.map_err(failed(BatchClientErrorKind::Client))
}
