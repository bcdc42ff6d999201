//! The database: a pool of connections, and the transactions of groups.

use std::time::Duration;

use axum::http::request::Parts;
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{Any, AnyConnection, AnyPool, Executor, Transaction};
use tower_multistatus::{TransactionError, Transactions};

use crate::db::GroupTransaction;
use crate::error::{at_begin, at_commit};

/// A database with accounts and transfers, SQLite or PostgreSQL.
///
/// `sqlx::Any` selects the driver by the URL. All statements of this example are the same for both,
/// except those in [`Dialect`], and the errors of `Any` keep the codes of the database. With an
/// enum of two pools, every query would exist twice; with a type parameter, every handler would
/// have a long list of bounds.
#[derive(Clone, Debug)]
pub struct Bank {
    pool: AnyPool,
    dialect: &'static Dialect,
}

/// How to open a [`Bank`].
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Maximum connections. A group has one while it runs, and so has an item outside a group.
    pub connections: u32,
    /// How long a request waits for a connection, and a statement for a lock. This is shorter than
    /// the timeout of an item, so that a client gets 503 with `Retry-After`, and not 504.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 8,
            patience: Duration::from_secs(5),
        }
    }
}

/// What differs between the databases.
#[derive(Debug)]
struct Dialect {
    begin_write: &'static str,
    begin_read: &'static str,
    /// Whether a statement that fails dooms the transaction.
    is_doomed_by_errors: bool,
}

/// SQLite has one writer at a time. A transaction that begins with a read and writes later can fail
/// at once if another one has written meanwhile, so a writer takes the lock when it begins.
const SQLITE: Dialect = Dialect {
    begin_write: "BEGIN IMMEDIATE",
    begin_read: "BEGIN",
    is_doomed_by_errors: false,
};

const POSTGRES: Dialect = Dialect {
    begin_write: "BEGIN ISOLATION LEVEL SERIALIZABLE",
    begin_read: "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY",
    is_doomed_by_errors: true,
};

/// The references are checked at the commit, so that transfers can be written before accounts.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS accounts (
        name TEXT PRIMARY KEY,
        balance BIGINT NOT NULL CHECK (balance >= 0)
    );
    CREATE TABLE IF NOT EXISTS transfers (
        source TEXT NOT NULL REFERENCES accounts (name) DEFERRABLE INITIALLY DEFERRED,
        target TEXT NOT NULL REFERENCES accounts (name) DEFERRABLE INITIALLY DEFERRED,
        amount BIGINT NOT NULL,
        reference TEXT UNIQUE
    )";

impl Bank {
    /// Connects to a database, and creates the tables if they are missing.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, or the tables cannot be created.
    pub async fn open(url: &str, settings: Settings) -> Result<Self, sqlx::Error> {
        install_default_drivers();
        let is_sqlite = url.starts_with("sqlite:");
        let milliseconds = settings.patience.as_millis();
        // Each connection gets these settings. A reader of SQLite does not wait for the writer with
        // a write-ahead log. PostgreSQL ends what a client has abandoned: sqlx cannot cancel a
        // statement that runs.
        let setup = if is_sqlite {
            format!("PRAGMA busy_timeout = {milliseconds}; PRAGMA journal_mode = WAL")
        } else {
            format!("SET lock_timeout = {milliseconds}; SET statement_timeout = '10s'")
        };
        let pool = AnyPoolOptions::new()
            .max_connections(settings.connections)
            .acquire_timeout(settings.patience)
            .after_connect(move |connection: &mut AnyConnection, _| {
                let setup = sqlx::AssertSqlSafe(setup.clone());
                Box::pin(async move { connection.execute(setup).await.map(drop) })
            })
            .connect(url)
            .await?;
        pool.execute(TABLES).await?;
        let dialect = if is_sqlite { &SQLITE } else { &POSTGRES };
        Ok(Self { pool, dialect })
    }

    /// The connections to the database.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    pub(crate) async fn begin_write(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.begin(self.dialect.begin_write).await
    }

    pub(crate) async fn begin_read(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.begin(self.dialect.begin_read).await
    }

    /// Begins a transaction, in a task of its own. If a future of sqlx is dropped while PostgreSQL
    /// begins the transaction, the transaction stays open, and the connection returns to the pool
    /// with it. The task goes on instead, and drops a transaction that nobody waits for any more,
    /// which rolls it back.
    async fn begin(
        &self,
        statement: &'static str,
    ) -> Result<Transaction<'static, Any>, sqlx::Error> {
        let pool = self.pool.clone();
        let begin = tokio::spawn(async move { pool.begin_with(statement).await });
        begin.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

impl Transactions for Bank {
    type Transaction = GroupTransaction;

    async fn begin(&self, _: &Parts) -> Result<GroupTransaction, TransactionError> {
        let transaction = self.begin_write().await.map_err(at_begin)?;
        Ok(GroupTransaction::new(transaction))
    }

    async fn commit(&self, transaction: GroupTransaction) -> Result<(), TransactionError> {
        let Some(mut transaction) = transaction.take().await else {
            return Err(TransactionError::failed("the transaction has ended"));
        };
        // If a handler has ignored the error of a statement, PostgreSQL responds to COMMIT with
        // "ROLLBACK", which sqlx takes for success. Any other statement fails then.
        if self.dialect.is_doomed_by_errors {
            let probe = transaction.execute("SELECT 1").await;
            probe.map_err(at_begin)?;
        }
        transaction.commit().await.map_err(at_commit)
    }

    async fn rollback(&self, transaction: GroupTransaction) {
        // A transaction that cannot be rolled back has lost its connection, which does the same.
        if let Some(transaction) = transaction.take().await
            && let Err(error) = transaction.rollback().await
        {
            tracing::warn!(%error, "the rollback failed");
        }
    }
}
