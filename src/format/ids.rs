//! Ids for items that have none, and for change sets.

use std::collections::HashSet;

use bytestring::ByteString;

use crate::subrequest::Subrequest;

/// The id of an item that has none in the envelope: its position, counted from 1.
pub(super) fn of_item(index: usize) -> ByteString {
    (index + 1).to_string().into()
}

/// The id of the change set with this boundary, the nth of the batch.
#[cfg(feature = "multipart")]
pub(super) fn of_change_set(boundary: &str, nth: usize) -> ByteString {
    format!("{boundary}#{nth}").into()
}

/// Changes generated ids that are also ids of the client. Called when all ids are known. The ids of
/// groups are all generated.
///
/// Generated ids stay distinct from each other: a change only appends a dot and a number.
pub(super) fn avoid_collisions(
    items: &mut [Subrequest],
    is_generated: impl Fn(usize, &Subrequest) -> bool,
) {
    let all = || items.iter().enumerate();
    if !all().any(|(index, item)| is_generated(index, item) || item.group().is_some()) {
        return;
    }
    let of_client = all().filter(|(index, item)| !is_generated(*index, item));
    let of_client: HashSet<_> = of_client.map(|(_, item)| item.id.clone()).collect();
    if of_client.is_empty() {
        return;
    }
    for (index, item) in items.iter_mut().enumerate() {
        if is_generated(index, item) {
            avoid_collision(&mut item.id, &of_client);
        }
        let extras = item.extras.as_mut();
        if let Some(group) = extras.and_then(|extras| extras.group.as_mut()) {
            avoid_collision(group, &of_client);
        }
    }
}

fn avoid_collision(id: &mut ByteString, of_client: &HashSet<ByteString>) {
    if of_client.contains(id) {
        let others = (1_usize..).map(|n| ByteString::from(format!("{id}.{n}")));
        if let Some(free) = others.into_iter().find(|other| !of_client.contains(other)) {
            *id = free;
        }
    }
}
