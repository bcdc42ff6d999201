//! `DurableLayer` and its settings.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, Request, Response};
use http_body::Body;
use http_body_util::Full;
use serde::Serialize;
use serde_json::Value;
use tower::{BoxError, Layer, Service};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::principal::Principal;
use crate::service::Durable;
use crate::store::Store;
use crate::stored::is_secret;
use crate::worker;

/// Layer that gives a service a batch endpoint whose batches can run in the background.
///
/// A batch with `Prefer: respond-async` is stored, and the response is 202 with the URL of a
/// *monitor*. Every other request goes to [`BatchLayer`] as it is. A [worker](Self::worker) runs
/// the stored batches.
///
/// See the [crate documentation](crate) for an example.
///
/// # All settings
///
/// | setting | default |
/// | --- | --- |
/// | [`owner`](Self::owner) | none: who knows the URL of a monitor may use it |
/// | [`principal`](Self::principal) | none |
/// | [`store_headers`](Self::store_headers) | `Content-Type`, `Accept`, `Accept-Language`, `Host`, `Prefer`, and the versions of OData |
/// | [`monitors_at`](Self::monitors_at) | `/monitors` below the batch path |
/// | [`id_header`](Self::id_header) | none |
/// | [`max_batches`](Self::max_batches) | 10,000 stored batches |
/// | [`deadline`](Self::deadline) | 1 hour |
/// | [`attempts`](Self::attempts) | 5 without progress |
/// | [`keep`](Self::keep) | 1 day |
/// | [`max_wait`](Self::max_wait) | 30 s |
/// | [`retry_after`](Self::retry_after) | 1 s |
/// | [`concurrency`](Self::concurrency) | 8 batches of a worker at a time |
/// | [`lease`](Self::lease), [`poll`](Self::poll) | 15 s, 100 ms |
#[derive(Clone)]
#[must_use]
pub struct DurableLayer {
    settings: Arc<Settings>,
}

type Owner = dyn Fn(&Parts) -> Option<String> + Send + Sync;
type Describe = dyn Fn(&Parts) -> Result<Value, serde_json::Error> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) batch: BatchLayer,
    pub(crate) store: Store,
    pub(crate) owner: Option<Arc<Owner>>,
    pub(crate) principal: Option<Arc<Describe>>,
    pub(crate) stored_headers: Vec<HeaderName>,
    pub(crate) monitors: String,
    pub(crate) id_header: Option<HeaderName>,
    pub(crate) max_batches: usize,
    pub(crate) deadline: Duration,
    pub(crate) attempts: u32,
    pub(crate) keep: Duration,
    pub(crate) max_wait: Duration,
    pub(crate) retry_after: u64,
    pub(crate) concurrency: usize,
    pub(crate) lease: Duration,
    pub(crate) poll: Duration,
}

impl std::fmt::Debug for DurableLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DurableLayer")
            .field("batch", &self.settings.batch)
            .field("store", &self.settings.store)
            .finish_non_exhaustive()
    }
}

