//! How much, how many and how long.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
#[cfg(feature = "timeout")]
use std::time::Duration;

use super::BatchLayer;
use crate::config::Hook;

/// # Limits of number and size
impl BatchLayer {
    /// At most so many items in a batch; the default is 100. One more refuses the batch with 413,
    /// and reading stops there.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_items(20);
    /// ```
    pub fn max_items(self, max: usize) -> Self {
        assert!(max > 0, "a batch of no items is of no use");
        self.with(|config| config.limits.max_items = max)
    }

    /// At most so many bytes of envelope; the default is 1 MiB. Reading stops there, and the batch
    /// is refused with 413.
    ///
    /// A request body limit outside the layer (axum's is 2 MB, for its own extractors only) has to
    /// be at least as large.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_envelope_bytes(4 << 20);
    /// ```
    pub fn max_envelope_bytes(self, max: usize) -> Self {
        assert!(max > 0, "an envelope of no bytes is of no use");
        self.with(|config| config.limits.max_envelope_bytes = max)
    }

    /// Maximum bytes of one item's body, decoded; the default is 256 KiB. An item with more fails
    /// with 413 and is not dispatched. With 0 no item may have a body.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_item_body_bytes(16 << 10);
    /// ```
    pub fn max_item_body_bytes(self, max: usize) -> Self {
        self.with(|config| config.limits.max_item_body_bytes = max)
    }

    /// Maximum bytes of one item's response, headers and body together; the default is 1 MiB. A
    /// larger response is replaced by 502, and so is one with more than 1,000 header fields.
    ///
    /// A header field counts as its name, its value and 32 bytes (RFC 7541 §4.1). At most
    /// [`concurrency`](Self::concurrency) responses are read at once, so they hold that many times
    /// this limit.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_response_bytes(64 << 10);
    /// ```
    pub fn max_response_bytes(self, max: usize) -> Self {
        assert!(max > 0, "a response of no bytes is of no use");
        self.with(|config| config.limits.max_response_bytes = max)
    }

    /// Maximum bytes of a buffered envelope, as it is encoded, with all that is held for it:
    /// responses that wait for their turn, and [hoisted](crate::SetCookie::hoist) cookies. The
    /// default is 8 MiB.
    ///
    /// An item whose response does not fit gets 507 instead, and so does each item that has not
    /// begun by then. The envelope keeps room for an empty response of every item: in JSON 64 bytes
    /// and twice the id. Only where the limit is below that can the envelope be larger.
    ///
    /// A streamed envelope is never held whole. There this is the limit of one atomicity group,
    /// which a multipart envelope writes as a whole.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").max_total_response_bytes(1 << 20);
    /// ```
    pub fn max_total_response_bytes(self, max: usize) -> Self {
        assert!(max > 0, "an envelope of no bytes is of no use");
        self.with(|config| config.limits.max_total_response_bytes = max)
    }
}

/// # Concurrency
impl BatchLayer {
    /// At most so many items in flight at once; the default is 8. With 1 they run one after the
    /// other, in order.
    ///
    /// All items of a batch are polled in the one task of their request. Far more than 8 in flight
    /// can use up what tokio lets a task do in one turn (128 steps), and a `LoadShed` inside the
    /// layer then sees services as busy that are not.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").concurrency(1);
    /// ```
    pub fn concurrency(self, items: usize) -> Self {
        assert!(items > 0, "with no item in flight nothing would ever run");
        self.with(|config| config.concurrency = items)
    }

    /// Runs items on an executor, so that they use several cores; by default they all run in the
    /// task of their request.
    ///
    /// It is for handlers that compute: spawning costs one or two microseconds an item, and pays
    /// when an item takes more than about 10 µs of CPU time. At most
    /// [`concurrency`](Self::concurrency) items are spawned at once. Task-locals do not reach them.
    /// Dropping the response drops the items that are not being polled at that moment; such a one
    /// ends when its poll returns. An executor that panics, or drops a task before its end, fails
    /// that item with 500.
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
    /// Time that an item has, from its dispatch to the last byte of its response; the default is 10
    /// seconds. One that takes longer is dropped and gets 504, also while others keep finishing, or
    /// while it always has work. Code that blocks its thread cannot be dropped: the limit applies
    /// when it returns.
    ///
    /// Needs tokio's timer: a runtime built by hand has to `enable_time`.
    ///
    /// # Panics
    ///
    /// If it is 0.
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
            "an item timeout is more than 0"
        );
        self.with(|config| config.item_timeout = timeout)
    }

    /// Time that a batch has, from its first byte to its last response; the default is 30 seconds.
    /// Items that are done by then keep their responses, the others are dropped and get 504, and
    /// the envelope is whole. An upload that is not done by then is refused with 408. A streamed
    /// response is driven by whoever reads it: it ends at the first read after its deadline.
    ///
    /// A body timeout outside of the layer is 408 too, if its error has an
    /// [`io::Error`](std::io::Error) of the kind [`TimedOut`](std::io::ErrorKind::TimedOut) among
    /// its sources. That of tower-http's `RequestBodyTimeoutLayer` has none: it is 400,
    /// [`UploadFailed`](crate::ErrorKind::UploadFailed), unless a layer between maps it.
    ///
    /// `Prefer: wait=N` (seconds, RFC 7240 §4.3) can only shorten it. `Preference-Applied` then
    /// says `wait=N`; for a longer `N`, it says the seconds of this limit, rounded up.
    ///
    /// # Panics
    ///
    /// If it is 0.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").batch_timeout(Duration::from_secs(5));
    /// // Something else has to end a batch then: a client that sends a byte a minute holds it open.
    /// let layer = layer.batch_timeout(None);
    /// ```
    pub fn batch_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        let timeout = timeout.into();
        assert!(
            timeout != Some(Duration::ZERO),
            "a batch timeout is more than 0"
        );
        self.with(|config| config.batch_timeout = timeout)
    }
}
