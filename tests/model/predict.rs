//! What must become of a batch.

use std::collections::BTreeSet;

use super::batch::{Batch, Item, Ready, Wire};
use super::requests::{Dispatched, dispatched};
use super::responses::{Outcome, outcome};

/// What must become of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Prediction {
    /// The items that are accepted, in order.
    pub(crate) items: Vec<Predicted>,
    /// The codes that the refusal may have, or the error that ends a stream. Empty if there is
    /// none.
    pub(crate) refusal: BTreeSet<&'static str>,
}

/// What must become of an item.
#[derive(Clone, Debug)]
pub(crate) struct Predicted {
    pub(crate) dispatched: Option<Dispatched>,
    pub(crate) outcome: Outcome,
}

/// What must become of a batch.
pub(crate) fn predict(batch: &Batch) -> Prediction {
    let (accepted, refusal) = match batch.wire {
        Wire::Stream => accepted_of_stream(batch),
        _ => accepted_of_whole(batch),
    };
    Prediction {
        items: run(batch, accepted),
        refusal,
    }
}

/// A whole envelope is refused if any item has an error. Which error is found first is not said.
fn accepted_of_whole(batch: &Batch) -> (&[Item], BTreeSet<&'static str>) {
    let every = 0..batch.items.len();
    let refusal: BTreeSet<_> = every.flat_map(|index| errors(batch, index)).collect();
    let accepted = if refusal.is_empty() {
        &batch.items[..]
    } else {
        &[]
    };
    (accepted, refusal)
}

/// A stream runs the items before the first error.
fn accepted_of_stream(batch: &Batch) -> (&[Item], BTreeSet<&'static str>) {
    for index in 0..batch.items.len() {
        let errors: BTreeSet<_> = errors(batch, index).into_iter().collect();
        if !errors.is_empty() {
            return (&batch.items[..index], errors);
        }
    }
    (&batch.items, BTreeSet::new())
}

/// The errors of an item that refuse its batch. Each is about this item and those before it.
pub(crate) fn errors(batch: &Batch, index: usize) -> Vec<&'static str> {
    let (earlier, item) = (&batch.items[..index], &batch.items[index]);
    let mut errors = Vec::new();
    if index >= batch.settings.max_items {
        errors.push("too-many-items");
    }
    let is_id = (1..=256).contains(&item.id.len()) && !item.id.chars().any(char::is_control);
    if !is_id {
        errors.push("malformed");
    }
    let has_name = |known: &Item| known.id == item.id || known.group.as_ref() == Some(&item.id);
    if earlier.iter().any(has_name) || item.group.as_ref() == Some(&item.id) {
        errors.push("duplicate-id");
    }
    if let Some(group) = &item.group {
        if !batch.settings.runs_groups {
            errors.push("unsupported-atomicity");
        }
        if earlier.iter().any(|known| known.id == *group) {
            errors.push("duplicate-id");
        }
        let is_member = |known: &Item| known.group.as_ref() == Some(group);
        if earlier.iter().any(is_member) && !earlier.last().is_some_and(is_member) {
            errors.push("malformed");
        }
    }
    for on in &item.on {
        let is_item = earlier.iter().any(|known| known.id == *on);
        // A group is complete when an item follows that is not in it.
        let is_own_group = item.group.as_ref() == Some(on);
        let is_group = earlier.iter().any(|known| known.group.as_ref() == Some(on));
        if !is_item && (!is_group || is_own_group) {
            errors.push("unknown-dependency");
        }
    }
    errors
}

fn run(batch: &Batch, items: &[Item]) -> Vec<Predicted> {
    let mut predicted: Vec<Predicted> = Vec::new();
    let mut readiness = batch.readiness.iter().copied();
    let mut ready = Ready::Now;
    let mut has_failed = false;
    for (index, item) in items.iter().enumerate() {
        let dispatched = if is_lost(items, &predicted, index) {
            Err((424, "failed-dependency"))
        } else if has_failed && !batch.settings.continues {
            Err((424, "stopped"))
        } else {
            dispatched(batch, item)
        };
        let one = match dispatched {
            Err(failure) => Predicted {
                dispatched: None,
                outcome: Outcome::Failure(failure),
            },
            Ok(dispatched) => {
                ready = readiness.next().unwrap_or(ready);
                let (is_called, outcome) = outcome(item, ready, batch.settings.is_minimal);
                Predicted {
                    dispatched: is_called.then_some(dispatched),
                    outcome,
                }
            }
        };
        has_failed |= !one.outcome.is_success();
        predicted.push(one);
    }
    predicted
}

/// Whether something that the item waits for has not succeeded: an item, each item of a group, or
/// the item before it in its own group.
fn is_lost(items: &[Item], predicted: &[Predicted], index: usize) -> bool {
    let item = &items[index];
    let earlier = items[..index].iter().zip(predicted);
    let mut failed = earlier.filter(|(_, predicted)| !predicted.outcome.is_success());
    failed.any(|(known, _)| {
        let is_named = |name: &String| item.on.contains(name);
        let is_awaited = is_named(&known.id) || known.group.as_ref().is_some_and(is_named);
        is_awaited || known.group.is_some() && known.group == item.group
    })
}