impl DurableLayer {
    /// Creates a layer with the batch endpoint of `batch`, whose background batches are in `store`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("batches.db");
    /// use tower_multistatus::BatchLayer;
    /// use tower_multistatus_durable::{DurableLayer, Store};
    ///
    /// let store = Store::sqlite(path).await.unwrap();
    /// let layer = DurableLayer::new(BatchLayer::new("/batch"), store);
    /// # });
    /// ```
    pub fn new(batch: BatchLayer, store: Store) -> Self {
        let monitors = format!("{}/monitors", batch.path());
        Self {
            settings: Arc::new(Settings {
                batch: batch.inherit_extension::<Principal>(),
                store,
                owner: None,
                principal: None,
                stored_headers: Vec::new(),
                monitors,
                id_header: None,
                max_batches: 10_000,
                deadline: Duration::from_secs(60 * 60),
                attempts: 5,
                keep: Duration::from_secs(24 * 60 * 60),
                max_wait: Duration::from_secs(30),
                retry_after: 1,
                concurrency: 8,
                lease: Duration::from_secs(15),
                poll: Duration::from_millis(100),
            }),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// Says who owns a batch, by the request that sends it. Only requests with the same owner can
    /// see its monitor. For all others there is no such monitor.
    ///
    /// By default, and for a batch whose owner is `None`, the URL of the monitor is a capability:
    /// it has 128 random bits, and who knows it may read the result and cancel the batch.
    ///
    /// The function must not believe what a client can forge. Put this layer inside of the one that
    /// authenticates, and take the user from an extension or a header that it sets.
    ///
    /// ```
    /// # use tower_multistatus_durable::DurableLayer;
    /// # fn owned(layer: DurableLayer) -> DurableLayer {
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// layer.owner(|request| request.extensions.get::<User>().map(|user| user.0.clone()))
    /// # }
    /// ```
    pub fn owner(self, owner: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.owner = Some(Arc::new(owner)))
    }

    /// Takes what the handlers need to know about the caller. The value is stored with the batch,
    /// and every item has it as a [`Principal`] in its extensions, in the background or not.
    ///
    /// The credentials of the outer request are not stored, so items of a background batch do not
    /// inherit them.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use tower_multistatus_durable::DurableLayer;
    /// # fn known(layer: DurableLayer) -> DurableLayer {
    /// #[derive(Clone)]
    /// struct User(u64);
    ///
    /// layer.principal(|request| {
    ///     let user = request.extensions.get::<User>();
    ///     json!({ "user": user.map(|user| user.0) })
    /// })
    /// # }
    /// ```
    pub fn principal<T: Serialize>(
        self,
        principal: impl Fn(&Parts) -> T + Send + Sync + 'static,
    ) -> Self {
        let describe = move |outer: &Parts| serde_json::to_value(principal(outer));
        self.with(|settings| settings.principal = Some(Arc::new(describe)))
    }

    /// Adds names to the list of outer headers that are stored, for items to inherit.
    ///
    /// # Panics
    ///
    /// If a name is no header name, or is `Authorization`, `Cookie` or `Proxy-Authorization`:
    /// credentials are not stored.
    ///
    /// ```
    /// # use tower_multistatus_durable::DurableLayer;
    /// # fn stored(layer: DurableLayer) -> DurableLayer {
    /// layer.store_headers(["x-tenant", "x-request-id"])
    /// # }
    /// ```
    pub fn store_headers<I>(self, names: I) -> Self
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let names: Vec<_> = names
            .into_iter()
            .map(|name| header_name(name.as_ref()))
            .collect();
        assert!(!names.iter().any(is_secret), "credentials are not stored");
        self.with(|settings| settings.stored_headers.extend(names))
    }

    /// Sets the folder of the monitors, as this layer sees it: the monitor of a batch is this path,
    /// a slash and an id. By default it is `/monitors` below the batch path. Clients see it below
    /// [`mounted_at`](BatchLayer::mounted_at).
    ///
    /// # Panics
    ///
    /// If the path does not start with a slash, or ends with one.
    pub fn monitors_at(self, path: &str) -> Self {
        assert!(
            path.starts_with('/') && !path.ends_with('/'),
            "the path of the monitors must start with a slash, and must not end with one"
        );
        self.with(|settings| path.clone_into(&mut settings.monitors))
    }

    /// Sets a header of the 202 response that has the id of the batch alone, for clients that build
    /// the URL of the monitor themselves, such as `x-ms-dyn-backgroundoperationid`.
    ///
    /// # Panics
    ///
    /// If this is no header name.
    pub fn id_header(self, name: &str) -> Self {
        let name = header_name(name);
        self.with(|settings| settings.id_header = Some(name))
    }

    /// Sets the maximum number of stored batches, those that have ended and are kept included. A
    /// further one is refused with 503. The default is 10,000.
    ///
    /// # Panics
    ///
    /// If it is 0.
    pub fn max_batches(self, max: usize) -> Self {
        assert!(max > 0, "the number of batches must not be 0");
        self.with(|settings| settings.max_batches = max)
    }

    /// Sets the time after which a background batch ends, counted from its acceptance. Items
    /// without a response fail with 504. It takes the place of
    /// [`batch_timeout`](BatchLayer::batch_timeout). The default is 1 hour.
    ///
    /// # Panics
    ///
    /// If it is 0.
    pub fn deadline(self, deadline: Duration) -> Self {
        assert!(!deadline.is_zero(), "the deadline must not be 0");
        self.with(|settings| settings.deadline = deadline)
    }

