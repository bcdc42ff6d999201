//! The ids of items and the names of groups of a stream, for look-up.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use bytestring::ByteString;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::Slot;
use crate::error::{Error, ErrorKind};

/// The names of a stream. Only some names of settled items are remembered.
///
/// A table, not a map, so that the name of an item is hashed once.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashTable<Known>,
    hasher: RandomState,
    /// The items and groups whose outcome is remembered, in the order in which they settled.
    settled: VecDeque<Settled>,
    has_forgotten: bool,
}

/// What an id or the name of a group stands for.
#[derive(Debug)]
struct Known {
    name: ByteString,
    hash: u64,
    /// The item, or the last member of the group so far.
    slot: Slot,
    is_group: bool,
    /// Whether the item has succeeded, once a stream has its response.
    outcome: Option<bool>,
}

/// An item or a group that has settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    /// The hash of the name.
    pub(super) hash: u64,
    /// The index of the item, or of the last member of the group.
    pub(super) index: usize,
    pub(super) is_group: bool,
}

impl Settled {
    fn is(self, known: &Known) -> bool {
        known.slot.index() == self.index && known.is_group == self.is_group
    }
}

/// What is known of a dependency.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Dependency {
    Unsettled {
        slot: Slot,
        is_group: bool,
    },
    Succeeded,
    Failed,
    /// No remembered item has this id. One that was forgotten may have had it.
    Forgotten,
    Unknown,
}

impl Names {
    pub(super) fn hash(&self, name: &str) -> u64 {
        self.hasher.hash_one(name)
    }

    /// # Errors
    ///
    /// [`ErrorKind::DuplicateId`].
    pub(super) fn add_id(&mut self, hash: u64, id: ByteString, slot: Slot) -> Result<(), Error> {
        match self.entry(hash, &id) {
            Entry::Occupied(_) => Err(ErrorKind::DuplicateId.into()),
            Entry::Vacant(entry) => {
                entry.insert(Known {
                    name: id,
                    hash,
                    slot,
                    is_group: false,
                    outcome: None,
                });
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
    pub(super) fn add_member(&mut self, group: &str, slot: Slot) -> Result<(), Error> {
        let hash = self.hash(group);
        match self.entry(hash, group) {
            Entry::Vacant(entry) => {
                entry.insert(Known {
                    name: ByteString::from(group),
                    hash,
                    slot,
                    is_group: true,
                    outcome: None,
                });
                Ok(())
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                if !known.is_group {
                    return Err(ErrorKind::DuplicateId.into());
                }
                if known.slot.index() + 1 != slot.index() {
                    return Err(Error::malformed("the items of a group are not adjacent"));
                }
                (known.slot, known.outcome) = (slot, None);
                Ok(())
            }
        }
    }

    fn entry(&mut self, hash: u64, name: &str) -> Entry<'_, Known> {
        let is = |known: &Known| known.name == name;
        self.known.entry(hash, is, |known| known.hash)
    }

    fn find(&self, name: &str) -> Option<&Known> {
        self.known.find(self.hash(name), |known| known.name == name)
    }

    /// Looks for an item or a group that is complete before this index.
    pub(super) fn find_before(&self, name: &str, index: usize) -> Dependency {
        match self.find(name) {
            Some(known) if known.slot.index() < index => match known.outcome {
                None => Dependency::Unsettled {
                    slot: known.slot,
                    is_group: known.is_group,
                },
                Some(true) => Dependency::Succeeded,
                Some(false) => Dependency::Failed,
            },
            None if self.has_forgotten => Dependency::Forgotten,
            _ => Dependency::Unknown,
        }
    }

    /// Records the outcome of an item or, if it is the last member so far, of its group. At most
    /// `max` outcomes are remembered.
    pub(super) fn settle(&mut self, settled: Settled, is_success: bool, max: usize) {
        let known = self.known.find_mut(settled.hash, |known| settled.is(known));
        let Some(known) = known else {
            return;
        };
        known.outcome = Some(is_success);
        self.settled.push_back(settled);
        if self.settled.len() > max
            && let Some(oldest) = self.settled.pop_front()
            // A group that has got another member since has another index, and is not found.
            && let Ok(entry) = self.known.find_entry(oldest.hash, |known| oldest.is(known))
        {
            entry.remove();
            self.has_forgotten = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(index: usize) -> Slot {
        Slot::new(index, 0)
    }

    fn add_id(names: &mut Names, id: &'static str, index: usize) {
        let hash = names.hash(id);
        names.add_id(hash, id.into(), slot(index)).unwrap();
    }

    fn settle(names: &mut Names, name: &str, index: usize, is_success: bool, max: usize) {
        let settled = Settled {
            hash: names.hash(name),
            index,
            is_group: name == "g",
        };
        names.settle(settled, is_success, max);
    }

    #[test]
    fn the_names_that_settled_first_are_forgotten_first() {
        let mut names = Names::default();
        for (index, id) in ["a", "b", "c"].into_iter().enumerate() {
            add_id(&mut names, id, index);
        }
        assert_eq!(names.find_before("x", 3), Dependency::Unknown);
        for (id, index) in [("c", 2), ("a", 0), ("b", 1)] {
            settle(&mut names, id, index, id == "a", 2);
        }
        assert_eq!(names.find_before("c", 3), Dependency::Forgotten);
        assert_eq!(names.find_before("a", 3), Dependency::Succeeded);
        assert_eq!(names.find_before("b", 3), Dependency::Failed);
        assert_eq!(names.find_before("x", 3), Dependency::Forgotten);
    }

    #[test]
    fn a_group_that_settled_and_has_grown_since_is_not_forgotten() {
        let mut names = Names::default();
        names.add_member("g", slot(0)).unwrap();
        settle(&mut names, "g", 0, true, 1);
        names.add_member("g", slot(1)).unwrap();
        let unsettled = || Dependency::Unsettled {
            slot: slot(1),
            is_group: true,
        };
        // Its last member has not settled.
        assert_eq!(names.find_before("g", 2), unsettled());
        add_id(&mut names, "a", 2);
        settle(&mut names, "a", 2, true, 1);
        assert_eq!(names.find_before("g", 3), unsettled());
        settle(&mut names, "g", 1, true, 1);
        assert_eq!(names.find_before("g", 3), Dependency::Succeeded);
        assert_eq!(names.find_before("a", 3), Dependency::Forgotten);
    }
}
