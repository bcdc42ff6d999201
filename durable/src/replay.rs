//! The stored responses as an inner service, for the layer to write them in any format.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Response};
use http_body_util::Full;
use tokio::sync::Mutex;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep, timeout};
use tower::{Layer, Service, ServiceExt};
use tower_multistatus::{BatchLayer, ResponseBody, SubrequestInfo};

use crate::id::BatchId;
use crate::journal::{ItemRequest, JournalBody, new_reply, replayed};
use crate::order::{Driven, Order};
use crate::problem::Problem;
use crate::store::{Batch, End, Item, Items, Reply, Store, StoreError};
use crate::stored::StoredHead;

/// The interval at which the store is asked for what other processes have changed.
const INTERVAL: Duration = Duration::from_millis(200);

/// The pause after the store has failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The body that a replay writes.
pub(crate) type ReplayBody = Driven<ResponseBody<JournalBody<Full<Bytes>>>>;

/// Writes the responses of a batch with this layer, in the format that the client accepts.
pub(crate) async fn render(
    layer: &BatchLayer,
    batch: &Batch,
    accept: Option<&HeaderValue>,
    replay: Replay,
) -> Result<Response<ReplayBody>, StoreError> {
    let head = StoredHead::from_json(&batch.head)?;
    let request = head.request(batch.envelope.clone(), accept);
    let order = Arc::clone(&replay.shared.order);
    let responding = layer.layer(replay).oneshot(request);
    let Ok(response) = Driven::new(responding, Arc::clone(&order)).await;
    Ok(response.map(|body| Driven::new(body, order)))
}

/// Returns the layer that replays: with the settings of the one that runs, but no time limits, and
/// without the callbacks that have decided before.
pub(crate) fn replaying(layer: &BatchLayer) -> BatchLayer {
    let layer = layer.clone().item_timeout(None).batch_timeout(None);
    let layer = layer.admit(|_| Ok::<_, http::StatusCode>(()));
    layer.filter(|_| Ok::<_, http::StatusCode>(()))
}

/// The responses of a batch, as far as they are stored. Waits for the others while the batch runs.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Where further responses come from. `None` if the batch has ended.
    source: Option<(Store, BatchId)>,
    known: Mutex<Known>,
    order: Arc<Order>,
}

#[derive(Debug, Default)]
struct Known {
    replies: HashMap<usize, Reply>,
    begun: HashSet<usize>,
    /// The number of the last response that is known.
    last: i64,
    end: Option<End>,
}

impl Known {
    fn add(&mut self, items: Items) {
        for (index, item) in items.0 {
            match item {
                Item::Begun => {
                    self.begun.insert(index);
                }
                Item::Replied(reply) => {
                    self.last = self.last.max(reply.seq);
                    self.replies.insert(index, reply);
                }
            }
        }
    }

    /// The response of an item, once it is certain.
    fn reply(&self, item: usize) -> Option<Reply> {
        if let Some(reply) = self.replies.get(&item) {
            return Some(reply.clone());
        }
        let problem = match self.end? {
            _ if self.begun.contains(&item) => Problem::UnknownOutcome,
            End::Attempts => Problem::AttemptsExhausted,
            End::Deadline => Problem::DeadlineExceeded,
            End::Done | End::Expired | End::Cancelled => Problem::Cancelled,
        };
        let (headers, body) = problem.response();
        let mut reply = new_reply(problem.status(), headers, body);
        // After all responses that are stored.
        reply.seq = self
            .last
            .saturating_add(1)
            .saturating_add_unsigned(item as u64);
        Some(reply)
    }
}

impl Replay {
    /// Replays a batch that has ended.
    pub(crate) fn of_ended(end: End, items: Items) -> Self {
        let mut known = Known {
            end: Some(end),
            ..Known::default()
        };
        known.add(items);
        Self::new(None, known)
    }

    /// Replays what a batch has, and then what it gets.
    pub(crate) fn of_running(store: &Store, id: BatchId) -> Self {
        Self::new(Some((store.clone(), id)), Known::default())
    }

    fn new(source: Option<(Store, BatchId)>, known: Known) -> Self {
        let shared = Shared {
            source,
            known: Mutex::new(known),
            order: Arc::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Shared {
    async fn reply(&self, item: usize) -> Reply {
        let Some((store, id)) = &self.source else {
            let known = self.known.lock().await;
            return known.reply(item).unwrap_or_else(|| {
                let (headers, body) = Problem::Internal.response();
                new_reply(Problem::Internal.status(), headers, body)
            });
        };
        let mut changes = store.changes();
        loop {
            let mut known = self.known.lock().await;
            if let Some(reply) = known.reply(item) {
                return reply;
            }
            match known.refresh(store, *id).await {
                Ok(()) => {
                    if let Some(reply) = known.reply(item) {
                        return reply;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = ?error, "the responses of a batch cannot be read yet");
                    drop(known);
                    sleep(PAUSE).await;
                    continue;
                }
            }
            drop(known);
            changed(&mut changes, *id).await;
        }
    }
}

impl Known {
    /// Reads what is new.
    async fn refresh(&mut self, store: &Store, id: BatchId) -> Result<(), StoreError> {
        // The end is read first: what is stored before it, is read then.
        let end = store.end(id).await?;
        let items = store.items(id, self.last).await?;
        self.add(items);
        self.end = end;
        Ok(())
    }
}

/// Waits until a batch has changed, or may have in another process.
pub(crate) async fn changed(changes: &mut tokio::sync::broadcast::Receiver<BatchId>, id: BatchId) {
    let own = async {
        loop {
            match changes.recv().await {
                Ok(changed) if changed == id => break,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    // Either way, the caller looks again.
    let _ = timeout(INTERVAL, own).await;
}

impl Service<ItemRequest> for Replay {
    type Response = Response<JournalBody<Full<Bytes>>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ItemRequest) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let item = request.extensions().get().map(SubrequestInfo::index);
            let reply = shared.reply(item.unwrap_or(usize::MAX)).await;
            shared.order.pass(reply.seq).await;
            Ok(replayed(&reply))
        })
    }
}
