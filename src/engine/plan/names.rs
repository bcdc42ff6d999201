//! The ids of items and the names of groups, for look-up.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use bytestring::ByteString;

use super::Slot;
use crate::error::{Error, ErrorKind};
use crate::subrequest::Subrequest;

/// Whether the ids are in ascending order, and therefore unique. Most clients number their items.
pub(super) fn are_ascending(items: &[Subrequest]) -> bool {
    let ids = items.iter().map(|item| (item.id().len(), item.id()));
    ids.is_sorted_by(|one, other| one < other)
}

/// The names of a batch. In a stream, only some names of settled items are remembered.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashMap<ByteString, Known>,
    /// The names of settled items and groups, in the order in which they settled.
    settled: VecDeque<ByteString>,
    has_forgotten: bool,
}

/// What an id or the name of a group stands for.
#[derive(Debug)]
struct Known {
    /// The item, or the last member of the group so far.
    slot: Slot,
    is_group: bool,
    /// Whether the item has succeeded, once a stream has its response.
    outcome: Option<bool>,
}

impl Known {
    fn new(slot: Slot, is_group: bool) -> Self {
        Self {
            slot,
            is_group,
            outcome: None,
        }
    }
}

/// What is known of a dependency.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Dependency {
    Unsettled(Slot),
    Succeeded,
    Failed,
    /// No remembered item has this id. One that was forgotten may have had it.
    Forgotten,
    Unknown,
}

impl Names {
    /// Adds the ids of a whole envelope.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateId`].
    pub(super) fn add_ids(&mut self, items: &[Subrequest]) -> Result<(), Error> {
        self.known.reserve(items.len());
        for (index, item) in items.iter().enumerate() {
            let id = self.add_id(item.id.clone(), Slot::whole(index));
            id.map_err(|error| error.at_item(index))?;
        }
        Ok(())
    }

    /// # Errors
    ///
    /// [`ErrorKind::DuplicateId`].
    pub(super) fn add_id(&mut self, id: ByteString, slot: Slot) -> Result<(), Error> {
        match self.known.entry(id) {
            Entry::Occupied(_) => Err(ErrorKind::DuplicateId.into()),
            Entry::Vacant(entry) => {
                entry.insert(Known::new(slot, false));
                Ok(())
            }
        }
    }

    /// Adds a member to a group.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateId`] if an item has the name as id, and [`ErrorKind::Malformed`] if
    /// the members are not adjacent.
    pub(super) fn add_member(&mut self, group: ByteString, slot: Slot) -> Result<(), Error> {
        match self.known.entry(group) {
            Entry::Vacant(entry) => {
                entry.insert(Known::new(slot, true));
                Ok(())
            }
            Entry::Occupied(entry) if !entry.get().is_group => Err(ErrorKind::DuplicateId.into()),
            Entry::Occupied(mut entry) if entry.get().slot.index + 1 == slot.index => {
                entry.insert(Known::new(slot, true));
                Ok(())
            }
            Entry::Occupied(_) => Err(Error::malformed("the items of a group are not adjacent")),
        }
    }

    /// Looks for an item or a group that is complete before this index.
    pub(super) fn find_before(&self, name: &str, index: usize) -> Dependency {
        match self.known.get(name) {
            Some(known) if known.slot.index < index => match known.outcome {
                None => Dependency::Unsettled(known.slot),
                Some(true) => Dependency::Succeeded,
                Some(false) => Dependency::Failed,
            },
            None if self.has_forgotten => Dependency::Forgotten,
            _ => Dependency::Unknown,
        }
    }

    /// Looks for the index of an item with this id, if it is less than `index`.
    pub(super) fn index_before(&self, id: &str, index: usize) -> Option<usize> {
        let known = self.known.get(id).filter(|known| !known.is_group)?;
        Some(known.slot.index).filter(|found| *found < index)
    }

    /// Records the outcome of an item under its id or, if it is the last member so far, under the
    /// name of its group. At most `max` settled names are remembered.
    pub(super) fn settle(&mut self, name: &str, index: usize, is_success: bool, max: usize) {
        let Some((key, _)) = self.known.get_key_value(name) else {
            return;
        };
        let key = key.clone();
        match self.known.get_mut(name) {
            Some(known) if known.slot.index == index => known.outcome = Some(is_success),
            _ => return,
        }
        self.settled.push_back(key);
        if self.settled.len() > max
            && let Some(oldest) = self.settled.pop_front()
            // A group that has got another member since is not settled any more.
            && self.known.get(&oldest).is_some_and(|known| known.outcome.is_some())
        {
            self.known.remove(&oldest);
            self.has_forgotten = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(index: usize) -> Slot {
        Slot { index, position: 0 }
    }

    #[test]
    fn the_names_that_settled_first_are_forgotten_first() {
        let mut names = Names::default();
        for (index, id) in ["a", "b", "c"].into_iter().enumerate() {
            names.add_id(id.into(), slot(index)).unwrap();
        }
        assert_eq!(names.find_before("x", 3), Dependency::Unknown);
        for (id, index) in [("c", 2), ("a", 0), ("b", 1)] {
            names.settle(id, index, id == "a", 2);
        }
        assert_eq!(names.find_before("c", 3), Dependency::Forgotten);
        assert_eq!(names.find_before("a", 3), Dependency::Succeeded);
        assert_eq!(names.find_before("b", 3), Dependency::Failed);
        assert_eq!(names.find_before("x", 3), Dependency::Forgotten);
    }

    #[test]
    fn a_group_that_settled_and_has_grown_since_is_not_forgotten() {
        let mut names = Names::default();
        names.add_member("g".into(), slot(0)).unwrap();
        names.settle("g", 0, true, 1);
        names.add_member("g".into(), slot(1)).unwrap();
        assert_eq!(
            names.find_before("g", 2),
            Dependency::Unsettled(slot(1)),
            "its last member has not settled"
        );
        names.add_id("a".into(), slot(2)).unwrap();
        names.settle("a", 2, true, 1);
        assert_eq!(names.find_before("g", 3), Dependency::Unsettled(slot(1)));
        names.settle("g", 1, true, 1);
        assert_eq!(names.find_before("g", 3), Dependency::Succeeded);
        assert_eq!(names.find_before("a", 3), Dependency::Forgotten);
    }
}
