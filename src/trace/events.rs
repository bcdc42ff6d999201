//! The events of a batch and its items.
//!
//! Their fields have the names of OpenTelemetry's semantic conventions, where there is one. Their
//! level is `info`, because a client can cause them at will, and `warn` if code of the service has
//! failed.

use std::error::Error as StdError;

use http::HeaderName;

use super::TARGET;
use super::spans::BatchSpan;
use super::text::{error_chain, loggable};
use crate::error::{Error, ErrorKind};
use crate::item_error::ItemError;

/// `tracing` needs the level of an event at compile time.
macro_rules! warn_or_info {
    ($is_warning:expr, $($event:tt)+) => {
        if $is_warning {
            tracing::warn!(target: TARGET, $($event)+);
        } else {
            tracing::info!(target: TARGET, $($event)+);
        }
    };
}

/// The whole batch was refused. Its span, as that of a batch that runs, has this event alone.
#[cold]
pub(crate) fn refused(error: &Error) {
    let kind = error.kind();
    BatchSpan::of_refused(kind).in_scope(|| {
        warn_or_info!(
            kind == ErrorKind::Panicked,
            {
                "error.type" = kind.code(),
                "http.response.status_code" = kind.status().as_u16(),
                item = error.item(),
            },
            "batch refused"
        );
    });
}

/// A transaction did not begin or was not committed.
#[cold]
pub(crate) fn transaction_failed(error: &(dyn StdError + 'static)) {
    tracing::warn!(
        target: TARGET,
        error = error_chain(error).as_deref(),
        "transaction failed"
    );
}

/// The upload of a stream ended early. The items before that have run.
#[cold]
pub(crate) fn upload_ended(error: &Error) {
    let kind = error.kind();
    tracing::info!(
        target: TARGET,
        {
            "error.type" = kind.code(),
            "http.response.status_code" = kind.status().as_u16(),
            line = error.line(),
            item = error.item(),
        },
        "upload ended early"
    );
}

/// Recorded inside the item's span. `error` is the error of the inner service.
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
        {
            "error.type" = item_error.code(),
            "http.response.status_code" = item_error.status().as_u16(),
            error = error.and_then(error_chain).as_deref(),
        },
        "item failed"
    );
}

/// Recorded inside the batch's span, because the span of the item is closed: it had a response,
/// which is now replaced.
#[cold]
pub(crate) fn item_replaced(item_error: ItemError, index: usize) {
    tracing::info!(
        target: TARGET,
        {
            "error.type" = item_error.code(),
            "http.response.status_code" = item_error.status().as_u16(),
            item = index,
        },
        "item failed"
    );
}

/// The value is not recorded, because it may be a secret.
pub(crate) fn header_ignored(name: &HeaderName, reason: &'static str) {
    tracing::debug!(
        target: TARGET,
        name = &*loggable(name.as_str()),
        reason,
        "header of an item ignored"
    );
}
