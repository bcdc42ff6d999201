//! A warning for a layer inside `Router::layer`, which compiles but reaches one route only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;

use super::TARGET;
use crate::subresponse::Subresponse;

/// Minimum items for the warning. Fewer may really request what does not exist.
const MIN_ITEMS: usize = 2;

/// Whether the layer has logged the warning. Clones of the layer share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warned(Arc<AtomicBool>);

/// The items of a batch for which the inner service has found no route.
#[derive(Debug, Default)]
pub(crate) struct NotFound {
    items: usize,
    has_others: bool,
}

impl NotFound {
    pub(crate) fn count(&mut self, response: &Subresponse) {
        // Handlers describe what they do not find, but a router responds without a body.
        let is_bare = response.body.is_empty() && !response.is_head;
        if response.status == StatusCode::NOT_FOUND && is_bare && response.error.is_none() {
            self.items += 1;
        } else if !response.is_not_executed() {
            self.has_others = true;
        }
    }

    pub(crate) fn end(&self, warned: &Warned) {
        if self.has_others || self.items < MIN_ITEMS || warned.0.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(
            target: TARGET,
            items = self.items,
            "every item is 404: `Router::layer` wraps each route, so items reach one route only; \
             mount the layer beside the router with `route_service`"
        );
    }
}
