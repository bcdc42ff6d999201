//! What happens to a batch and its items, as events.

use http::HeaderName;

use super::TARGET;
use super::text::shown;
use crate::policy::Ignored;

/// The value may be a secret.
pub(crate) fn header_ignored(name: &HeaderName, why: Ignored) {
    let reason = match why {
        Ignored::Never => "never taken from an item",
        Ignored::NotAllowed => "not allowed by `ItemHeaders`",
        Ignored::Protected => "protected by `ItemHeaders`",
        Ignored::Inherited => "the outer request has one",
    };
    tracing::debug!(
        target: TARGET,
        name = &*shown(name.as_str()),
        reason,
        "header of an item ignored"
    );
}
