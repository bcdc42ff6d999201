//! Random batches: what remains is what the groups and items with successful responses have done.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use tower::{Layer, ServiceExt};

use super::{Fault, Store, member, post, service};
use crate::support::{end, requests, run};

const KINDS: [&str; 9] = [
    "add", "add", "add", "add", "yield", "yield", "fail", "panic", "hang",
];

const FAULTS: [Fault; 12] = [
    Fault::None,
    Fault::None,
    Fault::BeginFails,
    Fault::BeginPanics,
    Fault::BeginHangs,
    Fault::CommitFails,
    Fault::CommitConflicts,
    Fault::CommitUnknown,
    Fault::CommitPanics,
    Fault::CommitHangs,
    Fault::RollbackHangs,
    Fault::RollbackPanics,
];

/// The kind of an item, whether it is in the group before it, in a new one, or in none, and which
/// earlier item or group it depends on.
type Item = (usize, u8, Option<usize>);

fn to_json(items: &[Item]) -> Vec<serde_json::Value> {
    let mut groups: Vec<Option<String>> = Vec::new();
    let mut result = Vec::new();
    for (at, (kind, place, on)) in items.iter().enumerate() {
        let url = format!("/{}/{at}", KINDS[kind % KINDS.len()]);
        let group = match place {
            0..3 => None,
            3 => Some(format!("g{at}")),
            _ => groups.last().cloned().flatten(),
        };
        let mut item = match &group {
            Some(group) => member(group, &url),
            None => post(&url),
        };
        item["id"] = json!(at.to_string());
        if let Some(back) = on
            && let Some(on) = at.checked_sub(back + 1)
        {
            let name = match &groups[on] {
                Some(other) if Some(other) == group.as_ref() => on.to_string(),
                Some(other) => other.clone(),
                None => on.to_string(),
            };
            item["dependsOn"] = json!([name]);
        }
        groups.push(group);
        result.push(item);
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_effects_that_remain_are_those_of_what_succeeded(
        items in proptest::collection::vec(
            (0..9_usize, 0..8_u8, proptest::option::weighted(0.3, 0..5_usize)), 1..30),
        faults in proptest::collection::vec(0..FAULTS.len(), 0..8),
        concurrency in 1..9_usize,
        flags in 0..8_u8,
        leaves_after in proptest::option::weighted(0.2, 0..30_u64),
    ) {
        let faults: Vec<_> = faults.iter().map(|at| FAULTS[*at]).collect();
        let store = Store::with(&faults);
        let change_sets = store
            .change_sets()
            .concurrent_items(flags & 1 > 0)
            .whole_batch(flags & 6 == 6);
        let layer = store
            .layer()
            .change_sets(change_sets)
            .concurrency(concurrency)
            .item_timeout(Duration::from_millis(10))
            .batch_timeout(Duration::from_millis(if flags & 2 > 0 { 25 } else { 10_000 }));
        let mut items = to_json(&items);
        if flags & 6 == 6 {
            // Nothing can depend on a group then.
            for item in &mut items {
                item.as_object_mut().expect("an object").remove("dependsOn");
            }
        }
        let count = items.len();
        let succeeded = run(async {
            tokio::time::pause();
            let service = layer.layer(service(&store));
            if let Some(milliseconds) = leaves_after {
                let batch = service.oneshot(requests(json!(items)));
                let left = tokio::time::timeout(Duration::from_millis(milliseconds), batch).await;
                return left.err().map(|_| None);
            }
            let reply = end(service, json!(items)).await;
            let items = reply.items();
            assert_eq!(items.len(), count);
            let succeeded = items.iter().filter(|item| item["status"] == 201);
            let mut names: Vec<_> = succeeded
                .map(|item| item["id"].as_str().expect("an id").to_owned())
                .collect();
            names.sort();
            Some(Some(names))
        });
        prop_assert_eq!(store.open(), 0);
        if let Some(Some(names)) = succeeded {
            prop_assert_eq!(store.names(), names);
        }
    }
}