    /// Sets the number of attempts at a batch. An attempt after which one more item has a response
    /// does not count. A batch that has had them all ends, and its items without a response fail
    /// with 500. The default is 5.
    ///
    /// # Panics
    ///
    /// If it is 0.
    pub fn attempts(self, attempts: u32) -> Self {
        assert!(attempts > 0, "the number of attempts must not be 0");
        self.with(|settings| settings.attempts = attempts)
    }

    /// Sets how long the result of a batch is kept. Then its monitor responds with 410 for as long
    /// again, and with 404 after that. The default is 1 day.
    pub fn keep(self, keep: Duration) -> Self {
        self.with(|settings| settings.keep = keep)
    }

    /// Sets the longest time that a client can wait for the whole response with
    /// `Prefer: respond-async, wait=…`. The default is 30 s.
    pub fn max_wait(self, wait: Duration) -> Self {
        self.with(|settings| settings.max_wait = wait)
    }

    /// Sets the `Retry-After` of a monitor whose batch runs, and of a refusal because the store is
    /// down or full, in seconds. The default is 1 s.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with(|settings| settings.retry_after = seconds)
    }

    /// Sets the number of batches that a worker runs at a time. The items of each are limited by
    /// [`BatchLayer::concurrency`]. The default is 8.
    ///
    /// # Panics
    ///
    /// If it is 0.
    pub fn concurrency(self, batches: usize) -> Self {
        assert!(batches > 0, "the number of batches must not be 0");
        self.with(|settings| settings.concurrency = batches)
    }

    /// Sets how long the batches of a worker that gives no sign of life wait for another worker, in
    /// whole seconds. A worker gives three signs in this time, and at most one a second. The
    /// default is 15 s.
    ///
    /// It does not matter for a SQLite file with one process: there, a new worker takes the batches
    /// of the old one at once.
    ///
    /// # Panics
    ///
    /// If it is shorter than 3 s.
    pub fn lease(self, lease: Duration) -> Self {
        assert!(lease.as_secs() >= 3, "the lease must be at least 3 s");
        self.with(|settings| settings.lease = lease)
    }

    /// Sets the interval at which an idle worker looks for batches that other processes have
    /// accepted. Those of its own process start at once. The default is 100 ms.
    ///
    /// # Panics
    ///
    /// If it is 0.
    pub fn poll(self, interval: Duration) -> Self {
        assert!(!interval.is_zero(), "the interval must not be 0");
        self.with(|settings| settings.poll = interval)
    }

    /// Returns a worker, which runs the stored batches on `api`: spawn it, in the process that
    /// serves or in another one. It never ends. Several workers share the batches of one store.
    ///
    /// `api` has to be the service that the layer wraps, and the settings have to be those of the
    /// layer that has accepted the batches.
    ///
    /// Dropping the worker stops its batches where they are. Another worker continues them: an item
    /// that had begun then, and cannot be repeated, fails with 500 and the code `unknown-outcome`.
    ///
    /// ```
    /// # use axum::Router;
    /// # use tower_multistatus_durable::DurableLayer;
    /// # async fn start(layer: DurableLayer, api: Router) {
    /// let worker = tokio::spawn(layer.worker(api));
    /// # }
    /// ```
    pub fn worker<S, B>(&self, api: S) -> impl Future<Output = ()> + Send + use<S, B>
    where
        S: Service<Request<RequestBody<Full<Bytes>>>, Response = Response<B>>
            + Clone
            + Send
            + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
    {
        worker::run(Arc::clone(&self.settings), api)
    }
}

fn header_name(name: &str) -> HeaderName {
    match name.parse() {
        Ok(name) => name,
        Err(_) => panic!("{name:?} is no header name"),
    }
}

impl<S> Layer<S> for DurableLayer {
    type Service = Durable<S>;

    fn layer(&self, inner: S) -> Durable<S> {
        Durable::new(self.settings.batch.layer(inner), Arc::clone(&self.settings))
    }
}
