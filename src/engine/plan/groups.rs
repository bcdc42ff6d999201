//! The atomicity groups of a plan.

use super::{Graph, Slot, count, links_of};
use crate::error::Error;
use crate::policy::ChangeSets;

/// The groups that run in transactions, and what their items wait for.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) are_allowed: bool,
    /// Whether groups run in transactions.
    is_atomic: bool,
    /// Whether the items of a group run at the same time.
    pub(super) are_concurrent: bool,
    /// The first and the last index of each group, in the order of the batch.
    ranges: Vec<(usize, usize)>,
    /// The positions of the items outside of it that the current group waits for.
    awaited: Vec<usize>,
}

impl Groups {
    pub(super) fn new(change_sets: &ChangeSets) -> Self {
        Self {
            are_allowed: change_sets.are_allowed(),
            is_atomic: change_sets.transactions().is_some(),
            are_concurrent: change_sets.are_concurrent(),
            ranges: Vec::new(),
            awaited: Vec::new(),
        }
    }

    pub(super) fn atomic(&self) -> &[(usize, usize)] {
        &self.ranges
    }

    /// Sets the first and the last index of each group, in the order of the batch.
    pub(super) fn set_ranges(&mut self, ranges: impl FnOnce() -> Vec<(usize, usize)>) {
        if self.is_atomic {
            self.ranges = ranges();
        }
    }

    /// Returns the group of an item, if it runs in a transaction.
    fn group_of(&self, index: usize) -> Option<(usize, usize)> {
        group_at(&self.ranges, index).and_then(|at| self.ranges.get(at).copied())
    }
}

/// Returns which of the groups has the item with this index.
pub(in crate::engine) fn group_at(groups: &[(usize, usize)], index: usize) -> Option<usize> {
    let at = groups.partition_point(|(_, last)| *last < index);
    let (first, _) = groups.get(at)?;
    (*first <= index).then_some(at)
}

impl Graph {
    /// Checks that an item does not depend on a part of a group that it is not in.
    pub(super) fn check_whole(&self, on: Slot, index: usize) -> Result<(), Error> {
        let of_other = self.groups.group_of(on.index());
        if of_other.is_some() && of_other != self.groups.group_of(index) {
            let detail = "an item depends on one item of a group, not on the group";
            return Err(Error::malformed(detail));
        }
        Ok(())
    }

    /// The index of the item to wait for, if an item refers to another: of a group, that is the
    /// last one.
    pub(super) fn whole_of(&self, on: usize, index: usize) -> usize {
        match self.groups.group_of(on) {
            Some((first, last)) if !(first..=last).contains(&index) => last,
            _ => on,
        }
    }

    /// Moves what an item of a group waits for outside of the group to the first item: the whole
    /// group waits before it begins.
    pub(super) fn wait_as_group(&mut self, awaited: &mut Vec<usize>, slot: Slot) {
        let Some((first, _)) = self.groups.group_of(slot.index()) else {
            return;
        };
        let outside = &mut self.groups.awaited;
        awaited.retain(|on| {
            let is_inside = *on >= first;
            if !is_inside {
                outside.push(*on);
            }
            is_inside
        });
    }

    /// Called after an item is linked. Links the first item of a group that is complete.
    pub(super) fn end_group(&mut self, slot: Slot) {
        let Some((first, last)) = self.groups.group_of(slot.index()) else {
            return;
        };
        if slot.index() != last {
            return;
        }
        let mut outside = std::mem::take(&mut self.groups.awaited);
        outside.sort_unstable();
        outside.dedup();
        links_of(&mut self.links, first).unmet += count(outside.len());
        for on in outside {
            let dependants = &mut links_of(&mut self.links, on).dependants;
            dependants.push(Slot::whole(first));
        }
    }
}
