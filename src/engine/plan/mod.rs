//! The items of a batch, their dependencies, and which of them can run next.

mod add;
mod groups;
mod names;
#[cfg(test)]
mod tests;
mod whole;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use bytestring::ByteString;

use self::groups::Groups;
pub(super) use self::groups::group_at;
use self::names::{Names, Settled};
use super::references::References;
use crate::item_error::ItemError;
use crate::subrequest::Subrequest;

/// The items of a batch. Their ids are unique, and each depends on earlier items only.
///
/// A plan of a whole envelope has all items before any of them runs. A plan of a stream grows while
/// its items run, and forgets those that are settled.
#[derive(Debug)]
pub(crate) struct Plan {
    items: Vec<Subrequest>,
    /// The number of items so far.
    total: usize,
    /// The first item that has not started. Unused if there is a graph.
    cursor: usize,
    /// The links between the items. `None` if no item of a whole envelope has any.
    graph: Option<Box<Graph>>,
}

/// The links between items, and which of them can run.
#[derive(Debug)]
struct Graph {
    links: Vec<Links>,
    /// In a whole envelope, every item before this one has started or is in `released`, or waits.
    cursor: usize,
    /// Items that no longer wait.
    released: BinaryHeap<Reverse<Slot>>,
    previous: Previous,
    groups: Groups,
    has_references: bool,
    /// The positions of the items that the next one waits for. Kept to use its memory again.
    awaited: Vec<usize>,
    stream: Option<Box<Stream>>,
}

/// An item of a plan: its index in the batch, and its position in the memory of the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    // Half the size of a `usize`, because an envelope can have thousands of dependencies.
    index: u32,
    position: u32,
}

/// Maximum items of a plan.
const MAX_ITEMS: usize = u32::MAX as usize;

impl Slot {
    fn new(index: usize, position: usize) -> Self {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            index: narrow(index),
            position: narrow(position),
        }
    }

    /// The slot of an item of a whole envelope.
    pub(super) fn whole(index: usize) -> Self {
        Self::new(index, index)
    }

    pub(super) fn index(self) -> usize {
        self.index as usize
    }

    fn position(self) -> usize {
        self.position as usize
    }
}

/// The links of one item to others.
#[derive(Debug, Default)]
struct Links {
    slot: Slot,
    /// The number of items that it still waits for.
    unmet: u32,
    /// The items that wait for it.
    dependants: Vec<Slot>,
    /// The earlier items that it refers to.
    references: References,
    /// Whether a later item refers to it.
    is_referred_to: bool,
}

/// The item before the one that is added.
#[derive(Debug, Default)]
struct Previous {
    slot: Slot,
    group: Option<ByteString>,
    /// Whether it has succeeded, once a stream has its response.
    outcome: Option<bool>,
}

/// What only the plan of a stream has.
#[derive(Debug)]
struct Stream {
    names: Names,
    max_remembered_ids: usize,
    /// Items that waited for none when they were added, in the order of the batch.
    ready: VecDeque<Slot>,
    /// The hashes of the ids, by position.
    hashes: Vec<u64>,
    /// Positions that can be used again.
    free: Vec<usize>,
    /// The memory of the items that have not started.
    waiting_bytes: usize,
}

impl Plan {
    /// The number of items so far.
    pub(crate) fn len(&self) -> usize {
        self.total
    }

    /// Returns the items of a whole envelope, each with whether its URL refers to another item.
    pub(crate) fn items(&self) -> impl ExactSizeIterator<Item = (&Subrequest, bool)> {
        let refers = |index| self.references(Slot::whole(index)).url.is_some();
        let items = self.items.iter().enumerate();
        items.map(move |(index, item)| (item, refers(index)))
    }

    /// Fails an item of a whole envelope before any of them runs.
    pub(super) fn fail(&mut self, index: usize, error: ItemError) {
        self.item(Slot::whole(index)).fail(error);
    }

