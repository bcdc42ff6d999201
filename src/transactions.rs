//! Transactions of the application, in which atomicity groups run.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Extensions;
use http::request::Parts;
use tower::BoxError;

use crate::item_error::ItemError;
use crate::panics::CatchDrop;

/// Transactions of the application: with
/// [`ChangeSets::in_transactions`](crate::ChangeSets::in_transactions), the items of an atomicity
/// group run in one, and succeed or fail together.
///
/// The transaction of a group is in the extensions of the request of each of its items. A handler
/// takes it from there. A request outside a group has none.
///
/// # Dropping a transaction must roll it back
///
/// The layer calls [`rollback`](Self::rollback) and waits for it. But if the client leaves, or the
/// batch times out, the layer drops every clone of the transaction, and nothing waits any more. So
/// the destructor of the last clone has to roll back. Transactions of sqlx do so.
///
/// The futures of `begin`, `commit` and `rollback` can be dropped before they end, too. A `begin`
/// that is dropped must leave nothing open: with sqlx and PostgreSQL, a connection whose `BEGIN`
/// was sent and not yet answered goes back to the pool inside a transaction. Begin in a task of its
/// own there, as the example `transactions` does.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use http::request::Parts;
/// use tower_multistatus::{BatchLayer, ChangeSets, TransactionError, Transactions};
///
/// /// A list of names, and the names that a transaction adds to it.
/// #[derive(Clone, Default)]
/// struct Names(Arc<Mutex<Vec<String>>>);
///
/// #[derive(Clone, Default)]
/// struct Added(Arc<Mutex<Vec<String>>>);
///
/// impl Transactions for Names {
///     type Transaction = Added;
///
///     async fn begin(&self, _: &Parts) -> Result<Added, TransactionError> {
///         Ok(Added::default())
///     }
///
///     async fn commit(&self, added: Added) -> Result<(), TransactionError> {
///         self.0.lock().unwrap().append(&mut added.0.lock().unwrap());
///         Ok(())
///     }
///
///     async fn rollback(&self, _: Added) {}
/// }
///
/// let change_sets = ChangeSets::in_transactions(Names::default());
/// let layer = BatchLayer::new("/batch").change_sets(change_sets);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not provide transactions",
    note = "implement `tower_multistatus::Transactions`: `begin`, `commit` and `rollback`"
)]
pub trait Transactions: Send + Sync + 'static {
    /// A transaction. Its clones are the same transaction: one is in the extensions of each item.
    type Transaction: Clone + Send + Sync + 'static;

    /// Begins the transaction of a group, before its first item runs. Called with the head of the
    /// outer request.
    ///
    /// # Errors
    ///
    /// The first item of the group fails with the error, and the others with 424.
    fn begin(
        &self,
        outer: &Parts,
    ) -> impl Future<Output = Result<Self::Transaction, TransactionError>> + Send;

    /// Commits the transaction. Called after all items of the group have succeeded.
    ///
    /// # Errors
    ///
    /// All items of the group fail with the error.
    fn commit(
        &self,
        transaction: Self::Transaction,
    ) -> impl Future<Output = Result<(), TransactionError>> + Send;

    /// Rolls the transaction back. Called after an item of the group has failed.
    fn rollback(&self, transaction: Self::Transaction) -> impl Future<Output = ()> + Send;
}

/// Why a transaction did not begin, or was not committed.
///
/// | | at [`begin`](Transactions::begin) | at [`commit`](Transactions::commit) |
/// | --- | --- | --- |
/// | [`failed`](Self::failed) | 503 `begin-failed` | 500 `commit-failed`: nothing of the group has an effect |
/// | [`conflict`](Self::conflict) | 503 `conflict` | 503 `conflict`, with `Retry-After`: the same |
/// | [`unknown_outcome`](Self::unknown_outcome) | 503 `begin-failed` | 500 `unknown-outcome`: the group may have been committed |
///
/// ```
/// use tower_multistatus::TransactionError;
///
/// let error = TransactionError::conflict("could not serialize access").retry_after(2);
/// assert_eq!(error.to_string(), "the transaction conflicts with another one");
/// ```
#[derive(Debug)]
pub struct TransactionError {
    kind: Kind,
    retry_after: Option<u64>,
    source: BoxError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Failed,
    Conflict,
    UnknownOutcome,
}

