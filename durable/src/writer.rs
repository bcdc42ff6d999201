//! Writes the facts of an attempt to the store, several in one transaction.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::id::BatchId;
use crate::store::{Entry, Fenced, Store};

/// Maximum facts in one transaction.
const AT_ONCE: usize = 64;

/// The pause before a write that has failed is tried again. The items wait, and their own time
/// limits go on.
const PAUSE: Duration = Duration::from_millis(100);

/// A fact about an item, and who waits until it is stored.
struct Fact {
    item: usize,
    entry: Entry,
    stored: Option<oneshot::Sender<()>>,
}

/// Hands facts to the writer of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Facts(mpsc::UnboundedSender<Fact>);

impl Facts {
    /// Stores a fact, and returns when it is committed. Never returns if this attempt is fenced,
    /// because it is being dropped then.
    pub(crate) async fn store(&self, item: usize, entry: Entry) {
        let (sender, stored) = oneshot::channel();
        let fact = Fact {
            item,
            entry,
            stored: Some(sender),
        };
        if self.0.send(fact).is_err() || stored.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Stores a fact later, before the attempt ends.
    pub(crate) fn store_later(&self, item: usize, entry: Entry) {
        let stored = None;
        // The writer has ended only if the attempt is fenced.
        let _ = self.0.send(Fact {
            item,
            entry,
            stored,
        });
    }
}

/// The writer of an attempt.
pub(crate) struct Writer {
    store: Store,
    batch: BatchId,
    attempt: i64,
    facts: mpsc::UnboundedReceiver<Fact>,
}

impl Writer {
    pub(crate) fn new(store: Store, batch: BatchId, attempt: i64) -> (Facts, Self) {
        let (sender, facts) = mpsc::unbounded_channel();
        let writer = Self {
            store,
            batch,
            attempt,
            facts,
        };
        (Facts(sender), writer)
    }

    /// Writes until nobody can hand it facts any more.
    ///
    /// # Errors
    ///
    /// If this attempt cannot write any more.
    pub(crate) async fn run(mut self) -> Result<(), Fenced> {
        let mut facts = Vec::new();
        while self.facts.recv_many(&mut facts, AT_ONCE).await > 0 {
            let mut waiting = Vec::new();
            let mut entries = Vec::with_capacity(facts.len());
            for fact in facts.drain(..) {
                entries.push((fact.item, fact.entry));
                waiting.extend(fact.stored);
            }
            loop {
                match self.store.write(self.batch, self.attempt, &entries).await {
                    Ok(written) => break written?,
                    // A full disk or a server that restarts costs time, but no response.
                    Err(error) => {
                        tracing::warn!(error = ?error, "a response cannot be stored yet");
                        sleep(PAUSE).await;
                    }
                }
            }
            for stored in waiting {
                let _ = stored.send(());
            }
        }
        Ok(())
    }
}