    /// Returns the items of a whole envelope that will not run.
    pub(crate) fn into_items(self) -> Vec<Subrequest> {
        self.items
    }

    /// Begins to record the moments of the items.
    #[cold]
    pub(super) fn record_times(&mut self, has_header: bool) {
        for item in &mut self.items {
            item.record_times(has_header);
        }
    }

    /// Returns the ids of a whole envelope.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(Subrequest::id)
    }

    #[expect(clippy::indexing_slicing, reason = "slots come from the plan itself")]
    pub(super) fn item(&mut self, slot: Slot) -> &mut Subrequest {
        &mut self.items[slot.position()]
    }

    pub(super) fn references(&self, slot: Slot) -> References {
        let links = self.links(slot);
        links.map_or_else(References::default, |links| links.references)
    }

    /// Returns the first and the last index of each group that runs in a transaction.
    pub(crate) fn atomic_groups(&self) -> &[(usize, usize)] {
        self.graph
            .as_ref()
            .map_or(&[], |graph| graph.groups.atomic())
    }

    pub(super) fn is_referred_to(&self, slot: Slot) -> bool {
        self.links(slot).is_some_and(|links| links.is_referred_to)
    }

    fn links(&self, slot: Slot) -> Option<&Links> {
        self.graph.as_ref()?.links.get(slot.position())
    }

    /// Whether a stream has room for more items: none can start, and those that wait use less than
    /// this many bytes.
    pub(super) fn has_room(&self, max_bytes: usize) -> bool {
        self.graph.as_ref().is_some_and(|graph| {
            let stream = graph.stream.as_ref();
            graph.released.is_empty()
                && stream.is_some_and(|stream| {
                    stream.ready.is_empty() && stream.waiting_bytes < max_bytes
                })
        })
    }

    /// Returns the first item that can run now. Each item is returned once.
    pub(super) fn next(&mut self) -> Option<Slot> {
        let Some(graph) = &mut self.graph else {
            let index = self.cursor;
            self.cursor += 1;
            return (index < self.items.len()).then(|| Slot::whole(index));
        };
        let slot = graph.next()?;
        graph.no_longer_waits(slot, &self.items);
        Some(slot)
    }

    /// Returns the first item that can run now of those with these indices.
    pub(super) fn next_of(&mut self, first: usize, last: usize) -> Option<Slot> {
        let graph = self.graph.as_mut()?;
        let slot = graph.next_of(first, last)?;
        graph.no_longer_waits(slot, &self.items);
        Some(slot)
    }

    /// Called when an item has finished. Its dependants may run if it succeeded. If not, they are
    /// lost, and all lost items are returned, those that depend on them included.
    pub(super) fn finish(&mut self, slot: Slot, is_success: bool) -> Vec<Slot> {
        let mut lost = Vec::new();
        let Some(graph) = &mut self.graph else {
            return lost;
        };
        let dependants = graph.dependants_of(slot);
        if is_success {
            for dependant in dependants {
                if graph.release(dependant)
                    && let Some(item) = self.items.get_mut(dependant.position())
                    && let Some(times) = item.times_mut()
                {
                    times.release();
                }
            }
            return lost;
        }
        let mut failing = dependants;
        while let Some(slot) = failing.pop() {
            // An item is lost only once, and never starts, because its count never reaches 0.
            if let Some(links) = graph.waiting(slot) {
                links.unmet = LOST;
                lost.push(slot);
                failing.append(&mut links.dependants);
            }
        }
        lost.sort_unstable();
        for slot in &lost {
            graph.no_longer_waits(*slot, &self.items);
        }
        lost
    }

    /// Called when the response of an item exists. A stream forgets the item then: only its outcome
    /// is remembered, for its id and for its group.
    pub(super) fn settle(&mut self, slot: Slot, group: Option<&str>, is_success: bool) {
        let Some(graph) = &mut self.graph else {
            return;
        };
        let Some(stream) = &mut graph.stream else {
            return;
        };
        let max = stream.max_remembered_ids;
        let id = stream
            .hashes
            .get(slot.position())
            .map(|hash| (*hash, false));
        let group = group.map(|group| (stream.names.hash(group), true));
        for (hash, is_group) in id.into_iter().chain(group) {
            let index = slot.index();
            let settled = Settled {
                hash,
                index,
                is_group,
            };
            stream.names.settle(settled, is_success, max);
        }
        if graph.previous.slot == slot {
            graph.previous.outcome = Some(is_success);
        }
        if let Some(item) = self.items.get_mut(slot.position()) {
            *item = Subrequest::without_id();
        }
        stream.free.push(slot.position());
    }
}

