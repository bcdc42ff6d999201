//! User callbacks.

use std::error::Error as StdError;
use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use super::BatchLayer;
use crate::admission::{Admission, Decision};
use crate::config::Hook;
use crate::error::Error;

/// # User callbacks
impl BatchLayer {
    /// Narrows what is a batch, beyond the method POST and the path. What it does not want passes
    /// through. By default every POST to the path is a batch. If the function panics, the request
    /// is refused with 500.
    ///
    /// It is also called for an item that is a POST to the path: an item that would be a batch
    /// fails with 508. If it panics then, that item fails with 500.
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

    /// Decides whether a batch runs. Called once per batch, after all checks and before any
    /// dispatch, with the items that may run (id, method, target) and the outer request: a rate
    /// limiter charges for them here. By default every batch is admitted.
    ///
    /// The function returns a `Result`, or a future of one where the decision is made elsewhere.
    /// The future is polled under the [time limit of the batch](Self::batch_timeout): when that is
    /// reached, the batch is refused with 503 and the code `admission-timeout`. If the function or
    /// the future panics, the batch is refused with 500.
    ///
    /// # Errors
    ///
    /// A [`StatusCode`](http::StatusCode), an [`ErrorKind`](crate::ErrorKind) or an [`Error`]
    /// refuses the batch with its status. An [`Error`] can carry headers, such as `Retry-After` and
    /// `RateLimit`; `Content-Type` and `Content-Length` are the layer's. With 204, 205 or 304 the
    /// refusal has no body. A 1xx, which is not final, becomes 500.
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
    ///     match charge(admission.items().len()).await {
    ///         true => Ok(()),
    ///         false => Err(StatusCode::TOO_MANY_REQUESTS),
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

    /// Decides whether an item runs. Called once per item, immediately before it is dispatched,
    /// with its final method, URI, headers and extensions: what the function sees is what runs. By
    /// default every item runs.
    ///
    /// The function must not block: what has to wait for something belongs into a layer inside.
    /// If it panics, the item fails with 500.
    ///
    /// # Errors
    ///
    /// A [`StatusCode`](http::StatusCode), an [`ErrorKind`](crate::ErrorKind) or an [`Error`] fails
    /// the item with its status; the item is not dispatched, and the others go on. An [`Error`] can
    /// carry headers, such as `Retry-After` and `RateLimit`; `Content-Type` and `Content-Length`
    /// are the layer's. With 204, 205 or 304 the response has no body. A 1xx, which is not final,
    /// becomes 500.
    ///
    /// ```
    /// # use http::StatusCode;
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").filter(|item| match item.uri.path().starts_with("/public/") {
    ///     true => Ok(()),
    ///     false => Err(StatusCode::FORBIDDEN),
    /// });
    /// ```
    pub fn filter<E: Into<Error>>(
        self,
        filter: impl Fn(&Parts) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let filter = move |item: &Parts| filter(item).map_err(Into::into);
        self.with(|config| config.filter = Some(Hook::new(Arc::new(filter))))
    }

    /// Maps an error of the inner service to the status of its item. Called with the error and with
    /// the item's method, URI and headers as they were dispatched, without extensions, inside the
    /// item's span. The layer keeps a copy of these for each item in flight, only if this is set.
    /// By default, and with `None`, the status is 503 if the service did not get ready, and 500 if
    /// the call failed; so it is with a 1xx, which is not final. The response never shows the
    /// error's own text. If the function panics, the item fails with 500.
    ///
    /// ```
    /// # use http::{Method, StatusCode};
    /// # use tower_multistatus::BatchLayer;
    /// # use tower::timeout::error::Elapsed;
    /// let layer = BatchLayer::new("/batch").map_error(|error, item| {
    ///     match error.is::<Elapsed>() {
    ///         true if item.method == Method::GET => Some(StatusCode::SERVICE_UNAVAILABLE),
    ///         true => Some(StatusCode::GATEWAY_TIMEOUT),
    ///         false => None,
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
}
