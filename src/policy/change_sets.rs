//! The policy for atomicity groups.

/// How change sets (`atomicityGroup` in JSON) are handled. The default is [`refuse`](Self::refuse).
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
        Self::BEST_EFFORT
    }
}

impl Default for ChangeSets {
    fn default() -> Self {
        Self::refuse()
    }
}
