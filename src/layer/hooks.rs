//! Functions of yours that decide.

use std::error::Error as StdError;
use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use super::BatchLayer;
use crate::config::Hook;
use crate::error::Error;

impl BatchLayer {
    /// Narrows what is a batch, beyond the method POST and the path. What it does not want passes through. By default every
    /// POST to the path is a batch. If the function panics, the request is refused with 500.
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

    /// Is asked once per batch, after all checks and before any item runs, with the number of items and the outer request; so a
    /// rate limiter can charge for what will be done. By default every batch is admitted. If the function panics, the batch is
    /// refused with 500.
    ///
    /// # Errors
    ///
    /// A [`StatusCode`], or an [`Error`] made of one, refuses the batch with it. With 204, 205 or
    /// 304 the refusal has no body, and a 1xx, which is not final, becomes 500.
    ///
    /// ```
    /// # use http::StatusCode;
    /// # use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    /// # use tower_multistatus::{BatchLayer, Error};
    /// let left = AtomicUsize::new(1000);
    /// let layer = BatchLayer::new("/batch").admit(move |items, _| {
    ///     left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(items))
    ///         .map(|_| ())
    ///         .map_err(|_| Error::from(StatusCode::TOO_MANY_REQUESTS).retry_after(60))
    /// });
    /// ```
    pub fn admit<E: Into<Error>>(
        self,
        admit: impl Fn(usize, &Parts) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let admit = move |items: usize, outer: &Parts| admit(items, outer).map_err(Into::into);
        self.with(|config| config.admit = Some(Hook::new(Arc::new(admit))))
    }

    /// Is asked once per item, immediately before it is dispatched, with its final method, URI, headers and extensions: what it
    /// sees is what runs. By default every item is let through. If the function panics, the item fails with 500.
    ///
    /// # Errors
    ///
    /// The item fails with this status and is not dispatched; the others go on. With 204, 205 or
    /// 304 its response has no body, and a 1xx, which is not final, becomes 500.
    ///
    /// ```
    /// # use http::StatusCode;
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").filter(|item| match item.uri.path().starts_with("/public/") {
    ///     true => Ok(()),
    ///     false => Err(StatusCode::FORBIDDEN),
    /// });
    /// ```
    pub fn filter(
        self,
        filter: impl Fn(&Parts) -> Result<(), StatusCode> + Send + Sync + 'static,
    ) -> Self {
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
