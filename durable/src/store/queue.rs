//! The queue: jobs of apalis, one per batch.

use std::future::Future;
use std::time::Duration;

use apalis::prelude::{
    PollWith, StreamStrategy, Task, TaskBuilder, TaskId, WorkerBuilder, WorkerBuilderExt,
};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{Lease, Pool, Store, StoreError};
use crate::id::BatchId;

/// The name of the queue in the tables of apalis.
pub(super) const QUEUE: &str = "tower-multistatus-durable";

/// A connection to the database of the queue.
pub(super) trait Queue {
    /// Adds the job of a batch.
    fn push_job(&mut self, id: BatchId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes the job of a batch that has ended. apalis has a query that removes all finished jobs
    /// of all queues, which is too much.
    fn delete_job(&mut self, id: BatchId) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The job of a batch. Its argument is the id of the batch, and its own id is the same number.
fn task(id: BatchId) -> Result<Task<Vec<u8>>, StoreError> {
    let argument = serde_json::to_vec(&id.to_string()).map_err(StoreError::new)?;
    // The attempts are counted in the row of the batch, because apalis does not count those that
    // kill their worker. So it never gives up.
    let builder = TaskBuilder::new(argument).max_attempts(i32::MAX as usize);
    Ok(builder.task_id(TaskId::from_ulid(id.job())).build())
}

#[cfg(feature = "sqlite")]
impl Queue for sqlx::SqliteConnection {
    async fn push_job(&mut self, id: BatchId) -> Result<(), StoreError> {
        let task = [task(id)?];
        let pushed = apalis_sqlite::queries::push_tasks(self, QUEUE, &task);
        pushed.await.map_err(StoreError::new)
    }

    async fn delete_job(&mut self, id: BatchId) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM Jobs WHERE id = $1").bind(id.job().to_string());
        delete.execute(self).await?;
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl Queue for sqlx::PgConnection {
    async fn push_job(&mut self, id: BatchId) -> Result<(), StoreError> {
        let pushed = apalis_postgres::queries::push_tasks(self, QUEUE, vec![task(id)?]);
        pushed.await.map_err(StoreError::new)
    }

    async fn delete_job(&mut self, id: BatchId) -> Result<(), StoreError> {
        let delete = sqlx::query("DELETE FROM apalis.jobs WHERE id = $1");
        delete.bind(id.job().to_string()).execute(self).await?;
        Ok(())
    }
}

impl Store {
    /// Runs a worker of apalis with this name. Returns if the queue fails.
    ///
    /// apalis takes jobs, keeps the lease by heartbeats, and gives the jobs of a dead worker to
    /// others. It does not mark jobs as running or done: a job is removed in the transaction that
    /// ends its batch, and its query that marks a job as running has no fence.
    pub(crate) fn run_worker<H>(
        &self,
        name: &str,
        lease: Lease,
        concurrency: usize,
        handler: H,
    ) -> BoxFuture<'static, Result<(), StoreError>>
    where
        H: Fn(BatchId) -> BoxFuture<'static, ()> + Clone + Send + Sync + 'static,
    {
        let handle = move |id: String| {
            let run = BatchId::parse(&id).map(&handler);
            async move {
                if let Some(run) = run {
                    run.await;
                }
            }
        };
        let looks = looks(self.shared.added.subscribe(), lease.poll);
        // The builders of the two backends have different types.
        macro_rules! run {
            ($backend:expr) => {{
                let backend = PollWith::new($backend, StreamStrategy::new(looks));
                let worker = WorkerBuilder::new(name)
                    .backend(backend)
                    .concurrency(concurrency)
                    .build(handle);
                worker
                    .stream()
                    .map_err(StoreError::new)
                    .map_ok(drop)
                    .boxed()
            }};
        }
        let events: BoxStream<'static, Result<(), StoreError>> = match self.writer() {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool) => {
                use apalis_sqlite::{Config, SqliteStorage};
                let config = Config::default()
                    .queue(QUEUE)
                    // A worker sends no heartbeat while it holds jobs that it cannot start yet.
                    .batch_size(1)
                    .heartbeat_interval(lease.heartbeat)
                    .missed_heartbeats(Lease::MISSED)
                    .lock_tasks(false)
                    .persist_results(false);
                run!(SqliteStorage::<String>::new(pool).with_config(config))
            }
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => {
                use apalis_postgres::{Config, PostgresStorage};
                let config = Config::default()
                    .queue(QUEUE)
                    .batch_size(1)
                    .heartbeat_interval(lease.heartbeat)
                    .missed_heartbeats(Lease::MISSED)
                    .lock_tasks(false)
                    .persist_results(false);
                run!(PostgresStorage::<String>::new(pool).with_config(config))
            }
        };
        events.try_collect().boxed()
    }
}

/// The moments at which a worker looks for jobs: when this process has added one, and at an
/// interval for those of other processes.
fn looks(added: watch::Receiver<()>, interval: Duration) -> BoxStream<'static, ()> {
    let next = move |mut added: watch::Receiver<()>| async move {
        // The sender is not dropped before the worker. If it were, the interval would still count.
        if let Ok(Err(_)) = timeout(interval, added.changed()).await {
            sleep(interval).await;
        }
        Some(((), added))
    };
    stream::unfold(added, next).boxed()
}
