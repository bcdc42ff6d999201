//! What becomes of cookies that items set.

/// What becomes of the `Set-Cookie` headers of items. The default is [`discard`](Self::discard).
///
/// ```
/// use tower_multistatus::{BatchLayer, SetCookie};
///
/// let layer = BatchLayer::new("/batch").set_cookie(SetCookie::keep());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetCookie(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Discard,
    Keep,
    Hoist,
}

impl SetCookie {
    pub(super) const KEEP: Self = Self(Kind::Keep);
    pub(super) const HOIST: Self = Self(Kind::Hoist);

    /// They are dropped.
    pub fn discard() -> Self {
        Self(Kind::Discard)
    }

    /// They stay on their item, where no browser looks at them.
    pub fn keep() -> Self {
        Self::KEEP
    }

    /// They are set on the outer response, in the order of the items' completion. A streamed answer has sent its headers
    /// before any item is done: there they are dropped.
    pub fn hoist() -> Self {
        Self::HOIST
    }
}

impl Default for SetCookie {
    fn default() -> Self {
        Self::discard()
    }
}
