//! Responses that wait for those before them.

use std::collections::BTreeMap;

use crate::subresponse::Subresponse;

/// Responses that finished before those of earlier items, if they are written in the order of the
/// request.
#[derive(Debug, Default)]
pub(super) struct Held {
    next: usize,
    early: BTreeMap<usize, Subresponse>,
    bytes: usize,
}

impl Held {
    /// The number of held responses.
    pub(super) fn len(&self) -> usize {
        self.early.len()
    }

    /// The bytes that the held responses use.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the response has to wait for an earlier one.
    pub(super) fn is_early(&self, subresponse: &Subresponse) -> bool {
        subresponse.index != self.next
    }

    pub(super) fn hold(&mut self, subresponse: Subresponse) {
        self.bytes += subresponse.held_len();
        self.early.insert(subresponse.index, subresponse);
    }

    /// Moves on to the next response, and returns it if it is held.
    pub(super) fn advance(&mut self) -> Option<Subresponse> {
        self.next += 1;
        if self.early.is_empty() {
            return None;
        }
        let subresponse = self.early.remove(&self.next)?;
        self.bytes -= subresponse.held_len();
        Some(subresponse)
    }
}
