//! The ids of items and the names of groups of a whole envelope, for look-up.

use super::Slot;
use super::names::Dependency;
use crate::error::{Error, ErrorKind};
use crate::subrequest::Subrequest;

/// Whether the ids are in ascending order, and therefore unique. Most clients number their items.
pub(super) fn are_ascending(items: &[Subrequest]) -> bool {
    let ids = items.iter().map(|item| (item.id().len(), item.id()));
    ids.is_sorted_by(|one, other| one < other)
}

/// A name with its length and its first bytes in front, which suffice to compare most names.
type Key<'a> = (u64, &'a str);

fn key(name: &str) -> Key<'_> {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let mut prefix = [0; 8];
    let bytes = std::iter::once(length).chain(name.bytes());
    for (position, byte) in prefix.iter_mut().zip(bytes) {
        *position = byte;
    }
    (u64::from_be_bytes(prefix), name)
}

/// The ids of an envelope, sorted for look-up. Shorter ids come first, so that ascending numbers
/// are in order already. It is no hash table, because most envelopes need not even be sorted.
#[derive(Debug)]
pub(super) struct Ids<'a>(Vec<(Key<'a>, usize)>);

impl<'a> Ids<'a> {
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateId`].
    pub(super) fn new(items: &'a [Subrequest]) -> Result<Self, Error> {
        let mut ids: Vec<_> = items.iter().map(|item| key(item.id())).zip(0..).collect();
        if !ids.is_sorted() {
            ids.sort_unstable();
        }
        let mut pairs = ids.iter().zip(ids.iter().skip(1));
        match pairs.find(|((one, _), (other, _))| one == other) {
            None => Ok(Self(ids)),
            Some((_, (_, second))) => Err(Error::new(ErrorKind::DuplicateId).at_item(*second)),
        }
    }

    /// Returns the index of the item with this id.
    fn index(&self, name: &str) -> Option<usize> {
        let found = self.0.binary_search_by_key(&key(name), |(name, _)| *name);
        let (_, index) = self.0.get(found.ok()?)?;
        Some(*index)
    }
}

/// An atomicity group: its name, and the indices of its first and last member.
type Group<'a> = (Key<'a>, usize, usize);

/// The names of a whole envelope.
#[derive(Debug)]
pub(super) struct WholeNames<'a> {
    ids: Ids<'a>,
    /// Sorted by name.
    groups: Vec<Group<'a>>,
}

impl<'a> WholeNames<'a> {
    pub(super) fn new(items: &'a [Subrequest], allows_groups: bool) -> Result<Self, Error> {
        let ids = Ids::new(items)?;
        let mut groups: Vec<Group<'a>> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let Some(name) = item.group() else {
                continue;
            };
            let refused = |kind| Err(Error::new(kind).at_item(index));
            if !allows_groups {
                return refused(ErrorKind::UnsupportedAtomicity);
            }
            match groups.last_mut() {
                Some(((_, open), _, last)) if *open == name && *last + 1 == index => *last = index,
                _ if ids.index(name).is_some() => return refused(ErrorKind::DuplicateId),
                _ => groups.push((key(name), index, index)),
            }
        }
        groups.sort_unstable();
        let mut pairs = groups.iter().zip(groups.iter().skip(1));
        match pairs.find(|((one, ..), (other, ..))| one == other) {
            None => Ok(Self { ids, groups }),
            Some((_, (_, again, _))) => {
                let detail = "the items of a group are not adjacent";
                Err(Error::malformed(detail).at_item(*again))
            }
        }
    }

    /// Returns the first and the last index of each group, in the order of the envelope.
    pub(super) fn ranges(&self) -> Vec<(usize, usize)> {
        let ranges = self.groups.iter();
        let mut ranges: Vec<_> = ranges.map(|(_, first, last)| (*first, *last)).collect();
        ranges.sort_unstable();
        ranges
    }

    /// Looks for an item or a group that is complete before this index.
    pub(super) fn find_before(&self, name: &str, index: usize) -> Dependency {
        let id = self.ids.index(name).filter(|found| *found < index);
        let found = id.or_else(|| self.last_of_group(name).filter(|found| *found < index));
        match found {
            Some(found) => Dependency::Unsettled {
                slot: Slot::whole(found),
                is_group: id.is_none(),
            },
            None => Dependency::Unknown,
        }
    }

    fn last_of_group(&self, name: &str) -> Option<usize> {
        let groups = &self.groups;
        let found = groups.binary_search_by_key(&key(name), |(group, ..)| *group);
        let (_, _, last) = groups.get(found.ok()?)?;
        Some(*last)
    }
}
