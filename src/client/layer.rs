//! `BatchClientLayer` and its settings.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Layer, Service};

use super::alone::Alone;
use super::arrivals::arrivals;
use super::body::ClientBody;
use super::call::Shared;
use super::place::Places;
use super::service::BatchClient;
use super::settings::Settings;
use super::worker::BatchClientWorker;

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
/// | [`window`](Self::window) | zero: those that the other tasks make when a task yields once |
/// | [`max_items`](Self::max_items) | 100 requests per batch |
/// | [`max_bytes`](Self::max_bytes) | 1 MiB per batch |
/// | [`max_item_body_bytes`](Self::max_item_body_bytes) | 256 KiB; a larger body is sent alone |
/// | [`max_response_bytes`](Self::max_response_bytes) | 16 MiB per batch |
/// | [`max_in_flight`](Self::max_in_flight) | 4 batches |
/// | [`max_waiting`](Self::max_waiting) | 1,024 requests |
/// | [`item_headers`](Self::item_headers) | [`ItemHeaders::guarded`](crate::ItemHeaders::guarded) |
/// | [`vary_by`](Self::vary_by) | `Authorization`, `Cookie` |
/// | [`batch_header`](Self::batch_header) | none |
/// | [`item_urls`](Self::item_urls) | [`ItemUrls::from_root`](crate::ItemUrls::from_root) |
/// | [`retry`](Self::retry) | [`Retry::never`](crate::Retry::never) |
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
    /// A [`window`](Self::window) other than zero and [`Retry`](crate::Retry) need tokio's timer.
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
        // Requests wait for those of their window.
        let (entrance, exit) = arrivals(!self.settings.window.is_zero());
        let settings = Arc::clone(&self.settings);
        let worker = BatchClientWorker::new(inner.clone(), exit, Arc::clone(&settings));
        let client = BatchClient::new(Shared {
            entrance,
            alone: Alone::new(inner),
            places: Places::new(&settings),
            settings,
        });
        (client, worker)
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
