//! Responses that have to wait for those before them.

use std::collections::BTreeMap;

use crate::subresponse::Subresponse;

/// Responses that came before their turn, where they are written in the order of the request.
#[derive(Debug, Default)]
pub(super) struct Held {
    next: usize,
    early: BTreeMap<usize, Subresponse>,
    bytes: usize,
}

impl Held {
    /// Number of responses.
    pub(super) fn len(&self) -> usize {
        self.early.len()
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the response has to wait.
    pub(super) fn is_early(&self, subresponse: &Subresponse) -> bool {
        subresponse.index != self.next
    }

    pub(super) fn hold(&mut self, subresponse: Subresponse) {
        self.bytes += subresponse.held_len();
        self.early.insert(subresponse.index, subresponse);
    }

    /// The response whose turn it is after the one that was written, if it is here.
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
