//! Layer configuration.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, Method, StatusCode};

use crate::admission::{Admission, Decided};
use crate::completed::{Completed, CompletedBatch};
use crate::error::{Error, ErrorKind};
use crate::format::Format;
use crate::item_error::ItemErrors;
use crate::limits::Limits;
use crate::panics::catch;
use crate::policy::{ChangeSets, EnvelopeStatus, InheritedExtensions, ItemHeaders, SetCookie};
use crate::target::TargetRules;
use crate::times::RouteType;
use crate::trace::Warned;

/// The order of the responses in the envelope.
///
/// ```
/// use tower_multistatus::{BatchLayer, Order};
///
/// let layer = BatchLayer::new("/batch").order(Order::Completion);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// The order of the items in the request. If the response is streamed, an item waits for those
    /// before it, and no more than [`concurrency`](crate::BatchLayer::concurrency) items are in
    /// flight or waiting.
    Request,
    /// The order in which the items finish.
    Completion,
}

/// A user callback.
pub(crate) struct Hook<F: ?Sized>(Arc<F>);

impl<F: ?Sized> Hook<F> {
    pub(crate) fn new(hook: Arc<F>) -> Self {
        Self(hook)
    }
}

impl<F: ?Sized> Clone for Hook<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: ?Sized> Deref for Hook<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.0
    }
}

impl<F: ?Sized> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

pub(crate) type When = dyn Fn(&Parts) -> bool + Send + Sync;
pub(crate) type Filter = dyn Fn(&Parts) -> Result<(), Error> + Send + Sync;
pub(crate) type Admit = dyn Fn(Admission) -> Decided + Send + Sync;
type DynError = dyn std::error::Error + Send + Sync;
pub(crate) type MapError = dyn Fn(&DynError, &Parts) -> Option<StatusCode> + Send + Sync;
pub(crate) type OnResponse = dyn Fn(&Completed<'_>) + Send + Sync;
pub(crate) type OnBatch = dyn Fn(&CompletedBatch) + Send + Sync;

/// Spawns a future, which then runs to its end on its own.
pub(crate) type Executor = dyn Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync;

/// The settings that observe batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observers {
    pub(crate) on_response: Option<Hook<OnResponse>>,
    pub(crate) on_batch: Option<Hook<OnBatch>>,
    pub(crate) route: Option<RouteType>,
    pub(crate) server_timing: bool,
}

/// All settings of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) path: String,
    pub(crate) formats: Vec<Arc<dyn Format>>,
    pub(crate) limits: Limits,
    pub(crate) max_streamed_items: usize,
    pub(crate) max_remembered_ids: usize,
    pub(crate) concurrency: usize,
    pub(crate) item_timeout: Option<Duration>,
    pub(crate) batch_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) status: EnvelopeStatus,
    pub(crate) order: Option<Order>,
    pub(crate) streamed: Option<bool>,
    pub(crate) continue_on_error: bool,
    pub(crate) change_sets: ChangeSets,
    pub(crate) references: bool,
    pub(crate) echoed: Vec<HeaderName>,
    pub(crate) targets: TargetRules,
    /// How many levels the base is above the batch path. `None` if it was set.
    pub(crate) base_level: Option<usize>,
    pub(crate) methods: Vec<Method>,
    pub(crate) item_headers: ItemHeaders,
    pub(crate) request_ids: Option<HeaderName>,
    pub(crate) set_cookie: SetCookie,
    pub(crate) item_errors: ItemErrors,
    pub(crate) extensions: InheritedExtensions,
    pub(crate) when: Option<Hook<When>>,
    pub(crate) admit: Option<Hook<Admit>>,
    pub(crate) filter: Option<Hook<Filter>>,
    pub(crate) map_error: Option<Hook<MapError>>,
    /// Boxed, so that a batch that nobody observes has one value to look at.
    pub(crate) observers: Option<Box<Observers>>,
    pub(crate) executor: Option<Hook<Executor>>,
    pub(crate) exclusive: bool,
    pub(crate) describe: bool,
    #[cfg(feature = "page")]
    pub(crate) page: bool,
    pub(crate) warned: Warned,
}

impl Config {
    pub(crate) fn new(path: &str) -> Self {
        let mut config = Self {
            path: path.to_owned(),
            formats: Vec::new(),
            limits: Limits::default(),
            max_streamed_items: 1_000_000,
            max_remembered_ids: 10_000,
            concurrency: 8,
            item_timeout: cfg!(feature = "timeout").then_some(Duration::from_secs(10)),
            batch_timeout: cfg!(feature = "timeout").then_some(Duration::from_secs(30)),
            idle_timeout: cfg!(feature = "timeout").then_some(Duration::from_secs(30)),
            status: EnvelopeStatus::default(),
            order: None,
            streamed: None,
            continue_on_error: true,
            change_sets: ChangeSets::default(),
            references: false,
            echoed: Vec::new(),
            targets: TargetRules::default(),
            base_level: Some(1),
            methods: Vec::new(),
            item_headers: ItemHeaders::default(),
            request_ids: None,
            set_cookie: SetCookie::default(),
            item_errors: ItemErrors::default(),
            extensions: InheritedExtensions::default(),
            when: None,
            admit: None,
            filter: None,
            map_error: None,
            observers: None,
            executor: None,
            exclusive: false,
            describe: false,
            #[cfg(feature = "page")]
            page: false,
            warned: Warned::default(),
        };
        config.derive_base();
        config
    }

    /// Sets the base to the folder above the batch path, as clients see it, unless a base was set.
    pub(crate) fn derive_base(&mut self) {
        if let Some(level) = self.base_level {
            let folder = self.path.rsplitn(level + 1, '/').nth(level);
            let folder = folder.unwrap_or_default().trim_end_matches('/');
            self.targets.base = format!("{}{folder}/", self.targets.mount);
        }
    }

    pub(crate) fn observers_mut(&mut self) -> &mut Observers {
        self.observers.get_or_insert_default()
    }

    /// The observers, if the moments of each item are recorded for them.
    pub(crate) fn item_observers(&self) -> Option<&Observers> {
        let observers = self.observers.as_deref();
        observers.filter(|all| all.on_response.is_some() || all.server_timing)
    }

    /// Whether a request to the batch path is a batch.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Panicked`] if `when` panics.
    pub(crate) fn is_batch(&self, parts: &Parts) -> Result<bool, Error> {
        match &self.when {
            _ if parts.method != Method::POST => Ok(false),
            None => Ok(true),
            Some(when) => catch(|| when(parts)).ok_or(ErrorKind::Panicked.into()),
        }
    }
}
