//! The service `BatchClient`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc};
use tower::{BoxError, Service};

use super::body::ClientBody;
use super::call::{Access, BatchClientFuture, call};
use super::error::{BatchClientError, BatchClientErrorKind};
use super::settings::Settings;
use super::waiting::Waiting;

/// A client whose requests are sent in batches, created by
/// [`BatchClientLayer`](crate::BatchClientLayer).
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
pub struct BatchClient<S> {
    inner: S,
    queue: mpsc::UnboundedSender<Waiting>,
    places: Arc<Semaphore>,
    place: Option<OwnedSemaphorePermit>,
    acquiring: Option<Acquiring>,
    settings: Arc<Settings>,
}

type Acquiring = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

impl<S> BatchClient<S> {
    pub(super) fn new(
        inner: S,
        queue: mpsc::UnboundedSender<Waiting>,
        settings: Arc<Settings>,
    ) -> Self {
        Self {
            inner,
            queue,
            places: Arc::new(Semaphore::new(settings.max_waiting)),
            place: None,
            acquiring: None,
            settings,
        }
    }
}

/// A clone is not ready, whatever the original is.
impl<S: Clone> Clone for BatchClient<S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            queue: self.queue.clone(),
            places: Arc::clone(&self.places),
            place: None,
            acquiring: None,
            settings: Arc::clone(&self.settings),
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for BatchClient<S>
where
    S: Service<Request<ClientBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ReqBody::Error: Into<BoxError>,
    ResBody: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<crate::ResponseBody<ResBody>>;
    type Error = BatchClientError;
    type Future = BatchClientFuture<ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BatchClientError>> {
        if self.queue.is_closed() {
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
        let access = Access {
            queue: self.queue.clone(),
            place: self.place.take(),
            settings: Arc::clone(&self.settings),
        };
        BatchClientFuture::new(call(self.inner.clone(), request, access))
    }
}

impl<S> fmt::Debug for BatchClient<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("BatchClient");
        debug
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The worker has ended.
fn ended() -> BatchClientError {
    BatchClientError::new(BatchClientErrorKind::NotSent)
}
