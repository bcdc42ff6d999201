//! A store for each test.

use tower_multistatus_durable::Store;

use crate::database::new_database;

/// A store, and what has to live as long as it.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    /// The file of SQLite, or the URL of PostgreSQL.
    pub(crate) place: String,
    _folder: tempfile::TempDir,
}

impl TestStore {
    pub(crate) async fn new() -> Self {
        // A test that fails shows what the store has reported.
        let log =
            tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN);
        let _ = log.with_test_writer().try_init();
        let folder = tempfile::tempdir().expect("a folder");
        let place = match std::env::var("DATABASE_URL") {
            Ok(server) => new_database(&server).await,
            Err(_) => folder.path().join("batches.db").display().to_string(),
        };
        Self {
            store: open(&place).await,
            place,
            _folder: folder,
        }
    }

    /// Removes the workers from the tables of apalis, in one transaction, so that none takes its
    /// jobs again in between.
    pub(crate) async fn forget_workers(&self) {
        let statements = |schema: &str| {
            [
                format!("UPDATE {schema}jobs SET status = 'Pending', lock_by = NULL"),
                format!("DELETE FROM {schema}workers"),
            ]
            .map(sqlx::AssertSqlSafe)
        };
        #[cfg(feature = "postgres")]
        if self.place.starts_with("postgres:") {
            let pool = sqlx::PgPool::connect(&self.place).await.expect("a server");
            let mut transaction = pool.begin().await.expect("a transaction");
            for statement in statements("apalis.") {
                let done = sqlx::query(statement).execute(&mut *transaction).await;
                done.expect("an effect");
            }
            return transaction.commit().await.expect("an effect");
        }
        let pool = sqlx::SqlitePool::connect(&self.place)
            .await
            .expect("a file");
        let mut transaction = pool.begin().await.expect("a transaction");
        for statement in statements("") {
            let done = sqlx::query(statement).execute(&mut *transaction).await;
            done.expect("an effect");
        }
        transaction.commit().await.expect("an effect");
    }

    /// The number of jobs in the tables of apalis.
    pub(crate) async fn jobs(&self) -> i64 {
        #[cfg(feature = "postgres")]
        if self.place.starts_with("postgres:") {
            let pool = sqlx::PgPool::connect(&self.place).await.expect("a server");
            let count = sqlx::query_scalar("SELECT COUNT(*) FROM apalis.jobs");
            return count.fetch_one(&pool).await.expect("a number");
        }
        let pool = sqlx::SqlitePool::connect(&self.place)
            .await
            .expect("a file");
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM Jobs");
        count.fetch_one(&pool).await.expect("a number")
    }

    /// Another handle of the same database, as another process would have it.
    pub(crate) async fn again(&self) -> Store {
        open(&self.place).await
    }
}

async fn open(place: &str) -> Store {
    #[cfg(feature = "postgres")]
    if place.starts_with("postgres:") {
        return Store::postgres(place).await.expect("a store");
    }
    Store::sqlite(place).await.expect("a store")
}
