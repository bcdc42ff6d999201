//! A layer inside `Router::layer` compiles, and finds nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;

use super::TARGET;
use crate::subresponse::Subresponse;

/// Fewer items may well ask for what is not there.
const AT_LEAST: usize = 2;

/// Whether the layer has given the warning. Its clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warned(Arc<AtomicBool>);

/// The items of a batch that the inner service has found no route for.
#[derive(Debug, Default)]
pub(crate) struct NotFound {
    items: usize,
    has_others: bool,
}

impl NotFound {
    pub(crate) fn count(&mut self, response: &Subresponse) {
        // Handlers describe what they do not find; a router has nothing to say.
        let is_bare = response.body.is_empty() && !response.is_head;
        if response.status == StatusCode::NOT_FOUND && is_bare && response.error.is_none() {
            self.items += 1;
        } else if !response.is_not_executed() {
            self.has_others = true;
        }
    }

    pub(crate) fn end(&self, warned: &Warned) {
        if self.has_others || self.items < AT_LEAST || warned.0.swap(true, Ordering::Relaxed) {
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
