//! `BatchClientLayer` and its settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body;
use tokio::sync::mpsc;
use tower::{BoxError, Layer, Service};

use super::alone::Alone;
use super::body::ClientBody;
use super::call::Shared;
use super::item_urls::ItemUrls;
use super::place::Places;
use super::retry::Retry;
use super::service::BatchClient;
use super::settings::Settings;
use super::worker::BatchClientWorker;
use crate::format::Format;
use crate::policy::ItemHeaders;

/// Layer that sends the requests of a client in batches. See the
/// [guide](crate::guide::client).
///
/// Requests that are made at the same time through clones of the service leave as one batch, and
/// each caller gets its own response. A request that is alone is sent as it is.
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use futures_util::future::join_all;
/// use http::Request;
/// use tower::{Layer, ServiceExt};
/// use tower_multistatus::{BatchClientLayer, BatchLayer, Batched, ClientBody};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let api: Router = Router::new().route("/hello", get(async || "hello"));
/// // A server in the place of a client that has a connection to it.
/// let server = BatchLayer::new("/batch").layer(api);
/// let server = server.map_request(|request: Request<ClientBody>| request.map(Body::new));
///
/// let client = BatchClientLayer::new("/batch").layer(server);
/// let responses = join_all((0..3).map(|_| {
///     let request = Request::get("/hello").body(Body::empty()).unwrap();
///     client.clone().oneshot(request)
/// }));
/// for response in responses.await {
///     let response = response.unwrap();
///     assert_eq!(response.status(), 200);
///     assert_eq!(response.extensions().get::<Batched>().unwrap().size(), 3);
/// }
/// # });
/// ```
///
/// # All settings
///
/// | setting | default |
/// | --- | --- |
/// | [`format`](Self::format) | [`Json`](crate::Json) |
/// | [`window`](Self::window) | zero: the requests that are made before the worker runs |
/// | [`max_items`](Self::max_items) | 100 requests per batch |
/// | [`max_bytes`](Self::max_bytes) | 1 MiB per batch |
/// | [`max_item_body_bytes`](Self::max_item_body_bytes) | 256 KiB; a larger body is sent alone |
/// | [`max_response_bytes`](Self::max_response_bytes) | 16 MiB per batch |
/// | [`max_in_flight`](Self::max_in_flight) | 4 batches |
/// | [`max_waiting`](Self::max_waiting) | 1,024 requests |
/// | [`item_headers`](Self::item_headers) | [`ItemHeaders::guarded`] |
/// | [`vary_by`](Self::vary_by) | `Authorization`, `Cookie` |
/// | [`batch_header`](Self::batch_header) | none |
/// | [`item_urls`](Self::item_urls) | [`ItemUrls::from_root`] |
/// | [`retry`](Self::retry) | [`Retry::never`] |
#[derive(Clone)]
#[must_use]
pub struct BatchClientLayer {
    settings: Arc<Settings>,
}

impl BatchClientLayer {
    /// Creates a layer for servers whose batch endpoint has this path. The default format is
    /// [`Json`](crate::Json).
    ///
    /// # Panics
    ///
    /// If it is not a path that starts with `/`, or has characters that a URL cannot have.
    ///
    /// ```
    /// # use tower_multistatus::BatchClientLayer;
    /// let layer = BatchClientLayer::new("/batch");
    /// ```
    pub fn new(path: &str) -> Self {
        let parsed = PathAndQuery::try_from(path).ok();
        let parsed = parsed.filter(|_| path.starts_with('/'));
        let Some(path) = parsed else {
            panic!("the batch path must be a path of a URL and start with a slash");
        };
        Self {
            settings: Arc::new(Settings::new(path)),
        }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// Returns the service, and its worker, which has to be polled: spawn it on the runtime of the
    /// application. [`layer`](Layer::layer) spawns it on tokio.
    ///
    /// A [`window`](Self::window) other than zero and [`Retry`] need tokio's timer.
    ///
    /// ```
    /// # use http::{Request, Response};
    /// # use http_body_util::Full;
    /// use tower::{BoxError, service_fn};
    /// use tower_multistatus::{BatchClientLayer, ClientBody};
    ///
    /// # let client = service_fn(async |_: Request<ClientBody>| {
    /// #     Ok::<_, BoxError>(Response::new(Full::<bytes::Bytes>::default()))
    /// # });
    /// let (client, worker) = BatchClientLayer::new("/batch").pair(client);
    /// let thread = std::thread::spawn(|| futures_executor_of_the_application(worker));
    /// # drop(client);
    /// # thread.join().unwrap();
    /// # fn futures_executor_of_the_application(worker: impl Future) {
    /// #     tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(worker);
    /// # }
    /// ```
    pub fn pair<S, B>(&self, inner: S) -> (BatchClient<B>, BatchClientWorker)
    where
        S: Service<Request<ClientBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (queue, arrivals) = mpsc::unbounded_channel();
        let settings = Arc::clone(&self.settings);
        let worker = BatchClientWorker::new(inner.clone(), arrivals, Arc::clone(&settings));
        let client = BatchClient::new(Shared {
            queue,
            alone: Alone::new(inner),
            places: Places::new(&settings),
            settings,
        });
        (client, worker)
    }
}

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

    /// How long a request waits for others. The default is zero: the worker yields once to the
    /// other tasks of its runtime, and takes the requests that they have made.
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
        let names =
            names.into_iter().map(
                |name| match HeaderName::from_bytes(name.as_ref().as_bytes()) {
                    Ok(name) => name,
                    Err(_) => panic!("a name must be a valid header name"),
                },
            );
        let names = names.collect();
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

/// Spawns the worker on tokio.
///
/// # Panics
///
/// `layer` panics outside of a tokio runtime. Use [`pair`](BatchClientLayer::pair) there.
impl<S, B> Layer<S> for BatchClientLayer
where
    S: Service<Request<ClientBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Service = BatchClient<B>;

    fn layer(&self, inner: S) -> BatchClient<B> {
        let (client, worker) = self.pair(inner);
        tokio::spawn(worker);
        client
    }
}

impl fmt::Debug for BatchClientLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchClientLayer")
            .field("settings", &self.settings)
            .finish()
    }
}
