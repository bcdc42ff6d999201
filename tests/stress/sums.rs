//! What `on_response` and `on_batch` are told about one batch, compared with its ledger.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_multistatus::{BatchLayer, CompletedBatch};

use crate::batch::Outcome;
use crate::ledger::{Ledger, planned};
use crate::random::Random;

/// What `on_response` has got about one item.
struct Item {
    status: u16,
    is_dispatched: bool,
    time: Duration,
}

/// What the callbacks have got about one batch.
#[derive(Default)]
struct Told {
    items: BTreeMap<usize, Item>,
    /// The items that were told more than once. An assertion in a callback would tell nobody: the
    /// layer catches its panic.
    twice: Vec<usize>,
    batches: Vec<CompletedBatch>,
}

/// The observers of one batch.
#[derive(Clone, Default)]
pub(crate) struct Sums(Arc<Mutex<Told>>);

impl Sums {
    /// Adds callbacks that record what they get. Some panic afterwards.
    pub(crate) fn observe(&self, layer: BatchLayer, random: &mut Random) -> BatchLayer {
        let (items, batches) = (Arc::clone(&self.0), Arc::clone(&self.0));
        let panics = random.one_in(4);
        layer
            .on_response(move |item| {
                let told = Item {
                    status: item.status().as_u16(),
                    is_dispatched: item.is_dispatched(),
                    time: item.dependencies() + item.queued() + item.run(),
                };
                let mut all = items.lock().expect("items");
                if all.items.insert(item.index(), told).is_some() {
                    all.twice.push(item.index());
                }
                drop(all);
                if panics {
                    planned();
                }
            })
            .on_batch(move |batch| {
                batches.lock().expect("batches").batches.push(batch.clone());
                if panics {
                    planned();
                }
            })
    }

    /// Asserts that the callbacks were told what happened. `statuses` are those that the client has
    /// read. Returns the number of items.
    pub(crate) fn assert_match(
        &self,
        ledger: &Ledger,
        outcome: Outcome,
        statuses: &[u16],
        has_executor: bool,
    ) -> usize {
        let told = self.0.lock().expect("the sums");
        let [batch] = &*told.batches else {
            panic!("{} calls of `on_batch`", told.batches.len());
        };
        assert_eq!(told.twice, [0; 0], "told twice");
        assert_eq!(batch.items(), told.items.len(), "{batch:?}");
        let succeeded = told.items.values().filter(|item| item.status < 400);
        assert_eq!(batch.succeeded(), succeeded.count(), "{batch:?}");
        match outcome {
            Outcome::Read => {
                assert!(!batch.is_refused() && !batch.is_dropped(), "{batch:?}");
                let told = told.items.values().map(|item| item.status);
                assert_eq!(told.collect::<Vec<_>>(), statuses, "{batch:?}");
            }
            Outcome::Refused => assert!(batch.is_refused() && batch.items() == 0, "{batch:?}"),
            _ => {}
        }
        for (at, item) in &told.items {
            assert!(item.time <= batch.duration(), "item {at} of {batch:?}");
            // On an executor, a call may begin at the moment of its timeout.
            if !has_executor {
                assert_eq!(
                    usize::from(item.is_dispatched),
                    ledger.began(*at),
                    "item {at}"
                );
            }
        }
        batch.items()
    }
}
