//! What `on_response` is told of items in transactions.

use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use super::Told;
use crate::support::end;
use crate::transactions::{Fault, Store, member, post, service};

/// Runs these items with this fault of the first transaction.
async fn told_of(fault: Fault, is_concurrent: bool, items: Value) -> Vec<String> {
    let told = Told::default();
    let store = Store::with(&[fault]);
    let change_sets = store.change_sets().concurrent_items(is_concurrent);
    let layer = told.observe(BatchLayer::new("/batch").change_sets(change_sets));
    end(layer.layer(service(&store)), items).await;
    told.take()
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_commit_is_no_time_of_the_items() {
    let items = json!([
        member("g", "/slow/a"),
        member("g", "/add/b"),
        post("/add/c")
    ]);
    let expected = [
        "/slow/a 201 - sent [0, 0, 100]",
        "/add/b 201 - sent [100, 0, 0]",
        "/add/c 201 - sent [0, 0, 0]",
        "ended 207 - 3 items, 0 failed, 100 ms",
    ];
    assert_eq!(told_of(Fault::None, false, items.clone()).await, expected);
    assert_eq!(
        told_of(Fault::CommitHangs, false, items).await,
        [
            "/slow/a 500 unknown-outcome sent [0, 0, 100]",
            "/add/b 500 unknown-outcome sent [100, 0, 0]",
            "/add/c 201 - sent [0, 0, 0]",
            "ended 207 - 3 items, 2 failed, 10100 ms",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn each_item_of_a_group_that_fails_is_told_once() {
    let mut after = member("g", "/add/after");
    after["dependsOn"] = json!(["/slow/a"]);
    let items = json!([
        member("g", "/hang/x"),
        member("g", "/slow/a"),
        member("g", "/fail/b"),
        after,
    ]);
    assert_eq!(
        told_of(Fault::RollbackHangs, true, items).await,
        [
            "/hang/x 424 rolled-back sent [0, 0, 0]",
            "/slow/a 424 rolled-back sent [0, 0, 0]",
            "/fail/b 409 - sent [0, 0, 0]",
            "/add/after 424 rolled-back not sent [10000, 0, 0]",
            "ended 207 - 4 items, 4 failed, 10000 ms",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn items_of_a_transaction_that_does_not_begin_were_not_dispatched() {
    let items = json!([member("g", "/add/a"), member("g", "/add/b")]);
    assert_eq!(
        told_of(Fault::BeginHangs, false, items).await,
        [
            "/add/a 504 item-timeout not sent [0, 10000, 0]",
            "/add/b 424 rolled-back not sent [10000, 0, 0]",
            "ended 207 - 2 items, 2 failed, 10000 ms",
        ]
    );
}
