//! The tables. Both databases understand this text.

/// The type of bytes is the only difference.
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_BYTES: &str = "BLOB";
#[cfg(feature = "postgres")]
pub(super) const POSTGRES_BYTES: &str = "BYTEA";

/// The statements that create the tables, with this type of bytes.
///
/// `attempt` is the fence: a change to a batch names the attempt that makes it, and has no effect
/// if another one has begun since. `tries` counts the attempts since the last progress.
pub(super) fn statements(bytes: &str) -> [String; 4] {
    [
        format!(
            "CREATE TABLE IF NOT EXISTS durable_batches (
                id TEXT NOT NULL PRIMARY KEY,
                owner TEXT,
                retry_key TEXT UNIQUE,
                head TEXT NOT NULL,
                envelope {bytes} NOT NULL,
                total BIGINT NOT NULL,
                state BIGINT NOT NULL,
                attempt BIGINT NOT NULL,
                tries BIGINT NOT NULL,
                seq BIGINT NOT NULL,
                deadline BIGINT NOT NULL,
                expires BIGINT
            )"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS durable_items (
                batch TEXT NOT NULL,
                item BIGINT NOT NULL,
                attempt BIGINT NOT NULL,
                seq BIGINT,
                status BIGINT,
                headers TEXT,
                body {bytes},
                PRIMARY KEY (batch, item)
            )"
        ),
        "CREATE INDEX IF NOT EXISTS durable_batches_open ON durable_batches (deadline)
            WHERE state = 0"
            .to_owned(),
        "CREATE INDEX IF NOT EXISTS durable_batches_expires ON durable_batches (expires)
            WHERE expires IS NOT NULL"
            .to_owned(),
    ]
}
