//! One attempt at a batch.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_multistatus::{BatchLayer, Order};

use crate::id::BatchId;
use crate::journal::{Attempt, ItemRequest, Journal};
use crate::layer::Settings;
use crate::order::Driven;
use crate::record::{RECORD, Record};
use crate::store::{Batch, Claim, Fenced, Items, Store, StoreError};
use crate::stored::StoredHead;
use crate::writer::Writer;

/// The interval at which an attempt asks whether it still is the last one.
const WATCH: Duration = Duration::from_millis(500);

/// Runs the attempts at batches on an application.
#[derive(Debug)]
pub(crate) struct Runner<S> {
    /// Behind a mutex, because a service need not be `Sync`.
    api: Mutex<S>,
    layer: BatchLayer,
    store: Store,
    attempts: u32,
    keep: Duration,
}

/// An application whose items can run in a worker.
pub(crate) trait Api:
    Service<
        ItemRequest,
        Response = Response<Self::Body>,
        Error: Into<BoxError>,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
    type Body: Body<Data = Bytes> + Send + 'static;
}

impl<S, B> Api for S
where
    S: Service<ItemRequest, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
{
    type Body = B;
}

impl<S: Api> Runner<S> {
    pub(crate) fn new(api: S, settings: &Settings) -> Self {
        // `admit` has decided when the batch was accepted. With it, the layer reads the whole
        // envelope first.
        let layer = settings.batch.clone().admit(|_| Ok::<_, StatusCode>(()));
        Self {
            api: Mutex::new(api),
            layer: layer.streamed(true).order(Order::Completion),
            store: settings.store.clone(),
            attempts: settings.attempts,
            keep: settings.keep,
        }
    }

    /// Runs the next attempt at a batch to its end, or until another one begins.
    ///
    /// # Errors
    ///
    /// If the store fails. The batch can be tried again.
    pub(crate) async fn run(&self, id: BatchId) -> Result<(), StoreError> {
        let claim = self.store.claim(id, self.attempts, self.keep).await?;
        let Claim::Attempt {
            attempt,
            batch,
            items,
            remaining,
        } = claim
        else {
            return Ok(());
        };
        tokio::select! {
            ended = self.attempt(id, attempt, batch, items, remaining) => {
                if ended? == Err(Fenced) {
                    tracing::debug!("another attempt at the batch has begun, or it has ended");
                }
            }
            () = self.lost(id, attempt) => {}
        }
        Ok(())
    }

    fn api(&self) -> S {
        let api = self.api.lock().unwrap_or_else(PoisonError::into_inner);
        api.clone()
    }

    async fn attempt(
        &self,
        id: BatchId,
        attempt: i64,
        batch: Batch,
        items: Items,
        remaining: Duration,
    ) -> Result<Result<(), Fenced>, StoreError> {
        let (facts, writer) = Writer::new(self.store.clone(), id, attempt);
        let request = StoredHead::from_json(&batch.head)?.request(batch.envelope, Some(&RECORD));
        let journal = Arc::new(Attempt::new(items, facts));
        let order = journal.order();
        let service = Journal::new(self.api(), Arc::clone(&journal));
        let layer = self.layer.clone().format(Record(journal));
        let layer = layer.batch_timeout(remaining);
        let run = async move {
            // The layer turns every failure into a response.
            let Ok(response) = layer.layer(service).oneshot(request).await else {
                return;
            };
            let mut body = std::pin::pin!(response.into_body());
            while let Some(Ok(_)) = body.frame().await {}
        };
        // The application runs in a task of its own: a handler that blocks its thread must not stop
        // the writer in the middle of a transaction. The task ends when this is dropped.
        let mut tasks = JoinSet::new();
        tasks.spawn(Driven::new(run, order));
        // The writer ends when the task has dropped all that can hand it facts.
        let (ran, written) = tokio::join!(tasks.join_next(), writer.run());
        if let Some(Err(panicked)) = ran {
            return Err(StoreError::new(panicked));
        }
        match written {
            Ok(()) => self.store.finish(id, attempt, self.keep).await,
            Err(fenced) => Ok(Err(fenced)),
        }
    }

    /// Returns when this attempt is no longer the last one, or the batch has ended.
    async fn lost(&self, id: BatchId, attempt: i64) {
        loop {
            sleep(WATCH).await;
            if let Ok(false) = self.store.is_current(id, attempt).await {
                return;
            }
        }
    }
}
