//! The service `Batch`: responds to batches, and passes every other request through.

use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use crate::body::{Envelope, RequestBody, ResponseBody};
use crate::config::Config;
use crate::describe::{describe, options};
use crate::error::{Error, ErrorKind};
use crate::flow;
use crate::future::ResponseFuture;
#[cfg(feature = "page")]
use crate::page;
use crate::panics::{CatchDrop, catch};
use crate::refusal::refusal;
use crate::watch::Watch;

/// A service with a batch endpoint, created by [`BatchLayer`](crate::BatchLayer).
///
/// A request that is not a batch goes to the inner service unchanged: to the instance that
/// [`poll_ready`](Service::poll_ready) has made ready, with its own body, and without an allocation
/// by the layer.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use std::convert::Infallible;
/// use tower::{Layer, service_fn};
/// use tower_multistatus::{Batch, BatchLayer, RequestBody};
///
/// async fn hello(
///     _: Request<RequestBody<Full<Bytes>>>,
/// ) -> Result<Response<Full<Bytes>>, Infallible> {
///     Ok(Response::new(Full::from("hello")))
/// }
///
/// let service: Batch<_> = BatchLayer::new("/batch").layer(service_fn(hello));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a service does nothing until it is called"]
pub struct Batch<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> Batch<S> {
    pub(crate) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }

    /// Returns a reference to the inner service.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the inner service. Items of later batches run on clones of
    /// it. Batches in flight are not affected.
    #[must_use]
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service. It is still ready if [`poll_ready`](Service::poll_ready) made it
    /// so.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Gives up the readiness that `poll_ready` has reserved, and returns an instance for the
    /// items. If it were held while a body is read, N batches on a `ConcurrencyLimit` of N would
    /// wait for each other forever.
    fn not_ready_inner(&mut self) -> Result<CatchDrop<S>, Error>
    where
        S: Clone,
    {
        let inner = &self.inner;
        let clones = catch(|| (CatchDrop::new(inner.clone()), inner.clone()));
        let (for_items, not_ready_inner) = clones.ok_or(ErrorKind::Panicked)?;
        let ready_inner = std::mem::replace(&mut self.inner, not_ready_inner);
        drop(CatchDrop::new(ready_inner));
        Ok(for_items)
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Batch<S>
where
    S: Service<Request<RequestBody<ReqBody>>, Response = Response<ResBody>>
        + Clone
        + Send
        + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ReqBody::Error: Into<BoxError>,
    ResBody: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if request.uri().path() != self.config.path {
            return ResponseFuture::passthrough(self.inner.call(request.map(RequestBody::outer)));
        }
        let (parts, body) = request.into_parts();
        let parts = CatchDrop::new(parts);
        let config = Arc::clone(&self.config);
        let is_batch = config.is_batch(&parts);
        if !matches!(is_batch, Ok(false)) {
            let inner = self.not_ready_inner();
            return match is_batch.and(inner) {
                Ok(inner) => {
                    ResponseFuture::batch(flow::respond(config, inner, Arc::new(parts), body))
                }
                Err(error) => {
                    let response = refusal(&config, &parts, Watch::new(&config), error);
                    ResponseFuture::batch(ready(response))
                }
            };
        }
        if let Some(mut response) = endpoint_response(&config, &parts) {
            if parts.method == Method::HEAD {
                *response.body_mut() = Envelope::from(Bytes::new());
            }
            // Otherwise the reservation of the inner service would last until the next request.
            let _ = self.not_ready_inner();
            return ResponseFuture::batch(ready(response));
        }
        let request = Request::from_parts(parts.into_inner(), RequestBody::outer(body));
        ResponseFuture::passthrough(self.inner.call(request))
    }
}

/// Returns the layer's own response to a request to the batch path that is not a batch, if there is
/// one.
fn endpoint_response(config: &Arc<Config>, parts: &Parts) -> Option<Response<Envelope>> {
    #[cfg(feature = "page")]
    if config.page && page::is_wanted(parts) {
        return Some(page::page());
    }
    if config.describe && matches!(parts.method, Method::GET | Method::HEAD) {
        return Some(describe(config, parts));
    }
    if parts.method == Method::OPTIONS
        && let Some(response) = options(config, parts)
    {
        return Some(response);
    }
    if config.exclusive && !matches!(parts.method, Method::POST | Method::OPTIONS) {
        let is_readable = config.describe;
        #[cfg(feature = "page")]
        let is_readable = is_readable || config.page;
        let allow = if is_readable {
            "GET, HEAD, POST"
        } else {
            "POST"
        };
        let error = Error::new(ErrorKind::MethodNotAllowed).allow(allow);
        return Some(refusal(config, parts, Watch::new(config), error));
    }
    None
}
