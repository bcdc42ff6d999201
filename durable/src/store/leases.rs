//! Leases: how long the jobs of a worker that is gone wait for another one.

#[cfg(feature = "sqlite")]
use std::fs::File;
#[cfg(feature = "sqlite")]
use std::path::{Path, PathBuf};
#[cfg(feature = "sqlite")]
use std::sync::Mutex;
use std::time::Duration;

use super::queue::QUEUE;
use super::{Pool, Store, StoreError, on};
use crate::id::BatchId;

/// The times of a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// The interval of heartbeats. apalis counts whole seconds.
    pub(super) heartbeat: Duration,
    /// The interval at which a worker looks for jobs that other processes have added.
    pub(super) poll: Duration,
}

impl Lease {
    /// The heartbeats that a worker may miss.
    pub(super) const MISSED: usize = 3;

    pub(crate) fn new(lease: Duration, poll: Duration) -> Self {
        let heartbeat = (lease.as_secs() / Self::MISSED as u64).max(1);
        Self {
            heartbeat: Duration::from_secs(heartbeat),
            poll,
        }
    }
}

/// The tables of apalis have other names in each database.
macro_rules! tables {
    ($pool:expr, $text:literal) => {
        match $pool {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => $text
                .replace("{jobs}", "Jobs")
                .replace("{workers}", "Workers"),
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => $text
                .replace("{jobs}", "apalis.jobs")
                .replace("{workers}", "apalis.workers"),
        }
    };
}

impl Store {
    /// Called when a worker starts. If no other process has a worker on this file, the jobs of
    /// workers that are gone are free at once.
    pub(crate) async fn start_worker(&self) -> Result<(), StoreError> {
        #[cfg(feature = "sqlite")]
        if self.shared.presence.enter() {
            let free = tables!(
                self.writer(),
                "UPDATE {jobs} SET status = 'Pending', lock_by = NULL, lock_at = NULL
                    WHERE job_type = $1 AND status = 'Queued'"
            );
            self.of_queue(free).await?;
            self.shared.presence.stay();
        }
        // apalis keeps a row for each worker that there ever was.
        let yesterday = match self.writer() {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => "strftime('%s', 'now') - 86400",
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => "now() - interval '1 day'",
        };
        let forget = tables!(
            self.writer(),
            "DELETE FROM {workers} WHERE worker_type = $1 AND last_seen < {yesterday}
                AND id NOT IN (SELECT lock_by FROM {jobs} WHERE lock_by IS NOT NULL)"
        );
        self.of_queue(forget.replace("{yesterday}", yesterday))
            .await
    }

    /// Executes a statement whose parameter is the name of the queue.
    async fn of_queue(&self, statement: String) -> Result<(), StoreError> {
        on!(self.writer(), pool => {
            let statement = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(QUEUE);
            statement.execute(&mut *pool.acquire().await?).await?;
        });
        Ok(())
    }

    /// Frees a job that this worker has and cannot run.
    pub(crate) async fn release(&self, id: BatchId, worker: &str) -> Result<(), StoreError> {
        let release = tables!(
            self.writer(),
            "UPDATE {jobs} SET status = 'Pending', lock_by = NULL, lock_at = NULL
                WHERE id = $1 AND lock_by = $2"
        );
        on!(self.writer(), pool => {
            let release = sqlx::query(sqlx::AssertSqlSafe(release));
            let release = release.bind(id.job().to_string()).bind(worker);
            release.execute(&mut *pool.acquire().await?).await?;
        });
        Ok(())
    }

    /// Frees all jobs of a worker of this process that has ended, and forgets the worker.
    pub(crate) async fn leave(&self, worker: &str) -> Result<(), StoreError> {
        let statements = [
            tables!(
                self.writer(),
                "UPDATE {jobs} SET status = 'Pending', lock_by = NULL, lock_at = NULL
                    WHERE lock_by = $1"
            ),
            tables!(self.writer(), "DELETE FROM {workers} WHERE id = $1"),
        ];
        on!(self.writer(), pool => {
            for statement in statements {
                let statement = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(worker);
                statement.execute(&mut *pool.acquire().await?).await?;
            }
        });
        Ok(())
    }
}

/// Whether other processes have workers on a SQLite file. Each holds a shared lock of a file beside
/// it, which the system releases when the process ends, however it ends.
#[cfg(feature = "sqlite")]
#[derive(Debug)]
pub(super) struct Presence {
    path: Option<PathBuf>,
    lock: Mutex<Option<File>>,
}

#[cfg(feature = "sqlite")]
impl Presence {
    pub(super) fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-workers");
        Self {
            path: Some(path.into()),
            lock: Mutex::default(),
        }
    }

    /// For a database on a server.
    #[cfg(feature = "postgres")]
    pub(super) fn none() -> Self {
        Self {
            path: None,
            lock: Mutex::default(),
        }
    }

    /// Takes the lock. Returns whether this process is alone. If so, no other process begins until
    /// [`stay`](Self::stay) is called.
    fn enter(&self) -> bool {
        let Ok(mut lock) = self.lock.lock() else {
            return false;
        };
        let Some(path) = self.path.as_ref().filter(|_| lock.is_none()) else {
            return false;
        };
        let options = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path);
        let Ok(file) = options else {
            return false;
        };
        let is_alone = file.try_lock().is_ok();
        // Another process that clears the leases holds its lock for a moment only.
        let is_held = is_alone || file.lock_shared().is_ok();
        if is_held {
            *lock = Some(file);
        }
        is_alone
    }

    /// Lets other processes enter.
    fn stay(&self) {
        if let Ok(lock) = self.lock.lock()
            && let Some(file) = &*lock
        {
            let _ = file.unlock();
            let _ = file.lock_shared();
        }
    }
}