impl TransactionError {
    /// The transaction failed, and has no effect.
    pub fn failed(source: impl Into<BoxError>) -> Self {
        Self::new(Kind::Failed, source)
    }

    /// The transaction conflicts with another one, and has no effect: a serialization failure or a
    /// deadlock for example. The client may send the group again, after one second unless
    /// [`retry_after`](Self::retry_after) sets another time.
    pub fn conflict(source: impl Into<BoxError>) -> Self {
        Self::new(Kind::Conflict, source).retry_after(1)
    }

    /// Nobody knows whether the transaction was committed: the connection was lost meanwhile, for
    /// example.
    pub fn unknown_outcome(source: impl Into<BoxError>) -> Self {
        Self::new(Kind::UnknownOutcome, source)
    }

    fn new(kind: Kind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            retry_after: None,
            source: source.into(),
        }
    }

    /// Sets `Retry-After` of the items to this number of seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn seconds(&self) -> Option<u64> {
        self.retry_after
    }

    /// The error of the item whose transaction could not begin.
    pub(crate) fn at_begin(&self) -> ItemError {
        match self.kind {
            Kind::Conflict => ItemError::Conflict,
            Kind::Failed | Kind::UnknownOutcome => ItemError::BeginFailed,
        }
    }

    /// The error of all items whose transaction could not be committed.
    pub(crate) fn at_commit(&self) -> ItemError {
        match self.kind {
            Kind::Failed => ItemError::CommitFailed,
            Kind::Conflict => ItemError::Conflict,
            Kind::UnknownOutcome => ItemError::UnknownOutcome,
        }
    }
}

impl fmt::Display for TransactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Failed => "the transaction failed",
            Kind::Conflict => "the transaction conflicts with another one",
            Kind::UnknownOutcome => "it is unknown whether the transaction was committed",
        })
    }
}

impl std::error::Error for TransactionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// A future of user code.
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// [`Transactions`] of any type.
pub(crate) trait AnyTransactions: Send + Sync {
    fn begin(
        self: Arc<Self>,
        outer: Arc<CatchDrop<Parts>>,
    ) -> BoxFuture<Result<Box<dyn Open>, TransactionError>>;
}

/// A transaction that has begun.
pub(crate) trait Open: Send {
    fn insert(&self, extensions: &mut Extensions);
    fn commit(self: Box<Self>) -> BoxFuture<Result<(), TransactionError>>;
    fn rollback(self: Box<Self>) -> BoxFuture<()>;
}

struct Opened<T: Transactions> {
    all: Arc<T>,
    transaction: T::Transaction,
}

impl<T: Transactions> AnyTransactions for T {
    fn begin(
        self: Arc<Self>,
        outer: Arc<CatchDrop<Parts>>,
    ) -> BoxFuture<Result<Box<dyn Open>, TransactionError>> {
        Box::pin(async move {
            let transaction = Transactions::begin(&*self, &outer).await?;
            let all = self;
            Ok(Box::new(Opened { all, transaction }) as Box<dyn Open>)
        })
    }
}

impl<T: Transactions> Open for Opened<T> {
    fn insert(&self, extensions: &mut Extensions) {
        extensions.insert(self.transaction.clone());
    }

    fn commit(self: Box<Self>) -> BoxFuture<Result<(), TransactionError>> {
        Box::pin(async move { self.all.commit(self.transaction).await })
    }

    fn rollback(self: Box<Self>) -> BoxFuture<()> {
        Box::pin(async move { self.all.rollback(self.transaction).await })
    }
}
