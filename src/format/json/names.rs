//! Names that an object has had.

use std::borrow::Cow;
use std::collections::HashSet;

use super::scan::Invalid;

const FEW: usize = 8;

/// Finds duplicates, escaped or not, in linear time; without allocating for a few plain names.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    few: [&'a [u8]; FEW],
    count: usize,
    /// Apart from those with escapes: a name of a byte or two must not take ten times its size.
    more: Option<HashSet<&'a [u8]>>,
    escaped: Option<HashSet<Box<[u8]>>>,
}

impl<'a> Names<'a> {
    /// Notes a name; a duplicate is an error.
    pub(super) fn insert(&mut self, name: Cow<'a, [u8]>) -> Result<(), Invalid> {
        let more = self.more.as_ref();
        let escaped = self.escaped.as_ref();
        let mut few = self.few.iter().take(self.count);
        if few.any(|known| **known == *name)
            || more.is_some_and(|more| more.contains(&*name))
            || escaped.is_some_and(|escaped| escaped.contains(&*name))
        {
            return Err(Invalid);
        }
        match (name, self.few.get_mut(self.count)) {
            (Cow::Borrowed(name), Some(free)) => {
                *free = name;
                self.count += 1;
            }
            (Cow::Borrowed(name), None) => {
                self.more.get_or_insert_default().insert(name);
            }
            (Cow::Owned(name), _) => {
                self.escaped.get_or_insert_default().insert(name.into());
            }
        }
        Ok(())
    }
}
