//! The names of an object's members, each of which may occur once.

use std::borrow::{Borrow, Cow};
use std::collections::HashSet;
use std::hash::Hash;

const FEW: usize = 8;

/// Finds duplicate names, escaped or not, in linear time. A few names without escapes allocate
/// nothing.
#[derive(Debug, Default)]
pub(in crate::format) struct UniqueNames<'a> {
    few: [&'a [u8]; FEW],
    count: usize,
    /// Names without escapes are kept apart from `escaped`, because owning a name of one or two
    /// bytes takes more than ten times its size.
    more: Option<HashSet<&'a [u8]>>,
    escaped: Option<HashSet<Vec<u8>>>,
}

impl<'a> UniqueNames<'a> {
    /// Adds a name. Returns whether it is new.
    pub(in crate::format) fn insert(&mut self, name: Cow<'a, [u8]>) -> bool {
        let mut few = self.few.iter().take(self.count);
        let is_among_few = few.any(|known| **known == *name);
        let is_new = match (name, self.few.get_mut(self.count)) {
            (Cow::Borrowed(name), Some(free)) => {
                *free = name;
                self.count += 1;
                !has(&self.escaped, name)
            }
            (Cow::Borrowed(name), None) => {
                !has(&self.escaped, name) && self.more.get_or_insert_default().insert(name)
            }
            (Cow::Owned(name), _) => {
                !has(&self.more, &name) && self.escaped.get_or_insert_default().insert(name)
            }
        };
        is_new && !is_among_few
    }
}

fn has<T: Borrow<[u8]> + Eq + Hash>(names: &Option<HashSet<T>>, name: &[u8]) -> bool {
    names.as_ref().is_some_and(|names| names.contains(name))
}
