//! Look-up of items and groups by id.

use crate::error::{Error, ErrorKind};
use crate::policy::ChangeSets;
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

/// The ids of a batch, sorted for look-up. Shorter ids come first, so that ascending numbers are in
/// order already. It is no hash map, because most batches need not even be sorted.
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
    fn position(&self, name: &str) -> Option<usize> {
        let found = self.0.binary_search_by_key(&key(name), |(name, _)| *name);
        let (_, position) = self.0.get(found.ok()?)?;
        Some(*position)
    }

    /// Returns the index of the item with this id, if it is less than `index`.
    pub(super) fn find_before(&self, name: &str, index: usize) -> Option<usize> {
        self.position(name).filter(|position| *position < index)
    }
}

/// An atomicity group: its name, and the indices of its first and last member.
type Group<'a> = (Key<'a>, usize, usize);

/// The atomicity groups of a batch, sorted for look-up.
#[derive(Debug)]
pub(super) struct Groups<'a>(Vec<Group<'a>>);

impl<'a> Groups<'a> {
    pub(super) fn new(
        items: &'a [Subrequest],
        ids: &Ids<'_>,
        change_sets: ChangeSets,
    ) -> Result<Self, Error> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let Some(name) = item.group() else {
                continue;
            };
            let refused = |kind| Err(Error::new(kind).at_item(index));
            if change_sets != ChangeSets::BEST_EFFORT {
                return refused(ErrorKind::UnsupportedAtomicity);
            }
            match groups.last_mut() {
                Some(((_, open), _, last)) if *open == name && *last + 1 == index => *last = index,
                _ if ids.position(name).is_some() => return refused(ErrorKind::DuplicateId),
                _ => groups.push((key(name), index, index)),
            }
        }
        groups.sort_unstable();
        let mut pairs = groups.iter().zip(groups.iter().skip(1));
        match pairs.find(|((one, ..), (other, ..))| one == other) {
            None => Ok(Self(groups)),
            Some((_, (_, again, _))) => {
                let detail = "the items of a group are not adjacent";
                Err(Error::malformed(detail).at_item(*again))
            }
        }
    }

    /// Returns the index of the last member of each group.
    pub(super) fn last_members(&self) -> Vec<usize> {
        self.0.iter().map(|(_, _, last)| *last).collect()
    }

    /// Returns the index of the last member of the group with this name, if it is less than
    /// `index`.
    pub(super) fn find_before(&self, name: &str, index: usize) -> Option<usize> {
        let found = self
            .0
            .binary_search_by_key(&key(name), |(group, ..)| *group);
        let (_, _, last) = self.0.get(found.ok()?)?;
        Some(*last).filter(|last| *last < index)
    }
}
