//! What happens to a batch and its items, as events.
//!
//! Their level is `info`, since a client can cause them at will, and `warn` where the service's own
//! code has failed.

use std::error::Error as StdError;

use http::HeaderName;

use super::TARGET;
use super::text::{chain, loggable};
use crate::error::{Error, ErrorKind};
use crate::item_error::ItemError;

/// `tracing` wants the level of an event at compile time.
macro_rules! warn_or_info {
    ($is_warning:expr, $($event:tt)+) => {
        if $is_warning { tracing::warn!(target: TARGET, $($event)+) } else { tracing::info!(target: TARGET, $($event)+) }
    };
}

/// The whole batch.
#[cold]
pub(crate) fn refused(error: &Error) {
    let kind = error.kind();
    warn_or_info!(
        kind == ErrorKind::Panicked,
        code = kind.code(),
        status = kind.status().as_u16(),
        item = error.item(),
        "batch refused"
    );
}

/// Inside the item's span. `error` is the inner service's.
#[cold]
pub(crate) fn item_failed(item_error: ItemError, error: Option<&(dyn StdError + 'static)>) {
    let is_warning = matches!(
        item_error,
        ItemError::NotReady
            | ItemError::CallFailed
            | ItemError::MappedError(_)
            | ItemError::Panicked
            | ItemError::ResponseBroken
            | ItemError::InformationalStatus
    );
    warn_or_info!(
        is_warning,
        code = item_error.code(),
        status = item_error.status().as_u16(),
        error = error.and_then(chain).as_deref(),
        "item failed"
    );
}

/// Inside the batch's span: the item's is closed, since it has a response that now gives way.
#[cold]
pub(crate) fn item_replaced(item_error: ItemError, index: usize) {
    tracing::info!(
        target: TARGET,
        code = item_error.code(),
        status = item_error.status().as_u16(),
        item = index,
        "item failed"
    );
}

/// The value may be a secret.
pub(crate) fn header_ignored(name: &HeaderName, reason: &'static str) {
    tracing::debug!(
        target: TARGET,
        name = &*loggable(name.as_str()),
        reason,
        "header of an item ignored"
    );
}
