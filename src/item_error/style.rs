//! The body format of an item's error.

/// The body of an item that the layer itself fails. The default is [`problem`](Self::problem).
///
/// ```
/// use tower_multistatus::{BatchLayer, ItemErrors};
///
/// let layer = BatchLayer::new("/batch").item_errors(ItemErrors::odata());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemErrors(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Problem,
    OData,
}

impl ItemErrors {
    pub(crate) const ODATA: Self = Self(Kind::OData);

    /// `application/problem+json` (RFC 9457).
    pub fn problem() -> Self {
        Self(Kind::Problem)
    }

    /// `{"error":{"code":…,"message":…}}` as `application/json` (OData 4.01 JSON Format §21).
    /// Clients of Microsoft Graph parse an item's body as JSON only if it has this type.
    pub fn odata() -> Self {
        Self::ODATA
    }
}

impl Default for ItemErrors {
    fn default() -> Self {
        Self::problem()
    }
}
