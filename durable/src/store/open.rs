//! Opening a store.

#[cfg(feature = "sqlite")]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use super::{Pool, Shared, Store, StoreError, schema};

/// How long a statement waits for a connection, or SQLite for the lock of another process.
const PATIENCE: Duration = Duration::from_secs(5);

/// Changes that a slow reader may miss before it looks at the database again.
const REMEMBERED_CHANGES: usize = 1024;

impl Store {
    /// Opens a SQLite file, and creates it if there is none.
    ///
    /// Every commit is on the disk when it is done: `journal_mode` is `WAL` and `synchronous` is
    /// `FULL`. Several processes of one machine can use the file. The file must not be on a network
    /// file system.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or is no database.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("batches.db");
    /// use tower_multistatus_durable::Store;
    ///
    /// let store = Store::sqlite(path).await.unwrap();
    /// # });
    /// ```
    #[cfg(feature = "sqlite")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
    pub async fn sqlite(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        Self::sqlite_with(options).await
    }

    /// Opens a SQLite database with these options. `journal_mode`, `synchronous` and `busy_timeout`
    /// are set by this crate, and other pragmas are kept: `max_page_count` for example is a quota.
    ///
    /// # Errors
    ///
    /// As [`sqlite`](Self::sqlite).
    #[cfg(feature = "sqlite")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
    pub async fn sqlite_with(
        options: sqlx::sqlite::SqliteConnectOptions,
    ) -> Result<Self, StoreError> {
        use sqlx::sqlite::{SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

        let path = options.get_filename().to_owned();
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE);
        let pool = || SqlitePoolOptions::new().acquire_timeout(PATIENCE);
        let write = pool()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        // Not `SqliteStorage::setup`, which sets `synchronous` to `OFF`.
        let mut migrations = apalis_sqlite::SqliteStorage::migrations();
        migrations.set_ignore_missing(true);
        migrations.run(&write).await.map_err(StoreError::new)?;
        for statement in schema::statements(schema::SQLITE_BYTES) {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(&write)
                .await?;
        }
        let read = pool()
            .max_connections(4)
            .connect_with(options.read_only(true))
            .await?;
        let presence = super::leases::Presence::of(&path);
        Ok(Self::new(
            Pool::Sqlite(write),
            Pool::Sqlite(read),
            #[cfg(feature = "sqlite")]
            presence,
        ))
    }

    /// Connects to a PostgreSQL database: `postgres://user:password@host/database`.
    ///
    /// The queue is in the schema `apalis`, and the tables `durable_batches` and `durable_items`
    /// are in the first schema of the search path. The extension `hstore` has to be there, or
    /// allowed to be created. For TLS, turn a feature such as `tls-rustls` of `sqlx` on in your
    /// application.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached, or the tables cannot be created.
    ///
    /// ```no_run
    /// # async fn open() -> Result<(), tower_multistatus_durable::StoreError> {
    /// use tower_multistatus_durable::Store;
    ///
    /// let store = Store::postgres("postgres://user:password@localhost/batches").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "postgres")]
    #[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(PATIENCE)
            .connect(url)
            .await?;
        Self::postgres_with(pool).await
    }

    /// Uses a pool of connections to PostgreSQL.
    ///
    /// # Errors
    ///
    /// As [`postgres`](Self::postgres).
    #[cfg(feature = "postgres")]
    #[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
    pub async fn postgres_with(pool: sqlx::PgPool) -> Result<Self, StoreError> {
        let mut migrations = apalis_postgres::PostgresStorage::migrations();
        migrations.set_ignore_missing(true);
        migrations.run(&pool).await.map_err(StoreError::new)?;
        let mut transaction = pool.begin().await?;
        // Two processes that create one table at the same moment would fail.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('durable_batches'))")
            .execute(&mut *transaction)
            .await?;
        for statement in schema::statements(schema::POSTGRES_BYTES) {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(Self::new(
            Pool::Postgres(pool.clone()),
            Pool::Postgres(pool),
            #[cfg(feature = "sqlite")]
            super::leases::Presence::none(),
        ))
    }

    fn new(
        write: Pool,
        read: Pool,
        #[cfg(feature = "sqlite")] presence: super::leases::Presence,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                write,
                read,
                changes: broadcast::Sender::new(REMEMBERED_CHANGES),
                added: watch::Sender::new(()),
                #[cfg(feature = "sqlite")]
                presence,
            }),
        }
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use crate::store::{Pool, Store};

    #[tokio::test]
    async fn every_commit_to_a_file_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::sqlite(folder.path().join("batches.db"))
            .await
            .unwrap();
        #[cfg_attr(not(feature = "postgres"), expect(irrefutable_let_patterns))]
        let Pool::Sqlite(pool) = store.writer() else {
            panic!("another pool");
        };
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(pool)
            .await
            .unwrap();
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(pool)
            .await
            .unwrap();
        // 2 is FULL.
        assert_eq!((synchronous, &*journal), (2, "wal"));
    }
}
