//! The service `BatchClient`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tower::{BoxError, Service};

use super::call::{BatchClientFuture, Shared};
use super::error::{BatchClientError, BatchClientErrorKind};
use crate::body::ResponseBody;

/// A client whose requests are sent in batches, created by
/// [`BatchClientLayer`](crate::BatchClientLayer).
///
/// `B` is the body of the inner client's responses.
///
/// Requests that are made at the same time through clones of it are sent as one batch. Clone it for
/// each task that makes requests. Clones share the worker and its queue.
///
/// [`poll_ready`](Service::poll_ready) waits for a place in the queue, of which there are
/// [`max_waiting`](crate::BatchClientLayer::max_waiting), and reserves it. So do not keep a clone
/// that is ready and makes no request. The readiness of the inner client is awaited when a batch is
/// sent, on a clone.
///
/// ```
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{BoxError, Layer, ServiceExt, service_fn};
/// use tower_multistatus::{BatchClientLayer, ClientBody};
///
/// async fn send(_: Request<ClientBody>) -> Result<Response<Full<bytes::Bytes>>, BoxError> {
///     Ok(Response::new(Full::from("hello")))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let client = BatchClientLayer::new("/batch").layer(service_fn(send));
/// let request = Request::get("http://api.example/hello").body(Full::<bytes::Bytes>::default());
/// // A request that is alone is sent as it is.
/// let response = client.oneshot(request.unwrap()).await.unwrap();
/// assert_eq!(response.status(), 200);
/// # });
/// ```
#[must_use = "a service does nothing until it is called"]
pub struct BatchClient<B> {
    shared: Arc<Shared<B>>,
    places: Arc<Semaphore>,
    place: Option<OwnedSemaphorePermit>,
    acquiring: Option<Acquiring>,
}

type Acquiring =
    Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send + Sync>>;

impl<B> BatchClient<B> {
    pub(super) fn new(shared: Shared<B>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(shared.settings.max_waiting)),
            shared: Arc::new(shared),
            place: None,
            acquiring: None,
        }
    }
}

/// A clone is not ready, whatever the original is.
impl<B> Clone for BatchClient<B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            places: Arc::clone(&self.places),
            place: None,
            acquiring: None,
        }
    }
}

impl<ReqBody, ResBody> Service<Request<ReqBody>> for BatchClient<ResBody>
where
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ReqBody::Error: Into<BoxError>,
    ResBody: Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = BatchClientError;
    type Future = BatchClientFuture<ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BatchClientError>> {
        if self.shared.entrance.is_closed() {
            return Poll::Ready(Err(ended()));
        }
        if self.place.is_some() {
            return Poll::Ready(Ok(()));
        }
        if self.acquiring.is_none()
            && let Ok(place) = Arc::clone(&self.places).try_acquire_owned()
        {
            self.place = Some(place);
            return Poll::Ready(Ok(()));
        }
        let places = &self.places;
        let acquiring = self
            .acquiring
            .get_or_insert_with(|| Box::pin(Arc::clone(places).acquire_owned()));
        let place = ready!(acquiring.as_mut().poll(cx));
        self.acquiring = None;
        self.place = Some(place.map_err(|_| ended())?);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        BatchClientFuture::new(request, self.place.take(), &self.shared)
    }
}

impl<B> fmt::Debug for BatchClient<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("BatchClient");
        debug
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

/// The worker has ended.
fn ended() -> BatchClientError {
    BatchClientError::new(BatchClientErrorKind::NotSent)
}
