//! Limits of number, size and time, and concurrency.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
#[cfg(feature = "timeout")]
use std::time::Duration;

use super::BatchLayer;
use crate::config::Hook;

/// # Limits of number and size
impl BatchLayer {
    /// Maximum items per batch. The default is 100. A batch with more is refused with 413, and not
    /// read further.
    ///
    /// # Panics
    ///
    /// If the value is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_items(20);
    /// ```
    pub fn max_items(self, max: usize) -> Self {
        assert!(max > 0, "`max_items` must be more than 0");
        self.with(|config| config.limits.max_items = max)
    }

    /// Maximum bytes of an envelope. The default is 1 MiB. A larger batch is refused with 413, and
    /// not read further.
    ///
    /// A limit of request bodies outside the layer has to be at least as large. (axum's limit of 2
    /// MB is for its own extractors only.)
    ///
    /// # Panics
    ///
    /// If the value is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_envelope_bytes(4 << 20);
    /// ```
    pub fn max_envelope_bytes(self, max: usize) -> Self {
        assert!(max > 0, "`max_envelope_bytes` must be more than 0");
        self.with(|config| config.limits.max_envelope_bytes = max)
    }

    /// Maximum bytes of the body of an item, decoded. The default is 256 KiB. An item with a larger
    /// body fails with 413 and is not dispatched. With 0, no item may have a body.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_item_body_bytes(16 << 10);
    /// ```
    pub fn max_item_body_bytes(self, max: usize) -> Self {
        self.with(|config| config.limits.max_item_body_bytes = max)
    }

    /// Maximum bytes of the response to an item, headers and body together. The default is 1 MiB.
    /// An item with a larger response, or with more than 1,000 header fields in it, fails with 502.
    ///
    /// A header field counts as its name, its value and 32 bytes (RFC 7541 §4.1). Responses are
    /// read for at most [`concurrency`](Self::concurrency) items at once, so these take at most
    /// that many times this limit.
    ///
    /// # Panics
    ///
    /// If the value is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_response_bytes(64 << 10);
    /// ```
    pub fn max_response_bytes(self, max: usize) -> Self {
        assert!(max > 0, "`max_response_bytes` must be more than 0");
        self.with(|config| config.limits.max_response_bytes = max)
    }

    /// Maximum bytes of a buffered response envelope, encoded. The default is 8 MiB. Responses that
    /// wait for their turn and [hoisted](crate::SetCookie::hoist) cookies count too.
    ///
    /// An item whose response does not fit fails with 507, and so does each item that has not
    /// started by then. The envelope reserves space for an empty response to each item: in JSON 64
    /// bytes and twice the length of the id. It can exceed the limit only if the limit is less than
    /// that.
    ///
    /// A streamed envelope is never held whole. There, this is the limit of one atomicity group,
    /// which a multipart envelope writes as a whole.
    ///
    /// # Panics
    ///
    /// If the value is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_total_response_bytes(1 << 20);
    /// ```
    pub fn max_total_response_bytes(self, max: usize) -> Self {
        assert!(max > 0, "`max_total_response_bytes` must be more than 0");
        self.with(|config| config.limits.max_total_response_bytes = max)
    }
}

/// # Limits of streams
///
/// A stream is a batch whose items run while others are still to arrive. See
/// [`guide::streams`](crate::guide::streams).
impl BatchLayer {
    /// Maximum items of a stream, which [`max_items`](Self::max_items) does not limit. The default
    /// is 1,000,000. One more ends the upload.
    ///
    /// # Panics
    ///
    /// If the value is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_streamed_items(10_000);
    /// ```
    pub fn max_streamed_items(self, max: usize) -> Self {
        assert!(max > 0, "`max_streamed_items` must be more than 0");
        self.with(|config| config.max_streamed_items = max)
    }

    /// Maximum ids of finished items that a stream remembers. The default is 10,000. Those that
    /// finished first are forgotten first.
    ///
    /// An item that depends on an id that is not remembered fails with 424 and the code
    /// `forgotten-dependency`. An id that was forgotten can be used again. A remembered id uses its
    /// length and about 150 bytes.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_remembered_ids(1_000);
    /// ```
    pub fn max_remembered_ids(self, max: usize) -> Self {
        self.with(|config| config.max_remembered_ids = max)
    }
}

