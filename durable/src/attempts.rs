//! The attempts of a worker that run now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::id::BatchId;
use crate::store::StoreError;

/// The attempts that run now, each in a task of its own.
///
/// They outlive the worker of apalis that has their jobs: when the database restarts, that worker
/// ends, and the next one gets the same jobs. It must not begin again what still runs here. Several
/// batches use several cores, and a handler that blocks its thread does not stop the heartbeat.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<BatchId, Running>>);

/// An attempt. It stops when this is dropped.
#[derive(Debug)]
struct Running {
    task: AbortHandle,
    succeeds: watch::Receiver<Option<bool>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Attempts {
    /// Starts an attempt at a batch, unless one runs. Returns whether that one has succeeded.
    pub(crate) async fn run<F>(self: &Arc<Self>, id: BatchId, attempt: F) -> bool
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let mut succeeds = self.start(id, attempt);
        let outcome = succeeds.wait_for(Option::is_some).await;
        // An error means that the attempt has panicked.
        outcome.is_ok_and(|outcome| *outcome == Some(true))
    }

    fn start<F>(self: &Arc<Self>, id: BatchId, attempt: F) -> watch::Receiver<Option<bool>>
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let mut all = self.lock();
        let running = all.get(&id).filter(|running| !running.task.is_finished());
        if let Some(running) = running {
            return running.succeeds.clone();
        }
        let (sender, succeeds) = watch::channel(None);
        let owner = Arc::downgrade(self);
        let task = tokio::spawn(async move {
            let outcome = attempt.await;
            if let Err(error) = &outcome {
                tracing::warn!(error = ?error, "an attempt at a batch has failed");
            }
            sender.send_replace(Some(outcome.is_ok()));
            if let Some(owner) = owner.upgrade() {
                owner.lock().remove(&id);
            }
        });
        let running = Running {
            task: task.abort_handle(),
            succeeds: succeeds.clone(),
        };
        all.insert(id, running);
        succeeds
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BatchId, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
