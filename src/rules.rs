//! The rules of one batch, from the configuration, the client's preferences and the formats.

use std::sync::Arc;

use crate::config::{Config, Order};
use crate::format::Terms;
use crate::preferences::Preferences;

/// How the formats require a batch to be run and written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunMode {
    /// Each response is written when its item finishes.
    pub(crate) is_streamed: bool,
    /// Responses are written in the order of the request, and those of a group together, whatever
    /// the configured order is.
    pub(crate) is_ordered: bool,
    /// Items run while others are still to arrive.
    pub(crate) is_growing: bool,
    /// Items run one at a time.
    pub(crate) is_sequential: bool,
}

/// The rules of one batch.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The settings that only the owner of the layer decides.
    pub(crate) config: Arc<Config>,
    /// Each response is written when its item finishes.
    pub(crate) is_streamed: bool,
    /// Responses are written in the order of the request.
    pub(crate) is_in_order: bool,
    /// The responses of a group are written together.
    pub(crate) writes_groups: bool,
    /// Maximum items in flight.
    pub(crate) concurrency: usize,
    /// The number of failed items after which no further item starts.
    pub(crate) max_failures: usize,
    /// The moments of each item are recorded.
    pub(crate) is_timed: bool,
    /// Successful responses have no body.
    pub(crate) is_minimal: bool,
}

impl Rules {
    pub(crate) fn new(
        config: Arc<Config>,
        preferences: &Preferences,
        mode: RunMode,
        terms: Terms,
    ) -> Self {
        let preferred = preferences.continue_on_error;
        let max_failures = match preferred.unwrap_or(config.continue_on_error) {
            true => usize::MAX,
            false => 1,
        };
        let is_in_order = match config.order {
            Some(order) => order == Order::Request,
            None => !mode.is_streamed,
        };
        Self {
            is_streamed: mode.is_streamed,
            is_in_order: is_in_order || mode.is_ordered,
            writes_groups: mode.is_ordered,
            concurrency: if mode.is_sequential {
                1
            } else {
                config.concurrency
            },
            max_failures: match terms.max_failures {
                Some(max) => max_failures.min(max.get()),
                None => max_failures,
            },
            is_timed: config.item_observers().is_some(),
            is_minimal: preferences.is_minimal,
            config,
        }
    }
}
