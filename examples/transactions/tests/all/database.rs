//! An empty database for each test.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, Row};
use tempfile::TempDir;
use tokio::time::timeout;
use transactions::bank::{Bank, Settings};

pub(crate) const SETTINGS: Settings = Settings {
    connections: 4,
    patience: Duration::from_secs(10),
};

pub(crate) struct Database {
    pub(crate) bank: Bank,
    url: String,
    /// Is removed when the test ends.
    _folder: Option<TempDir>,
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bank.db");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        Self::open(url, Some(folder)).await
    }

    /// Creates a database on the server of `DATABASE_URL`. One that an earlier run has left is
    /// replaced.
    pub(crate) async fn postgres(test: &str) -> Self {
        let server = env::var("DATABASE_URL").expect("DATABASE_URL");
        let mut hasher = DefaultHasher::new();
        test.hash(&mut hasher);
        let name = format!("transactions_test_{:x}", hasher.finish());
        let mut connection = PgConnection::connect(&server).await.expect("a server");
        for statement in [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("CREATE DATABASE {name}"),
        ] {
            let created = connection.execute(sqlx::AssertSqlSafe(statement)).await;
            created.expect("a database");
        }
        let (server, _) = server.rsplit_once('/').expect("a URL with a database");
        Self::open(format!("{server}/{name}"), None).await
    }

    async fn open(url: String, folder: Option<TempDir>) -> Self {
        let bank = Bank::open(&url, SETTINGS).await.expect("a bank");
        Self {
            bank,
            url,
            _folder: folder,
        }
    }

    /// Opens the same database once more, as another process would.
    pub(crate) async fn again(&self, settings: Settings) -> Bank {
        Bank::open(&self.url, settings).await.expect("a bank")
    }

    /// Opens the same database at another address.
    pub(crate) async fn through(&self, address: SocketAddr) -> Bank {
        let url = self.url.replace(&self.address(), &address.to_string());
        Bank::open(&url, SETTINGS).await.expect("a bank")
    }

    /// The host and port of PostgreSQL.
    pub(crate) fn address(&self) -> String {
        let url: &str = &self.url;
        let (_, rest) = url.split_once('@').expect("a URL with a user");
        let (address, _) = rest.split_once('/').expect("a URL with a database");
        address.to_owned()
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres:")
    }

    /// The names of all accounts.
    pub(crate) async fn accounts(&self) -> Vec<String> {
        self.texts("SELECT name FROM accounts ORDER BY name").await
    }

    /// The references of all transfers.
    pub(crate) async fn references(&self) -> Vec<String> {
        self.texts("SELECT reference FROM transfers ORDER BY reference")
            .await
    }

    /// The number of transfers.
    pub(crate) async fn transfers(&self) -> i64 {
        let select = sqlx::query("SELECT COUNT(*) FROM transfers");
        let row = select.fetch_one(self.bank.pool()).await;
        row.expect("a row").get(0)
    }

    async fn texts(&self, select: &'static str) -> Vec<String> {
        let rows = sqlx::query(select).fetch_all(self.bank.pool()).await;
        let rows = rows.expect("rows");
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    }

    pub(crate) async fn open_accounts(&self, accounts: &[(&str, i64)]) {
        for (name, balance) in accounts {
            let insert = sqlx::query("INSERT INTO accounts (name, balance) VALUES ($1, $2)");
            let insert = insert.bind(*name).bind(*balance).execute(self.bank.pool());
            insert.await.expect("an account");
        }
    }

    pub(crate) async fn balance(&self, name: &str) -> i64 {
        let select = sqlx::query("SELECT balance FROM accounts WHERE name = $1").bind(name);
        let row = select.fetch_one(self.bank.pool()).await;
        row.expect("an account").get(0)
    }

    /// Panics unless all connections can be acquired at once, and none is in a transaction.
    pub(crate) async fn assert_pool_is_whole(&self) {
        let mut connections = Vec::new();
        for _ in 0..SETTINGS.connections {
            let connection = timeout(Duration::from_secs(20), self.bank.pool().acquire()).await;
            let connection = connection.expect("a connection in time");
            connections.push(connection.expect("a connection"));
        }
        if self.is_postgres() {
            assert_eq!(self.open_transactions().await, 0);
        }
        for connection in &mut connections {
            // Fails if this connection is in a transaction already, or another one writes.
            let begin = if self.is_postgres() {
                "BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE NOWAIT"
            } else {
                "BEGIN IMMEDIATE"
            };
            connection.execute(begin).await.expect("a free table");
            connection.execute("ROLLBACK").await.expect("to roll back");
        }
    }

    /// Deletes all rows.
    pub(crate) async fn clear(&self) {
        let delete = "DELETE FROM transfers; DELETE FROM accounts";
        let deleted = self.bank.pool().execute(delete).await;
        deleted.expect("to delete");
    }

    /// The number of connections of PostgreSQL that are in a transaction.
    pub(crate) async fn open_transactions(&self) -> i64 {
        let mut connection = PgConnection::connect(&self.url).await.expect("a server");
        let select = "SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND state <> 'idle'";
        let row = connection.fetch_one(select).await.expect("a row");
        row.get(0)
    }
}
