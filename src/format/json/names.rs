//! Member names that an object has had.

use std::borrow::Cow;
use std::collections::HashSet;

use super::scan::Invalid;

const FEW: usize = 8;

/// Finds duplicates, escaped or not, in linear time; without allocating for a few plain names.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    few: [&'a str; FEW],
    count: usize,
    more: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// Notes a name; a duplicate is an error.
    pub(super) fn insert(&mut self, name: Cow<'a, str>) -> Result<(), Invalid> {
        let is_known = self
            .few
            .iter()
            .take(self.count)
            .any(|known| **known == *name);
        if is_known || (!self.more.is_empty() && self.more.contains(&name)) {
            return Err(Invalid);
        }
        match (name, self.few.get_mut(self.count)) {
            (Cow::Borrowed(name), Some(free)) => {
                *free = name;
                self.count += 1;
            }
            (name, _) => {
                self.more.insert(name);
            }
        }
        Ok(())
    }
}
