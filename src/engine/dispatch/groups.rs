//! The atomicity groups of a batch that run in transactions.

use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use http::request::Parts;

use super::step::Step;
use crate::engine::outcome::ItemResponse;
use crate::engine::plan::{Slot, group_at};
use crate::engine::timer::Instant;
use crate::item_error::ItemError;
use crate::panics::{CatchDrop, catch};
use crate::transactions::{AnyTransactions, Open};

/// The groups of a batch.
pub(super) struct Groups {
    pub(super) transactions: Arc<dyn AnyTransactions>,
    pub(super) outer: Arc<CatchDrop<Parts>>,
    /// The first and the last index of each group.
    ranges: Vec<(usize, usize)>,
    pub(super) runs: Vec<Run>,
    /// Transactions that begin or end.
    pub(super) steps: FuturesUnordered<Step>,
    /// The groups whose transaction has begun, and whose items run.
    pub(super) running: Vec<usize>,
    /// Items whose transaction has begun.
    pub(super) begun: Vec<Slot>,
    /// The bytes of the responses that wait for the end of their groups.
    pub(super) held_bytes: usize,
}

/// A group while it runs.
#[derive(Default)]
pub(super) struct Run {
    pub(super) state: State,
    pub(super) transaction: Option<CatchDrop<Box<dyn Open>>>,
    /// Items that wait for the transaction to begin.
    pub(super) waiting: Vec<Slot>,
    pub(super) responses: Vec<ItemResponse>,
    /// The index of the item that has failed.
    pub(super) failed: Option<usize>,
    /// Items that will not run because another one has failed.
    pub(super) lost: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    New,
    Beginning,
    Running,
    Committing,
    RollingBack,
    Ended,
}

impl Groups {
    pub(super) fn new(
        transactions: Arc<dyn AnyTransactions>,
        outer: Arc<CatchDrop<Parts>>,
        ranges: &[(usize, usize)],
    ) -> Self {
        Self {
            transactions,
            outer,
            ranges: ranges.to_vec(),
            runs: ranges.iter().map(|_| Run::default()).collect(),
            steps: FuturesUnordered::new(),
            running: Vec::new(),
            begun: Vec::new(),
            held_bytes: 0,
        }
    }

    /// The number of transactions that begin or end.
    pub(super) fn steps(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Returns when the next step times out.
    pub(super) fn first_due(&self) -> Option<Instant> {
        self.steps.iter().filter_map(Step::due).min()
    }

    /// Returns an item whose transaction has begun.
    pub(super) fn next_begun(&mut self) -> Option<Slot> {
        self.begun.pop()
    }

    /// Returns an item of this group, whose transaction has begun.
    pub(super) fn next_begun_of(&mut self, group: usize) -> Option<Slot> {
        let at = self
            .begun
            .iter()
            .rposition(|slot| self.group_of(*slot) == Some(group))?;
        Some(self.begun.remove(at))
    }

    pub(super) fn group_of(&self, slot: Slot) -> Option<usize> {
        group_at(&self.ranges, slot.index())
    }

    /// Returns the first and the last index of a group, and its run.
    #[expect(clippy::indexing_slicing, reason = "groups come from `group_of`")]
    pub(super) fn run(&mut self, group: usize) -> (usize, usize, &mut Run) {
        let (first, last) = self.ranges[group];
        (first, last, &mut self.runs[group])
    }

    /// Puts the transaction of an item into its extensions. Returns whether no clone has panicked.
    pub(super) fn insert(&mut self, group: usize, extensions: &mut http::Extensions) -> bool {
        let (.., run) = self.run(group);
        let transaction = run.transaction.as_ref();
        transaction.is_none_or(|open| catch(|| open.insert(extensions)).is_some())
    }
}

/// What the group of an item says when the item could start.
pub(super) enum Entry {
    Start,
    /// The transaction has not begun yet. The item is returned again when it has.
    Wait,
    Fail(ItemError),
}