impl Graph {
    /// Removes the first item of those that can run.
    fn next(&mut self) -> Option<Slot> {
        let released = self.released.peek().map(|Reverse(slot)| *slot);
        if let Some(stream) = &mut self.stream {
            match (released, stream.ready.front()) {
                (Some(slot), Some(first)) if *first < slot => return stream.ready.pop_front(),
                (None, _) => return stream.ready.pop_front(),
                _ => {}
            }
        }
        if released.is_some() {
            return self.released.pop().map(|Reverse(slot)| slot);
        }
        let rest = self.links.get(self.cursor..).unwrap_or_default();
        let found = rest.iter().position(|links| links.unmet == 0);
        self.cursor += found.map_or(rest.len(), |found| found + 1);
        found.map(|_| Slot::whole(self.cursor - 1))
    }

    /// Removes the first item with one of these indices from those that can run in a whole
    /// envelope.
    fn next_of(&mut self, first: usize, last: usize) -> Option<Slot> {
        let is_wanted = |slot: &Slot| (first..=last).contains(&slot.index());
        let released = self.released.iter().map(|Reverse(slot)| *slot);
        if let Some(slot) = released.filter(is_wanted).min() {
            self.released.retain(|Reverse(other)| *other != slot);
            return Some(slot);
        }
        let members = self.links.get_mut(first.max(self.cursor)..=last)?;
        let links = members.iter_mut().find(|links| links.unmet == 0)?;
        links.unmet = STARTED;
        Some(links.slot)
    }

    fn no_longer_waits(&mut self, slot: Slot, items: &[Subrequest]) {
        if let Some(stream) = &mut self.stream {
            let item = items.get(slot.position());
            stream.waiting_bytes -= item.map_or(0, Subrequest::memory);
        }
    }

    /// The links of an item that waits. An item that is lost does not wait, and its position may
    /// be that of another item by now.
    fn waiting(&mut self, slot: Slot) -> Option<&mut Links> {
        let links = self.links.get_mut(slot.position())?;
        Some(links).filter(|links| links.slot == slot && links.unmet != LOST)
    }

    fn dependants_of(&mut self, slot: Slot) -> Vec<Slot> {
        let links = self.links.get_mut(slot.position());
        links.map_or_else(Vec::new, |links| std::mem::take(&mut links.dependants))
    }

    /// Called when one of those that an item waits for has succeeded. Returns whether it was the
    /// last one.
    fn release(&mut self, slot: Slot) -> bool {
        let Some(links) = self.waiting(slot) else {
            return false;
        };
        links.unmet -= 1;
        let is_released = links.unmet == 0;
        // The cursor finds the later items of a whole envelope.
        if is_released && (self.stream.is_some() || slot.index() < self.cursor) {
            self.released.push(Reverse(slot));
        }
        is_released
    }
}

/// The count of a lost item: one that will not run because a dependency has failed.
const LOST: u32 = u32::MAX;

/// The count of an item that has started out of turn.
const STARTED: u32 = u32::MAX - 1;

#[expect(clippy::indexing_slicing, reason = "positions come from the links")]
fn links_of(links: &mut [Links], position: usize) -> &mut Links {
    &mut links[position]
}

/// A number of items that others wait for.
fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
