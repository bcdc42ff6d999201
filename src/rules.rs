//! What the configuration, the client's preferences and the formats say together, settled once per
//! batch.

use std::sync::Arc;

use crate::config::{Config, Order};
use crate::preferences::Preferences;

/// How the formats want a batch run and written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Each response is written when its item finishes.
    pub(crate) is_streamed: bool,
    /// Responses are written in the order of the request, those of a group together, whatever the
    /// layer says.
    pub(crate) is_ordered: bool,
    /// Items run one after the other.
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
    /// Items still start after one has failed.
    pub(crate) continue_on_error: bool,
    /// Successful responses have no body.
    pub(crate) is_minimal: bool,
}

impl Rules {
    pub(crate) fn new(config: Arc<Config>, preferences: &Preferences, manner: Manner) -> Self {
        let is_in_order = match config.order {
            Some(order) => order == Order::Request,
            None => !manner.is_streamed,
        };
        Self {
            is_streamed: manner.is_streamed,
            is_in_order: is_in_order || manner.is_ordered,
            writes_groups: manner.is_ordered,
            concurrency: match manner.is_sequential {
                true => 1,
                false => config.concurrency,
            },
            continue_on_error: preferences
                .continue_on_error
                .unwrap_or(config.continue_on_error),
            is_minimal: preferences.is_minimal,
            config,
        }
    }
}
