//! Names that an object has had.

use std::borrow::Cow;
use std::collections::HashSet;

use super::scan::Invalid;
use crate::fault::Fault;
use crate::subrequest::MAX_HEADERS;

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
        if self.few().any(|known| **known == *name)
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

    fn few(&self) -> impl Iterator<Item = &&'a [u8]> {
        self.few.iter().take(self.count)
    }
}

/// The names of an item's headers. Two that differ only in case, or by `_` for `-`, are one header to many a backend.
#[derive(Debug, Default)]
pub(super) struct HeaderNames<'a> {
    names: Names<'a>,
    count: u8,
    /// Folded: all that are not among the few, and some that are.
    folded: Option<HashSet<Vec<u8>>>,
}

impl<'a> HeaderNames<'a> {
    /// Notes a name, and returns what is wrong with it beside those before it; a duplicate is an error.
    pub(super) fn insert(&mut self, name: &Cow<'a, [u8]>) -> Result<Option<Fault>, Invalid> {
        let few = self.names.count;
        let mut is_repeated = self.names.few().any(|known| is_alike(known, name));
        self.names.insert(name.clone())?;
        if self.count == MAX_HEADERS {
            return Ok(Some(Fault::TooManyHeaders));
        }
        self.count += 1;
        // An escaped name may come before the few are full.
        if self.names.count == few || self.folded.is_some() {
            let folded = name.iter().copied().map(fold).collect();
            is_repeated |= !self.folded.get_or_insert_default().insert(folded);
        }
        Ok(is_repeated.then_some(Fault::Header))
    }
}

fn is_alike(name: &[u8], other: &[u8]) -> bool {
    name.len() == other.len()
        && name
            .iter()
            .zip(other)
            .all(|(byte, other)| fold(*byte) == fold(*other))
}

fn fold(byte: u8) -> u8 {
    match byte {
        b'_' => b'-',
        other => other.to_ascii_lowercase(),
    }
}
