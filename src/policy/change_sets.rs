//! What becomes of atomicity groups.

/// What becomes of change sets (`atomicityGroup` in JSON). The default is [`refuse`](Self::refuse).
///
/// ```
/// use tower_multistatus::{BatchLayer, ChangeSets};
///
/// let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeSets(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Refuse,
    BestEffort,
}

impl ChangeSets {
    pub(crate) const BEST_EFFORT: Self = Self(Kind::BestEffort);

    /// A batch with a change set is refused with 501: all or nothing was asked for, and cannot be
    /// promised.
    pub fn refuse() -> Self {
        Self(Kind::Refuse)
    }

    /// The items of a change set run one after the other, and the first that fails ends it.
    ///
    /// **Nothing is rolled back**: what the items before it did stays done, although the client
    /// asked for all or nothing. A multipart envelope has one response for a failed change set, as
    /// OData wants it; a JSON envelope has one for each item. Choose this if clients insist on
    /// change sets and can live with half of one.
    pub fn best_effort() -> Self {
        Self::BEST_EFFORT
    }
}

impl Default for ChangeSets {
    fn default() -> Self {
        Self::refuse()
    }
}
