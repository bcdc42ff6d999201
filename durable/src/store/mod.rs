//! Where batches rest: SQLite or PostgreSQL, with the queue of apalis in the same database.

mod accept;
mod attempt;
mod ends;
mod leases;
mod open;
mod queue;
mod read;
mod schema;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{broadcast, watch};

use crate::id::BatchId;

pub(crate) use accept::{Acceptance, NewBatch};
pub(crate) use attempt::{Claim, Entry, Fenced, Reply};
pub(crate) use ends::End;
pub(crate) use leases::Lease;
pub(crate) use read::{Batch, Item, Items, Progress};

/// Evaluates an expression with the pool of either database. The SQL of both is the same text.
macro_rules! on {
    ($pool:expr, $name:ident => $body:expr) => {
        match $pool {
            #[cfg(feature = "sqlite")]
            $crate::store::Pool::Sqlite($name) => $body,
            #[cfg(feature = "postgres")]
            $crate::store::Pool::Postgres($name) => $body,
        }
    };
}
pub(crate) use on;

/// A database that stores batches, and the queue of those that are to run.
///
/// A clone is another handle of the same database. The layer and its workers use one store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    /// SQLite has one writer at a time, so its connection for writing is only one.
    write: Pool,
    read: Pool,
    /// The id of each batch that this process has changed.
    changes: broadcast::Sender<BatchId>,
    /// Changes when this process has added a batch to the queue.
    added: watch::Sender<()>,
    #[cfg(feature = "sqlite")]
    presence: leases::Presence,
}

pub(crate) enum Pool {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
}

/// An error of the store.
///
/// The text of its source names the cause.
#[derive(Debug)]
pub struct StoreError(Box<dyn std::error::Error + Send + Sync>);

impl StoreError {
    pub(crate) fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store of batches failed")
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::new(error)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.shared.write {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => "SQLite",
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => "PostgreSQL",
        };
        f.debug_tuple("Store").field(&kind).finish()
    }
}

impl Store {
    fn writer(&self) -> &Pool {
        &self.shared.write
    }

    fn reader(&self) -> &Pool {
        &self.shared.read
    }

    /// Returns a receiver of the ids of batches that this process changes.
    pub(crate) fn changes(&self) -> broadcast::Receiver<BatchId> {
        self.shared.changes.subscribe()
    }

    fn changed(&self, batch: BatchId) {
        // Nobody may be waiting.
        let _ = self.shared.changes.send(batch);
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    millis(since.unwrap_or_default())
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The time after this duration from now.
pub(crate) fn after(duration: Duration) -> i64 {
    now().saturating_add(millis(duration))
}
