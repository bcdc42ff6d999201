//! The policy for atomicity groups.

use std::fmt;
use std::sync::Arc;

use crate::transactions::{AnyTransactions, Transactions};

/// How change sets (`atomicityGroup` in JSON) are handled. The default is [`refuse`](Self::refuse).
///
/// ```
/// use tower_multistatus::{BatchLayer, ChangeSets};
///
/// let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
/// ```
#[derive(Clone, Debug, Default)]
pub struct ChangeSets(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    Refuse,
    BestEffort,
    InTransactions {
        transactions: Arc<dyn AnyTransactions>,
        is_concurrent: bool,
        whole_batches: WholeBatches,
    },
}

/// Which batches are one change set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WholeBatches {
    Never,
    IfPreferred,
    Always,
}

impl ChangeSets {
    /// Refuses a batch that has a change set with 501, because the layer cannot promise all or
    /// nothing.
    pub fn refuse() -> Self {
        Self(Kind::Refuse)
    }

    /// Runs the items of a change set one after the other, and stops at the first one that fails.
    ///
    /// **Nothing is rolled back**: the effects of earlier items remain, although the client asked
    /// for all or nothing. A multipart envelope has one response for a failed change set, as OData
    /// requires, and a JSON envelope has one for each item. Choose this if clients insist on change
    /// sets and can handle a half-finished one.
    pub fn best_effort() -> Self {
        Self(Kind::BestEffort)
    }

    /// Runs the items of a change set one after the other, in a transaction of the application: all
    /// succeed and are committed, or nothing of them remains.
    ///
    /// See [`guide::transactions`](crate::guide::transactions). An item outside the change set can
    /// depend on all of it, by the name of the group, but not on one of its items. A layer with
    /// transactions has no [streams](crate::guide::streams): every envelope is read first.
    pub fn in_transactions(transactions: impl Transactions) -> Self {
        Self(Kind::InTransactions {
            transactions: Arc::new(transactions),
            is_concurrent: false,
            whole_batches: WholeBatches::Never,
        })
    }

    /// Whether the items of a change set run at the same time, if a transaction of the application
    /// can be used so. By default they run one after the other. Only for
    /// [`in_transactions`](Self::in_transactions).
    #[must_use]
    pub fn concurrent_items(mut self, concurrent: bool) -> Self {
        if let Kind::InTransactions { is_concurrent, .. } = &mut self.0 {
            *is_concurrent = concurrent;
        }
        self
    }

    /// Whether each batch is one change set, whatever its items say. By default it is not. Only for
    /// [`in_transactions`](Self::in_transactions).
    #[must_use]
    pub fn whole_batch(self, whole: bool) -> Self {
        self.with_whole_batches(whole, WholeBatches::Always)
    }

    /// Whether a batch is one change set if the client asks for it with `Prefer: atomic`. By
    /// default this preference is ignored. Only for [`in_transactions`](Self::in_transactions).
    ///
    /// A client that relies on it has to look for `Preference-Applied: atomic` in the response.
    #[must_use]
    pub fn whole_batch_if_preferred(self, whole: bool) -> Self {
        self.with_whole_batches(whole, WholeBatches::IfPreferred)
    }

    fn with_whole_batches(mut self, whole: bool, which: WholeBatches) -> Self {
        if let Kind::InTransactions { whole_batches, .. } = &mut self.0 {
            *whole_batches = if whole { which } else { WholeBatches::Never };
        }
        self
    }

    /// Whether a batch may have change sets.
    pub(crate) fn are_allowed(&self) -> bool {
        !matches!(self.0, Kind::Refuse)
    }

    pub(crate) fn transactions(&self) -> Option<&Arc<dyn AnyTransactions>> {
        match &self.0 {
            Kind::InTransactions { transactions, .. } => Some(transactions),
            Kind::Refuse | Kind::BestEffort => None,
        }
    }

    pub(crate) fn are_concurrent(&self) -> bool {
        matches!(
            self.0,
            Kind::InTransactions {
                is_concurrent: true,
                ..
            }
        )
    }

    pub(crate) fn are_whole_batches(&self) -> bool {
        self.whole_batches() == WholeBatches::Always
    }

    /// Whether the client may make a batch one change set.
    pub(crate) fn may_be_preferred(&self) -> bool {
        self.whole_batches() == WholeBatches::IfPreferred
    }

    fn whole_batches(&self) -> WholeBatches {
        match self.0 {
            Kind::InTransactions { whole_batches, .. } => whole_batches,
            Kind::Refuse | Kind::BestEffort => WholeBatches::Never,
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "refuse",
            Self::BestEffort => "best effort",
            Self::InTransactions { .. } => "in transactions",
        })
    }
}
