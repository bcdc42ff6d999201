//! A batch of groups that dice make, with faults of their transactions: what remains is what the
//! groups and items with successful responses have done, and no transaction stays open.

use std::time::Duration;

use serde_json::{Value, json};
use tower::Layer;

use super::store::{Fault, Store, service};
use crate::model::Dice;
use crate::model::exchange::{post, run, send};
use crate::model::read::responses;

const FAULTS: [Fault; 14] = [
    Fault::None,
    Fault::None,
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

/// What an item does: the first segment of its path.
const KINDS: [&str; 9] = [
    "add", "add", "add", "yield", "slow", "big", "fail", "panic", "hang",
];

/// Runs the batch of these dice. Panics if it breaks the promise of transactions.
pub(crate) fn check(mut dice: Dice<'_>) {
    let dice = &mut dice;
    let faults: Vec<_> = (0..dice.below(6)).map(|_| dice.pick(&FAULTS)).collect();
    let store = Store::with(&faults);
    let is_whole = dice.one_in(8);
    let change_sets = store
        .change_sets()
        .concurrent_items(dice.one_in(2))
        .whole_batch(is_whole);
    let layer = store
        .layer()
        .change_sets(change_sets)
        .concurrency(1 + dice.below(8))
        .continue_on_error(!dice.one_in(4))
        .max_total_response_bytes(dice.pick(&[1 << 20, 1 << 20, 1500]))
        .item_timeout(Duration::from_secs(1))
        .batch_timeout(Duration::from_millis(dice.pick(&[3_000_000, 1500, 10])));
    let patience = dice.pick(&[None, None, None, Some(0), Some(50), Some(1200)]);
    let items = items(dice, is_whole);
    let envelope = json!({ "requests": items }).to_string();
    let headers = [("content-type", &b"application/json"[..])];
    let request = post("/batch", &headers, vec![envelope.into()]);
    let exchange = run(async {
        let exchange = send(layer.layer(service(&store)), request);
        match patience {
            None => Some(exchange.await),
            Some(patience) => {
                let patience = Duration::from_millis(patience);
                tokio::time::timeout(patience, exchange).await.ok()
            }
        }
    });
    assert_eq!(store.open(), 0, "a transaction is open");
    assert!(store.rolled_back() <= store.begun());
    // A client that has left knows nothing.
    let Some(exchange) = exchange else {
        return;
    };
    let responses = responses(&exchange);
    assert_eq!(responses.len(), items.len());
    let names = store.names();
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    for ((item, response), status) in items.iter().zip(&responses).zip(&statuses) {
        assert_eq!(item["id"].as_str(), response.id.as_deref());
        let group = &item["atomicityGroup"];
        let in_group = is_whole || group.is_string();
        let is_there = names.iter().any(|name| Some(name) == response.id.as_ref());
        // What an item outside a group has done remains, even if its response does not fit.
        let is_lost = *status == 507 && !in_group;
        assert!(
            is_there == (*status == 201) || is_lost,
            "{names:?} {response:?}"
        );
        for (other, its) in items.iter().zip(&statuses) {
            if is_whole || group.is_string() && *group == other["atomicityGroup"] {
                assert_eq!(*status == 201, *its == 201, "a group is torn");
            }
        }
    }
}

/// Items with ids that are numbers, and the same numbers as names. Groups and dependencies are
/// valid.
fn items(dice: &mut Dice<'_>, is_whole: bool) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    for at in 0..1 + dice.below(30) {
        let url = format!("/{}/{at}", dice.pick(&KINDS));
        let mut item = json!({ "id": at.to_string(), "method": "POST", "url": url });
        if is_whole {
            // Nothing can depend on a part of the group then.
            items.push(item);
            continue;
        }
        match dice.below(4) {
            2 => item["atomicityGroup"] = json!(format!("g{at}")),
            3 if at > 0 => item["atomicityGroup"] = items[at - 1]["atomicityGroup"].clone(),
            _ => {}
        }
        if at > 0 && dice.one_in(3) {
            let other = &items[dice.below(at)];
            let is_own = other["atomicityGroup"] == item["atomicityGroup"];
            let on = match &other["atomicityGroup"] {
                Value::String(group) if !is_own => group.clone(),
                _ => other["id"].as_str().expect("an id").to_owned(),
            };
            item["dependsOn"] = json!([on]);
        }
        items.push(item);
    }
    items
}
