//! The service `Durable`: what goes where.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Either, Full};
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_multistatus::{Batch, RequestBody, SubrequestInfo};

use crate::accept::{Accepted, accept};
use crate::layer::Settings;
use crate::monitor;
use crate::prefer::Async;
use crate::principal::Principal;
use crate::problem::Problem;

/// A service with a batch endpoint whose batches can run in the background, created by
/// [`DurableLayer`](crate::DurableLayer).
#[derive(Clone)]
#[must_use = "a service does nothing until it is called"]
pub struct Durable<S> {
    batch: Batch<S>,
    settings: Arc<Settings>,
}

/// The body that the application reads: that of the outer request, or bytes that were read before.
pub type OuterBody<B> = Either<B, Full<Bytes>>;

/// The body of a response.
pub type DurableBody = UnsyncBoxBody<Bytes, BoxError>;

impl<S> std::fmt::Debug for Durable<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Durable").finish_non_exhaustive()
    }
}

impl<S> Durable<S> {
    pub(crate) fn new(batch: Batch<S>, settings: Arc<Settings>) -> Self {
        Self { batch, settings }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Durable<S>
where
    S: Service<Request<RequestBody<OuterBody<ReqBody>>>, Response = Response<ResBody>>
        + Clone
        + Send
        + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ReqBody::Error: Into<BoxError>,
    ResBody: Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<DurableBody>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.batch.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        if let Some(id) = monitor::id(&self.settings, parts.uri.path()) {
            let settings = Arc::clone(&self.settings);
            self.release();
            return Box::pin(async move { Ok(monitor::respond(&settings, id, &parts).await) });
        }
        let is_batch = self.settings.batch.is_batch(&parts);
        if is_batch && !self.add_principal(&mut parts) {
            self.release();
            return Box::pin(async { Ok(problem(Problem::Internal, None)) });
        }
        // An item of another batch cannot send a batch. The layer refuses it.
        let is_item = parts.extensions.get::<SubrequestInfo>().is_some();
        let preferred = Async::of(&parts.headers).filter(|_| is_batch && !is_item);
        let Some(preferred) = preferred else {
            let request = Request::from_parts(parts, Either::Left(body));
            let response = self.batch.call(request);
            return Box::pin(async move { Ok(response.await?.map(boxed)) });
        };
        let settings = Arc::clone(&self.settings);
        let inner = self.release();
        Box::pin(async move {
            match accept(&settings, parts, body, preferred).await {
                Accepted::Response(response) => Ok(*response),
                Accepted::RunNow(parts, envelope) => {
                    // `admit` has decided.
                    let layer = settings.batch.clone().admit(|_| Ok::<_, StatusCode>(()));
                    let body = Either::Right(Full::new(envelope));
                    let request = Request::from_parts(*parts, body);
                    let response = layer.layer(inner).oneshot(request).await?;
                    Ok(response.map(boxed))
                }
            }
        })
    }
}

impl<S: Clone> Durable<S> {
    /// Gives up what `poll_ready` has reserved, and returns an instance that is not ready.
    fn release(&mut self) -> S {
        let not_ready = self.batch.get_ref().clone();
        *self.batch.get_mut() = not_ready.clone();
        not_ready
    }
}

impl<S> Durable<S> {
    /// Adds what the items of the batch need to know about the caller. Returns whether that worked.
    fn add_principal(&self, outer: &mut Parts) -> bool {
        let Some(describe) = &self.settings.principal else {
            return true;
        };
        match describe(outer) {
            Ok(value) => {
                outer.extensions.insert(Principal::new(value));
                true
            }
            Err(error) => {
                tracing::error!(error = ?error, "the principal of a batch cannot be written as JSON");
                false
            }
        }
    }
}

pub(crate) fn boxed<B>(body: B) -> DurableBody
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// A response without caching, with this status and body.
pub(crate) fn response(
    status: StatusCode,
    headers: HeaderMap,
    body: impl Into<Bytes>,
) -> Response<DurableBody> {
    let mut response = Response::new(boxed(Full::new(body.into())));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    for (name, value) in [
        (http::header::CACHE_CONTROL, "no-store"),
        (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, http::HeaderValue::from_static(value));
    }
    response
}

/// The response that reports a problem, with a `Retry-After` if the client should try again.
pub(crate) fn problem(problem: Problem, retry_after: Option<u64>) -> Response<DurableBody> {
    let (mut headers, body) = problem.response();
    if let Some(seconds) = retry_after {
        headers.insert(http::header::RETRY_AFTER, seconds.into());
    }
    response(problem.status(), headers, body)
}
