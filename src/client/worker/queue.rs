//! The requests that wait, in groups that one batch can have.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::super::key::BatchKey;
use super::super::waiting::Waiting;

/// Requests with the same key, in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) waiting: VecDeque<Box<Waiting>>,
    /// Whether its window is over, so that it leaves as soon as a batch can be sent.
    is_ripe: bool,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    groups: HashMap<Arc<BatchKey>, Group>,
    unripe: Vec<Arc<BatchKey>>,
    ripe: VecDeque<Arc<BatchKey>>,
}

impl Queue {
    /// Adds a request. Its group is ripe if it has this many.
    pub(super) fn push(&mut self, waiting: Box<Waiting>, full: usize) {
        let group = match self.groups.get_mut(&waiting.entry.key) {
            Some(group) => group,
            None => {
                self.unripe.push(Arc::clone(&waiting.entry.key));
                self.groups
                    .entry(Arc::clone(&waiting.entry.key))
                    .or_default()
            }
        };
        let is_full = group.waiting.len() + 1 >= full;
        if is_full && !std::mem::replace(&mut group.is_ripe, true) {
            self.ripe.push_back(Arc::clone(&waiting.entry.key));
        }
        group.waiting.push_back(waiting);
    }

    /// Puts requests back in front of their group. They are ripe.
    pub(super) fn put_back(&mut self, requests: Vec<Box<Waiting>>) {
        for waiting in requests.into_iter().rev() {
            let group = self
                .groups
                .entry(Arc::clone(&waiting.entry.key))
                .or_default();
            if !std::mem::replace(&mut group.is_ripe, true) {
                self.ripe.push_back(Arc::clone(&waiting.entry.key));
            }
            group.waiting.push_front(waiting);
        }
    }

    /// Whether the window of a group is not over.
    pub(super) fn has_unripe(&self) -> bool {
        !self.unripe.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Ends the window of all groups. Requests that nobody waits for are removed. Those of a group
    /// for which `is_alone` returns true are sent alone.
    pub(super) fn ripen(&mut self, is_alone: impl Fn(&BatchKey, &Group) -> bool) {
        for key in std::mem::take(&mut self.unripe) {
            let Some(group) = self.groups.get_mut(&key) else {
                continue;
            };
            group.waiting.retain(|waiting| !waiting.is_abandoned());
            if is_alone(&key, group) {
                if let Some(group) = self.groups.remove(&key) {
                    group
                        .waiting
                        .into_iter()
                        .for_each(|waiting| waiting.send_alone());
                }
            } else if !std::mem::replace(&mut group.is_ripe, true) {
                self.ripe.push_back(key);
            }
        }
    }

    /// The next group that can leave. It is never empty.
    pub(super) fn next(&mut self) -> Option<&mut Group> {
        self.remove_empty();
        self.groups.get_mut(self.ripe.front()?)
    }

    /// Removes requests that nobody waits for from the next groups, and groups that are empty. A
    /// group that was left ripe would end the window of the next request in it.
    pub(super) fn remove_empty(&mut self) {
        while let Some(key) = self.ripe.front() {
            let group = self.groups.get_mut(key);
            let count = group.map_or(0, |group| {
                group.waiting.retain(|waiting| !waiting.is_abandoned());
                group.waiting.len()
            });
            if count > 0 {
                return;
            }
            self.groups.remove(key);
            self.ripe.pop_front();
        }
    }
}
