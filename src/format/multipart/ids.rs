//! Names for items and change sets that brought none.

use std::collections::HashSet;

use bytestring::ByteString;

use crate::subrequest::Subrequest;

/// What an item is called that has no `Content-ID`: its position, counted from 1.
pub(super) fn of_item(index: usize) -> ByteString {
    (index + 1).to_string().into()
}

/// What the change set with this boundary is called, the nth of the batch.
pub(super) fn of_change_set(boundary: &str, nth: usize) -> ByteString {
    format!("{boundary}#{nth}").into()
}

/// Once all ids are known, changes the names that were made up and that somebody has brought too.
/// They do not collide with each other: a dot follows on what made them differ.
pub(super) fn settle(found: &mut [Subrequest]) {
    let is_made_up = |item: &Subrequest| item.label().is_none() || item.group().is_some();
    let is_brought = |item: &&Subrequest| item.label().is_some();
    if !found.iter().any(is_made_up) || !found.iter().any(|item| is_brought(&item)) {
        return;
    }
    let brought = found.iter().filter(is_brought);
    let brought: HashSet<_> = brought.map(|item| item.id.clone()).collect();
    for item in found {
        if item.label().is_none() {
            settle_one(&mut item.id, &brought);
        }
        let extras = item.extras.as_mut();
        if let Some(group) = extras.and_then(|extras| extras.group.as_mut()) {
            settle_one(group, &brought);
        }
    }
}

fn settle_one(name: &mut ByteString, brought: &HashSet<ByteString>) {
    if brought.contains(name) {
        let others = (1_usize..).map(|n| ByteString::from(format!("{name}.{n}")));
        if let Some(free) = others.into_iter().find(|other| !brought.contains(other)) {
            *name = free;
        }
    }
}
