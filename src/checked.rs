//! The result of `BatchLayer::check`.

use crate::engine::Plan;
use crate::subrequest::Subrequest;

/// A batch that has passed every check and has not run, from
/// [`BatchLayer::check`](crate::BatchLayer::check).
#[derive(Debug)]
pub struct CheckedBatch {
    items: Vec<Subrequest>,
    has_transactions: bool,
}

impl CheckedBatch {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            has_transactions: !plan.atomic_groups().is_empty(),
            items: plan.into_items(),
        }
    }

    /// The items, in the order of the batch. An item with a
    /// [rejection](Subrequest::rejection) is not dispatched when the batch runs.
    pub fn items(&self) -> &[Subrequest] {
        &self.items
    }

    /// Whether a group of items runs in a
    /// [transaction](crate::guide::transactions) of the application.
    pub fn has_transactions(&self) -> bool {
        self.has_transactions
    }
}
