//! Names by which items depend on each other, in shapes that have them in place of ids.

use std::collections::HashMap;

use bytestring::ByteString;

use crate::error::Error;

/// The items that have a name, for those that depend on it. `None` if two items have it.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Option<ByteString>>);

impl Names {
    pub(super) fn add(&mut self, name: String, id: &ByteString) {
        let id = Some(id.clone());
        let entry = self.0.entry(name);
        entry.and_modify(|known| *known = None).or_insert(id);
    }

    /// The id of the item with this name. Without such an item, it is an id.
    pub(super) fn id_of<'a>(&'a self, name: &'a str) -> Result<&'a str, Error> {
        match self.0.get(name) {
            Some(Some(id)) => Ok(id),
            Some(None) => Err(Error::malformed(
                "an item depends on a name that two items have",
            )),
            None => Ok(name),
        }
    }
}
