//! The requests that wait, in groups that one batch can have.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::iter::from_fn;
use std::mem::replace;
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
    /// Adds requests in the order of their arrival. A group is ripe if it has this many.
    pub(super) fn push(&mut self, arrived: impl Iterator<Item = Box<Waiting>>, full: usize) {
        let mut arrived = arrived.peekable();
        while let Some(first) = arrived.next() {
            let key = Arc::new(BatchKey::of(&first.request, first.travel));
            let group = match self.groups.entry(Arc::clone(&key)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    self.unripe.push(Arc::clone(&key));
                    unknown.insert(Group::default())
                }
            };
            group.waiting.push_back(first);
            // Most requests have the key of the one before. To compare takes less than to hash.
            let same = from_fn(|| arrived.next_if(|next| key.is_of(&next.request, next.travel)));
            group.waiting.extend(same);
            if group.waiting.len() >= full && !replace(&mut group.is_ripe, true) {
                self.ripe.push_back(key);
            }
        }
    }

    /// Puts requests with this key back in front of their group, which is ripe then.
    pub(super) fn put_back(&mut self, key: &Arc<BatchKey>, requests: Vec<Box<Waiting>>) {
        if requests.is_empty() {
            return;
        }
        let group = self.groups.entry(Arc::clone(key)).or_default();
        for waiting in requests.into_iter().rev() {
            group.waiting.push_front(waiting);
        }
        if !replace(&mut group.is_ripe, true) {
            self.ripe.push_back(Arc::clone(key));
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
            } else if !replace(&mut group.is_ripe, true) {
                self.ripe.push_back(key);
            }
        }
    }

    /// The next group that can leave, and its key. It is never empty.
    pub(super) fn next(&mut self) -> Option<(&Arc<BatchKey>, &mut Group)> {
        self.remove_empty();
        let key = self.ripe.front()?;
        Some((key, self.groups.get_mut(key)?))
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

/// The worker ends. The callers of requests that were never in a batch are told that.
impl Drop for Queue {
    fn drop(&mut self) {
        let groups = self.groups.drain().map(|(_, group)| group);
        let waiting = groups.flat_map(|group| group.waiting);
        let unsent = waiting.filter(|waiting| waiting.place.is_some());
        unsent.for_each(|waiting| waiting.not_sent());
    }
}