/// # Concurrency
impl BatchLayer {
    /// Maximum items of a batch in flight at once. The default is 8. With 1, items run one after
    /// the other, in order.
    ///
    /// All items of a batch are polled in one task, that of the outer request. Far more than 8
    /// items in flight can exhaust tokio's cooperative budget of the task (128 steps). A `LoadShed`
    /// inside the layer then takes services for busy that are not.
    ///
    /// # Panics
    ///
    /// If the value is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").concurrency(1);
    /// ```
    pub fn concurrency(self, items: usize) -> Self {
        assert!(items > 0, "`concurrency` must be more than 0");
        self.with(|config| config.concurrency = items)
    }

    /// Runs items on an executor, so that they can use several cores. By default they all run in
    /// the task of the outer request.
    ///
    /// Use it for handlers that compute. Spawning an item costs one or two microseconds, and is
    /// worth it if the item takes more than about 10 µs of CPU time. At most
    /// [`concurrency`](Self::concurrency) items are spawned at once. Task-locals do not reach them.
    ///
    /// Dropping the response drops the items. An item that is being polled at that moment ends when
    /// its poll returns. If the executor panics, or drops a task before its end, the item fails
    /// with 500.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").executor(|item| {
    ///     tokio::spawn(item);
    /// });
    /// ```
    pub fn executor(
        self,
        executor: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.executor = Some(Hook::new(Arc::new(executor))))
    }
}

/// # Limits of time
#[cfg(feature = "timeout")]
#[cfg_attr(docsrs, doc(cfg(feature = "timeout")))]
impl BatchLayer {
    /// Maximum time of an item, from its dispatch to the last byte of its response. The default is
    /// 10 seconds. An item that takes longer is dropped and fails with 504, even if it is always
    /// ready to continue, or other items keep finishing. Code that blocks its thread cannot be
    /// interrupted: the limit applies when it returns.
    ///
    /// This needs tokio's timer. A runtime that is built by hand has to call `enable_time`.
    ///
    /// # Panics
    ///
    /// If the value is 0.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").item_timeout(Duration::from_secs(2));
    /// // An item may take as long as the whole batch.
    /// let layer = layer.item_timeout(None);
    /// ```
    pub fn item_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        assert!(
            timeout != Some(Duration::ZERO),
            "`item_timeout` must be more than 0"
        );
        self.with(|config| config.item_timeout = timeout)
    }

    /// Maximum time of a batch, from its first byte to its last response. The default is 30
    /// seconds.
    ///
    /// After that, items that have finished keep their responses. The others are dropped and fail
    /// with 504. The envelope is complete. If the upload is not complete by then, the batch is
    /// refused with 408. A streamed response is driven by its reader: it ends at the first read
    /// after the timeout.
    ///
    /// A timeout of the request body outside the layer is 408 too, if its error has an
    /// [`io::Error`](std::io::Error) of the kind [`TimedOut`](std::io::ErrorKind::TimedOut) among
    /// its sources. The error of tower-http's `RequestBodyTimeoutLayer` has none. It is 400,
    /// [`UploadFailed`](crate::ErrorKind::UploadFailed), unless a layer in between maps it.
    ///
    /// `Prefer: wait=N` (seconds, RFC 7240 §4.3) can only shorten the timeout. `Preference-Applied`
    /// is then `wait=N`. If `N` is longer than the timeout, it has the seconds of the timeout,
    /// rounded up.
    ///
    /// # Panics
    ///
    /// If the value is 0.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").batch_timeout(Duration::from_secs(5));
    /// // Set another limit then: a client that sends a byte per minute never ends its batch.
    /// let layer = layer.batch_timeout(None);
    /// ```
    pub fn batch_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        assert!(
            timeout != Some(Duration::ZERO),
            "`batch_timeout` must be more than 0"
        );
        self.with(|config| config.batch_timeout = timeout)
    }

    /// Maximum time in which a stream makes no progress: no item arrives or finishes, and the
    /// reader takes nothing. The default is 30 seconds. [`batch_timeout`](Self::batch_timeout) does
    /// not limit a stream, but `Prefer: wait=N` does.
    ///
    /// After that, the upload ends. Items that have finished keep their responses, and the others
    /// are dropped and fail with 504. The end of the response reports the error
    /// [`UploadTimeout`](crate::ErrorKind::UploadTimeout) if the upload was not complete.
    ///
    /// # Panics
    ///
    /// If the value is 0.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").idle_timeout(Duration::from_secs(5));
    /// // A client may be silent for as long as its connection lasts.
    /// let layer = layer.idle_timeout(None);
    /// ```
    pub fn idle_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        assert!(
            timeout != Some(Duration::ZERO),
            "`idle_timeout` must be more than 0"
        );
        self.with(|config| config.idle_timeout = timeout)
    }
}
