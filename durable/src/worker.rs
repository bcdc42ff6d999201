//! The worker: takes jobs from the queue, and runs them.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::attempts::Attempts;
use crate::id::BatchId;
use crate::layer::Settings;
use crate::run::{Api, Runner};
use crate::store::{Lease, Store, StoreError};

/// The pause before a worker whose queue has failed starts again.
const PAUSE: Duration = Duration::from_millis(250);

/// The interval at which deadlines and expired results are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// How long after its deadline a batch is ended from outside. Before, its worker ends it, which
/// knows more.
const GRACE: Duration = Duration::from_secs(2);

/// Runs batches for ever.
pub(crate) async fn run<S: Api>(settings: Arc<Settings>, api: S) {
    let runner = Arc::new(Runner::new(api, &settings));
    // A task of its own, so that a handler that blocks its thread does not stop it.
    let mut sweeping = JoinSet::new();
    sweeping.spawn(sweep(settings.store.clone(), settings.keep));
    work(settings, runner, Arc::default()).await;
}

/// Runs workers of apalis, one after the other.
async fn work<S: Api>(settings: Arc<Settings>, runner: Arc<Runner<S>>, attempts: Arc<Attempts>) {
    loop {
        let attempts = Arc::clone(&attempts);
        let ended = work_until_failure(Arc::clone(&settings), Arc::clone(&runner), attempts).await;
        if let Err(error) = ended {
            tracing::warn!(error = ?error, "the queue has failed, and the worker starts again");
        }
        sleep(PAUSE).await;
    }
}

/// Runs one worker of apalis, until the queue fails. Any error of its backend ends it.
async fn work_until_failure<S: Api>(
    settings: Arc<Settings>,
    runner: Arc<Runner<S>>,
    attempts: Arc<Attempts>,
) -> Result<(), StoreError> {
    let store = &settings.store;
    store.start_worker().await?;
    // apalis refuses the name of a worker that was alive a moment ago.
    let name: Arc<str> = BatchId::random()
        .map_err(StoreError::new)?
        .to_string()
        .into();
    let of_job = Arc::clone(&name);
    let jobs = store.clone();
    let handler = move |id: BatchId| {
        let (runner, jobs, name) = (Arc::clone(&runner), jobs.clone(), Arc::clone(&of_job));
        let attempts = Arc::clone(&attempts);
        let run = async move {
            let attempt = async move { runner.run(id).await };
            if !attempts.run(id, attempt).await {
                release(&jobs, id, &name).await;
            }
        };
        Box::pin(run) as _
    };
    let leaving = Leaving {
        store: store.clone(),
        name: Arc::clone(&name),
    };
    let lease = Lease::new(settings.lease, settings.poll);
    let running = store.run_worker(&name, lease, settings.concurrency, handler);
    let ended = running.await;
    drop(leaving);
    ended
}

/// Frees the jobs of a worker when it ends, or is dropped. They need not wait for the end of its
/// lease.
struct Leaving {
    store: Store,
    name: Arc<str>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let (store, name) = (self.store.clone(), Arc::clone(&self.name));
        let leave = async move {
            while store.leave(&name).await.is_err() {
                sleep(PAUSE).await;
            }
        };
        // Without a runtime the process is ending, and the lease does.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(leave);
        }
    }
}

/// Gives a job back, after a pause, so that a batch that cannot be read does not keep a worker
/// busy.
async fn release(store: &Store, id: BatchId, worker: &str) {
    sleep(PAUSE).await;
    while store.release(id, worker).await.is_err() {
        sleep(PAUSE).await;
    }
}

async fn sweep(store: Store, keep: Duration) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = store.sweep(keep, GRACE).await {
            tracing::warn!(error = ?error, "expired batches cannot be removed yet");
        }
    }
}
