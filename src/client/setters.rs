//! The settings of `BatchClientLayer`.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::item_urls::ItemUrls;
use super::layer::BatchClientLayer;
use super::retry::Retry;
use crate::format::Format;
use crate::policy::{ItemHeaders, header_names};

/// # Settings
impl BatchClientLayer {
    /// The format of batches. It has to be one that the server reads and writes.
    ///
    /// With [`NdJson`](crate::NdJson), each caller has its response as soon as its item has
    /// finished, not when all items have.
    ///
    /// # Panics
    ///
    /// If the format has no [`request_encoder`](Format::request_encoder).
    ///
    /// ```
    /// # use tower_multistatus::{BatchClientLayer, NdJson};
    /// let layer = BatchClientLayer::new("/batch").format(NdJson::new());
    /// ```
    pub fn format(self, format: impl Format) -> Self {
        assert!(
            format.request_encoder().is_some(),
            "the format must write requests"
        );
        self.with(|settings| settings.format = Arc::new(format))
    }

    /// How long a request waits for others. The default is zero: the task of the first request
    /// yields once to the other tasks of its runtime. If these make requests too, the worker yields
    /// once more and sends all of them.
    ///
    /// Any other value needs tokio's timer, and delays every request, also one that stays alone.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::new("/batch").window(Duration::from_millis(2));
    /// ```
    pub fn window(self, window: Duration) -> Self {
        self.with(|settings| settings.window = window)
    }

    /// Maximum requests per batch. The default is 100. Further ones are sent in further batches.
    ///
    /// # Panics
    ///
    /// If it is less than 2.
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::new("/batch").max_items(20);
    /// ```
    pub fn max_items(self, max: usize) -> Self {
        assert!(max > 1, "a batch must be able to have two items");
        self.with(|settings| settings.max_items = max)
    }

    /// Maximum bytes per batch. The default is 1 MiB. Requests that do not fit are sent in another
    /// batch.
    ///
    /// # Panics
    ///
    /// If it is zero.
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::new("/batch").max_bytes(64 << 10);
    /// ```
    pub fn max_bytes(self, max: usize) -> Self {
        assert!(max > 0, "a batch must have at least one byte");
        self.with(|settings| settings.max_bytes = max)
    }

    /// Maximum bytes of the body of a request in a batch. The default is 256 KiB. A request with a
    /// larger body is sent alone, as is one whose length is not known before it is read.
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::new("/batch").max_item_body_bytes(16 << 10);
    /// ```
    pub fn max_item_body_bytes(self, max: usize) -> Self {
        self.with(|settings| settings.max_item_body_bytes = max)
    }

    /// Maximum bytes of a response to a batch. The default is 16 MiB. In a format that is read
    /// while it arrives, this is the maximum of one item. A response that is larger counts as lost.
    ///
    /// # Panics
    ///
    /// If it is zero.
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::new("/batch").max_response_bytes(1 << 20);
    /// ```
    pub fn max_response_bytes(self, max: usize) -> Self {
        assert!(max > 0, "a response must have at least one byte");
        self.with(|settings| settings.max_response_bytes = max)
    }

    /// Maximum batches that are sent at the same time. The default is 4. While there are as many,
    /// further requests wait, and so the next batch has more of them.
    ///
    /// # Panics
    ///
    /// If it is zero.
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::new("/batch").max_in_flight(1);
    /// ```
    pub fn max_in_flight(self, max: usize) -> Self {
        assert!(max > 0, "a batch must be able to leave");
        self.with(|settings| settings.max_in_flight = max)
    }

    /// Maximum requests that wait to be sent. The default is 1,024. When there are as many, the
    /// service is not ready. It should be more than the number of callers that make requests at the
    /// same time.
    ///
    /// # Panics
    ///
    /// If it is zero, or more than [`Semaphore::MAX_PERMITS`](tokio::sync::Semaphore::MAX_PERMITS).
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::new("/batch").max_waiting(10_000);
    /// ```
    pub fn max_waiting(self, max: usize) -> Self {
        let possible = 1..=tokio::sync::Semaphore::MAX_PERMITS;
        assert!(possible.contains(&max), "a request must be able to wait");
        self.with(|settings| settings.max_waiting = max)
    }

    /// The headers that the server accepts from an item, which is the server's setting of the
    /// [same name](crate::BatchLayer::item_headers). The default is the default of the server,
    /// [`ItemHeaders::guarded`].
    ///
    /// Requests may differ in these headers. All other headers are sent on the batch, from which
    /// items inherit them. So requests that differ in another header are in different batches. If
    /// each request has its own `X-Request-Id`, for example, both sides have to allow it.
    ///
    /// ```
    /// # use tower_multistatus::{BatchClientLayer, ItemHeaders};
    /// let headers = ItemHeaders::guarded().allow(["x-request-id"]);
    /// let layer = BatchClientLayer::new("/batch").item_headers(headers);
    /// ```
    pub fn item_headers(self, policy: ItemHeaders) -> Self {
        self.with(|settings| settings.item_headers = policy)
    }

    /// The headers that never differ within a batch, even if the server accepts them from an item.
    /// The default is `Authorization` and `Cookie`. Requests to different hosts are never in one
    /// batch.
    ///
    /// # Panics
    ///
    /// If one is not a valid header name.
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::new("/batch").vary_by(["authorization", "accept-language"]);
    /// ```
    pub fn vary_by<I>(self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let names = header_names(names).collect();
        self.with(|settings| settings.vary_by = names)
    }

    /// Adds a header to every batch. Items inherit it as if each request had it, unless it is about
    /// the batch itself, as `Prefer` is.
    ///
    /// ```
    /// # use http::{HeaderName, HeaderValue};
    /// # use tower_multistatus::BatchClientLayer;
    /// let prefer = HeaderValue::from_static("wait=5");
    /// let layer = BatchClientLayer::new("/batch")
    ///     .batch_header(HeaderName::from_static("prefer"), prefer);
    /// ```
    pub fn batch_header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.with(|settings| drop(settings.batch_headers.insert(name, value)))
    }

    /// How the URLs of items are written. The default is [`ItemUrls::from_root`].
    ///
    /// ```
    /// # use tower_multistatus::{BatchClientLayer, ItemUrls};
    /// let layer = BatchClientLayer::new("/v1/$batch").item_urls(ItemUrls::from_folder());
    /// ```
    pub fn item_urls(self, urls: ItemUrls) -> Self {
        self.with(|settings| settings.item_urls = urls)
    }

    /// Whether an item with the status 429 or 503 is sent again. The default is [`Retry::never`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_multistatus::{BatchClientLayer, Retry};
    /// let retry = Retry::idempotent(3, Duration::from_secs(5));
    /// let layer = BatchClientLayer::new("/batch").retry(retry);
    /// ```
    pub fn retry(self, retry: Retry) -> Self {
        self.with(|settings| settings.retry = retry)
    }
}
