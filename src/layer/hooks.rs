//! User callbacks.

use std::error::Error as StdError;
use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use super::BatchLayer;
use crate::admission::{Admission, Decision};
use crate::completed::{Completed, CompletedBatch};
use crate::config::Hook;
use crate::error::Error;
use crate::times::RouteType;

/// # User callbacks
impl BatchLayer {
    /// Decides whether a POST to the batch path is a batch. If not, the request goes to the inner
    /// service. By default every POST to the path is a batch. If the function panics, the request
    /// is refused with 500.
    ///
    /// It is also called for an item that is a POST to the path. An item that would be a batch
    /// fails with 508. If the function panics then, the item fails with 500.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// // The same path serves ordinary requests.
    /// let layer = BatchLayer::new("/account")
    ///     .when(|request| request.uri.query().is_some_and(|query| query.contains("comp=batch")));
    /// ```
    pub fn when(self, when: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.when = Some(Hook::new(Arc::new(when))))
    }

    /// Decides whether a batch runs. Called once per batch, after all checks and before any item is
    /// dispatched. By default every batch runs.
    ///
    /// The function gets the outer request and the items that may run, with their id, method and
    /// target. A rate limiter can charge for them here.
    ///
    /// It returns a `Result`, or a future of one. If the future is not done by the
    /// [batch timeout](Self::batch_timeout), the batch is refused with 503 and the code
    /// `admission-timeout`. If the function or the future panics, the batch is refused with 500.
    ///
    /// A layer with this callback has no [streams](crate::guide::streams), because the callback
    /// needs all items: an NDJSON envelope is read first, with the ordinary limits.
    ///
    /// # Errors
    ///
    /// A [`StatusCode`](http::StatusCode), an [`ErrorKind`](crate::ErrorKind) or an [`Error`]
    /// refuses the batch with its status. With 204, 205 or 304 the refusal has no body. A 1xx,
    /// which is not final, becomes 500. An [`Error`] can have headers, such as `Retry-After` and
    /// `RateLimit`, but the layer sets `Content-Type` and `Content-Length`.
    ///
    /// ```
    /// # use http::StatusCode;
    /// # use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    /// # use tower_multistatus::{Admission, BatchLayer, Error};
    /// let left = AtomicUsize::new(1000);
    /// let layer = BatchLayer::new("/batch").admit(move |admission| {
    ///     let items = admission.items().len();
    ///     left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(items))
    ///         .map(|_| ())
    ///         .map_err(|_| Error::from(StatusCode::TOO_MANY_REQUESTS).retry_after(60))
    /// });
    ///
    /// # async fn charge(_: usize) -> bool { true }
    /// let layer = BatchLayer::new("/batch").admit(async |admission: Admission| {
    ///     if charge(admission.items().len()).await {
    ///         Ok(())
    ///     } else {
    ///         Err(StatusCode::TOO_MANY_REQUESTS)
    ///     }
    /// });
    /// ```
    pub fn admit<D, Kind>(self, admit: impl Fn(Admission) -> D + Send + Sync + 'static) -> Self
    where
        D: Decision<Kind>,
    {
        let admit = move |admission: Admission| admit(admission).decided();
        self.with(|config| config.admit = Some(Hook::new(Arc::new(admit))))
    }

    /// Decides whether an item runs. Called once per item, immediately before it is dispatched. By
    /// default every item runs.
    ///
    /// The function gets the method, URI, headers and extensions that the inner service will get.
    /// It must not block: a check that has to wait belongs in a layer inside. If the function
    /// panics, the item fails with 500.
    ///
    /// # Errors
    ///
    /// A [`StatusCode`](http::StatusCode), an [`ErrorKind`](crate::ErrorKind) or an [`Error`] fails
    /// the item with its status. The item is not dispatched, and the other items run. With 204, 205
    /// or 304 the response has no body. A 1xx, which is not final, becomes 500. An [`Error`] can
    /// have headers, such as `Retry-After` and `RateLimit`, but the layer sets `Content-Type` and
    /// `Content-Length`.
    ///
    /// ```
    /// # use http::StatusCode;
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").filter(|item| {
    ///     if item.uri.path().starts_with("/public/") {
    ///         Ok(())
    ///     } else {
    ///         Err(StatusCode::FORBIDDEN)
    ///     }
    /// });
    /// ```
    pub fn filter<E: Into<Error>>(
        self,
        filter: impl Fn(&Parts) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let filter = move |item: &Parts| filter(item).map_err(Into::into);
        self.with(|config| config.filter = Some(Hook::new(Arc::new(filter))))
    }

    /// Maps an error of the inner service to the status of its item.
    ///
    /// By default, and if the function returns `None` or a 1xx, which is not final, the status is
    /// 503 if the service did not become ready, and 500 if the call failed. If the function panics,
    /// the item fails with 500. The response never contains the text of the error.
    ///
    /// The function gets the error, and the method, URI and headers of the item, as they were
    /// dispatched, without extensions. It is called inside the span of the item. With this setting,
    /// the layer keeps a copy of the method, URI and headers of each item in flight.
    ///
    /// ```
    /// # use http::{Method, StatusCode};
    /// # use tower_multistatus::BatchLayer;
    /// # use tower::timeout::error::Elapsed;
    /// let layer = BatchLayer::new("/batch").map_error(|error, item| {
    ///     if !error.is::<Elapsed>() {
    ///         None
    ///     } else if item.method == Method::GET {
    ///         Some(StatusCode::SERVICE_UNAVAILABLE)
    ///     } else {
    ///         Some(StatusCode::GATEWAY_TIMEOUT)
    ///     }
    /// });
    /// ```
    pub fn map_error(
        self,
        map_error: impl Fn(&(dyn StdError + Send + Sync + 'static), &Parts) -> Option<StatusCode>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.with(|config| config.map_error = Some(Hook::new(Arc::new(map_error))))
    }

    /// Called once per item, when its response is written into the envelope. A recorder of metrics
    /// gets here what it needs, also of items that no layer inside sees: those that were not
    /// dispatched. See [`guide::observing`](crate::guide::observing#metrics).
    ///
    /// The function must not block. If it panics, the panic is caught, and nothing else happens.
    /// With this setting, the layer keeps the times of each item.
    ///
    /// If the batch is dropped, because the client has gone away for example, the function is not
    /// called for the items that have no response by then.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").on_response(|item| {
    ///     println!("{} ran for {:?}: {}", item.id(), item.run(), item.status());
    /// });
    /// ```
    pub fn on_response(self, on_response: impl Fn(&Completed<'_>) + Send + Sync + 'static) -> Self {
        self.with(|config| {
            config.observers_mut().on_response = Some(Hook::new(Arc::new(on_response)))
        })
    }

    /// Called once per batch, when it ends. Every refusal is an end, and so is a request that
    /// [`exclusive`](Self::exclusive) refuses. A batch whose response is dropped before it is
    /// complete ends then.
    ///
    /// The function must not block. If it panics, the panic is caught, and nothing else happens.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").on_batch(|batch| match batch.error() {
    ///     Some(error) if batch.is_refused() => println!("refused: {}", error.code()),
    ///     _ => println!("{} items in {:?}", batch.items(), batch.duration()),
    /// });
    /// ```
    pub fn on_batch(self, on_batch: impl Fn(&CompletedBatch) + Send + Sync + 'static) -> Self {
        self.with(|config| config.observers_mut().on_batch = Some(Hook::new(Arc::new(on_batch))))
    }

    /// Keeps the response extension of this type for [`on_response`](Self::on_response), as
    /// [`Completed::route`](crate::Completed::route). By default none is kept.
    ///
    /// The path of an item is no label for a metric: there are as many as there are users. A label
    /// is the pattern of the route, which only the router knows. axum puts it into the extensions
    /// of the request, which the router consumes. A middleware has to copy it to the response:
    ///
    /// ```
    /// use axum::extract::{MatchedPath, Request};
    /// use axum::middleware::{Next, from_fn};
    /// use axum::response::Response;
    /// use axum::{Router, routing::get};
    /// use tower::Layer;
    /// use tower_multistatus::BatchLayer;
    ///
    /// async fn with_route(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    ///     let mut response = next.run(request).await;
    ///     if let Some(path) = path {
    ///         response.extensions_mut().insert(path);
    ///     }
    ///     response
    /// }
    ///
    /// let api: Router = Router::new()
    ///     .route("/users/{id}", get(async || "a user"))
    ///     .route_layer(from_fn(with_route));
    /// let batch = BatchLayer::new("/batch")
    ///     .route_extension::<MatchedPath>()
    ///     .on_response(|item| {
    ///         let route = item.route::<MatchedPath>().map_or("none", MatchedPath::as_str);
    ///         println!("{route}: {}", item.status());
    ///     });
    /// let app = batch.layer(api);
    /// ```
    pub fn route_extension<T: Clone + Send + Sync + 'static>(self) -> Self {
        self.with(|config| config.observers_mut().route = Some(RouteType::of::<T>()))
    }
}
