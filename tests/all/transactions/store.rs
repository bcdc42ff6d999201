//! Transactions in memory, with faults, and a service that adds names to them.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::Service;
use tower_multistatus::{BatchLayer, ChangeSets, RequestBody, TransactionError, Transactions};

/// What goes wrong with a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    BeginFails,
    BeginPanics,
    BeginHangs,
    CommitFails,
    CommitConflicts,
    CommitUnknown,
    CommitPanics,
    CommitHangs,
    RollbackHangs,
    RollbackPanics,
}

/// A table of names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    names: Arc<Mutex<BTreeSet<String>>>,
    open: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
    rolled_back: Arc<AtomicUsize>,
    /// The fault of the n-th transaction.
    faults: Arc<Vec<Fault>>,
}

/// A transaction: the names that it adds.
#[derive(Clone, Debug)]
pub(crate) struct Added(Arc<Mutex<Vec<String>>>, Arc<Open>);

/// Counts the open transactions.
#[derive(Debug)]
struct Open(Arc<AtomicUsize>, Fault);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Store {
    pub(crate) fn with(faults: &[Fault]) -> Self {
        Self {
            faults: Arc::new(faults.to_vec()),
            ..Self::default()
        }
    }

    /// The names that are in the table.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names
            .lock()
            .expect("the table")
            .iter()
            .cloned()
            .collect()
    }

    /// The number of transactions that have neither ended nor been dropped.
    pub(crate) fn open(&self) -> usize {
        self.open.load(SeqCst)
    }

    pub(crate) fn begun(&self) -> usize {
        self.begun.load(SeqCst)
    }

    /// The number of transactions whose rollback was called.
    pub(crate) fn rolled_back(&self) -> usize {
        self.rolled_back.load(SeqCst)
    }

    pub(crate) fn change_sets(&self) -> ChangeSets {
        ChangeSets::in_transactions(self.clone())
    }

    pub(crate) fn layer(&self) -> BatchLayer {
        BatchLayer::new("/batch").change_sets(self.change_sets())
    }
}

impl Transactions for Store {
    type Transaction = Added;

    async fn begin(&self, outer: &Parts) -> Result<Added, TransactionError> {
        assert_eq!(outer.uri.path(), "/batch");
        let fault = self.faults.get(self.begun.fetch_add(1, SeqCst));
        let fault = fault.copied().unwrap_or_default();
        tokio::task::yield_now().await;
        match fault {
            Fault::BeginFails => return Err(TransactionError::failed("no connection")),
            Fault::BeginPanics => resume_unwind(Box::new("at begin")),
            Fault::BeginHangs => std::future::pending().await,
            _ => {}
        }
        self.open.fetch_add(1, SeqCst);
        Ok(Added(
            Arc::default(),
            Arc::new(Open(Arc::clone(&self.open), fault)),
        ))
    }

    async fn commit(&self, added: Added) -> Result<(), TransactionError> {
        tokio::task::yield_now().await;
        match added.1.1 {
            Fault::CommitFails => return Err(TransactionError::failed("the disk is full")),
            Fault::CommitConflicts => {
                return Err(TransactionError::conflict("40001").retry_after(3));
            }
            Fault::CommitUnknown => return Err(TransactionError::unknown_outcome("lost")),
            Fault::CommitPanics => resume_unwind(Box::new("at commit")),
            Fault::CommitHangs => std::future::pending().await,
            _ => {}
        }
        let mut names = self.names.lock().expect("the table");
        names.extend(added.0.lock().expect("the names").drain(..));
        Ok(())
    }

    async fn rollback(&self, added: Added) {
        self.rolled_back.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        match added.1.1 {
            Fault::RollbackHangs => std::future::pending().await,
            Fault::RollbackPanics => resume_unwind(Box::new("at rollback")),
            _ => {}
        }
    }
}

type Calling = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

/// A service that adds a name: `POST /add/ada`, `/slow/ada` (100 ms), `/short/ada` (50 ms),
/// `/big/ada` (a response of 1,000 bytes), `/fail/ada` (409 after it was
/// added), `/panic/ada`, `/hang/ada`. Alone, the name is in the table at once, unless the item
/// fails.
pub(crate) fn service<B: Send + 'static>(
    store: &Store,
) -> impl Service<
    Request<RequestBody<B>>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future = Calling,
> + Clone
+ Send
+ 'static {
    let store = store.clone();
    tower::service_fn(move |request: Request<RequestBody<B>>| {
        let store = store.clone();
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let (kind, name) = path[1..].split_once('/').expect("a path");
            let transaction = request.extensions().get::<Added>().cloned();
            // The body need not be `Sync`.
            drop(request);
            match kind {
                "slow" => tokio::time::sleep(Duration::from_millis(100)).await,
                "short" => tokio::time::sleep(Duration::from_millis(50)).await,
                "yield" => tokio::task::yield_now().await,
                _ => {}
            }
            match &transaction {
                Some(added) => added.0.lock().expect("the names").push(name.to_owned()),
                None if matches!(kind, "add" | "slow" | "short" | "yield" | "big") => {
                    store
                        .names
                        .lock()
                        .expect("the table")
                        .insert(name.to_owned());
                }
                None => {}
            }
            let body = if kind == "big" {
                "x".repeat(1000)
            } else {
                "{}".to_owned()
            };
            let mut response = Response::new(Full::from(body));
            match kind {
                "fail" => *response.status_mut() = StatusCode::CONFLICT,
                "panic" => resume_unwind(Box::new("in the handler")),
                "hang" => std::future::pending().await,
                _ => *response.status_mut() = StatusCode::CREATED,
            }
            Ok(response)
        }) as Calling
    })
}
