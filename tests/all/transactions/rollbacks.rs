//! Groups of which an item fails: nothing of them remains.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tower::{Layer, ServiceExt};
use tower_multistatus::BatchLayer;

use super::{Fault, Store, member, post, results, service};
use crate::support::{end, requests};

#[tokio::test(start_paused = true)]
async fn a_group_whose_items_all_succeed_is_committed() {
    let store = Store::default();
    let items = json!([
        member("g", "/add/a"),
        member("g", "/slow/b"),
        post("/add/c")
    ]);
    let reply = end(store.layer().layer(service(&store)), items).await;
    assert_eq!(
        results(&reply.items()),
        ["/add/a 201", "/slow/b 201", "/add/c 201"]
    );
    assert_eq!(store.names(), ["a", "b", "c"]);
    assert_eq!(
        (store.begun(), store.rolled_back(), store.open()),
        (1, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn of_a_group_with_an_item_that_fails_nothing_remains() {
    for (kind, result) in [
        ("fail", "409"),
        ("panic", "500 panicked"),
        ("hang", "504 item-timeout"),
    ] {
        for position in 0..10 {
            let store = Store::default();
            let urls: Vec<_> = (0..10)
                .map(|at| format!("/{}/{at}", if at == position { kind } else { "add" }))
                .collect();
            let mut items: Vec<_> = urls.iter().map(|url| member("g", url)).collect();
            items.push(post("/add/single"));
            items.push(member("other", "/add/other"));
            let reply = end(store.layer().layer(service(&store)), json!(items)).await;
            let mut expected: Vec<_> = urls
                .iter()
                .enumerate()
                .map(|(at, url)| match at == position {
                    true => format!("{url} {result}"),
                    false => format!("{url} 424 rolled-back"),
                })
                .collect();
            expected.extend(["/add/single 201".to_owned(), "/add/other 201".to_owned()]);
            assert_eq!(results(&reply.items()), expected, "{kind} at {position}");
            assert_eq!(store.names(), ["other", "single"]);
            assert_eq!(
                (store.begun(), store.rolled_back(), store.open()),
                (2, 1, 0)
            );
        }
    }
}

/// The items of a group that fails are cancelled, and those that go on are moved. What wakes them
/// afterwards must still reach them.
#[tokio::test(start_paused = true)]
async fn an_item_beside_a_group_that_is_cancelled_ends_when_it_is_woken() {
    let store = Store::default();
    let change_sets = store.change_sets().concurrent_items(true);
    let layer = BatchLayer::new("/batch").change_sets(change_sets);
    let items = json!([
        post("/slow/single"),
        member("g", "/hang/a"),
        member("g", "/fail/b")
    ]);
    let begun = Instant::now();
    let reply = end(layer.layer(service(&store)), items).await;
    let expected = ["/slow/single 201", "/hang/a 424 rolled-back", "/fail/b 409"];
    assert_eq!(results(&reply.items()), expected);
    assert!(begun.elapsed() < Duration::from_millis(110));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_fails_its_checks_fails_its_group() {
    let store = Store::default();
    let invalid = json!({ "id": "x", "method": "POST", "url": "//x", "atomicityGroup": "g" });
    let items = json!([member("g", "/add/a"), invalid, member("g", "/add/b")]);
    let reply = end(store.layer().layer(service(&store)), items).await;
    let expected = [
        "/add/a 424 rolled-back",
        "x 400 bad-target",
        "/add/b 424 rolled-back",
    ];
    assert_eq!(results(&reply.items()), expected);
    assert_eq!((store.names().len(), store.open()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_does_not_begin_fails_its_group() {
    for (fault, result) in [
        (Fault::BeginFails, "503 begin-failed"),
        (Fault::BeginPanics, "500 panicked"),
        (Fault::BeginHangs, "504 item-timeout"),
    ] {
        for concurrent in [false, true] {
            let store = Store::with(&[fault]);
            let change_sets = store.change_sets().concurrent_items(concurrent);
            let layer = store.layer().change_sets(change_sets);
            let mut after = member("g", "/add/after");
            after["dependsOn"] = json!(["/add/b"]);
            let items = json!([
                member("g", "/add/a"),
                member("g", "/add/b"),
                after,
                post("/add/c")
            ]);
            let reply = end(layer.layer(service(&store)), items).await;
            let expected = [
                format!("/add/a {result}"),
                "/add/b 424 rolled-back".to_owned(),
                "/add/after 424 rolled-back".to_owned(),
                "/add/c 201".to_owned(),
            ];
            assert_eq!(results(&reply.items()), expected, "{fault:?} {concurrent}");
            assert_eq!((store.names(), store.open()), (vec!["c".to_owned()], 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_panics_or_hangs_ends_with_the_drop_of_the_transaction() {
    // A rollback that hangs ends by the item timeout.
    for (fault, seconds) in [(Fault::RollbackPanics, 0), (Fault::RollbackHangs, 10)] {
        let store = Store::with(&[fault]);
        let items = json!([member("g", "/add/a"), member("g", "/fail/b")]);
        let begun = tokio::time::Instant::now();
        let reply = end(store.layer().layer(service(&store)), items).await;
        assert_eq!(begun.elapsed().as_secs(), seconds, "{fault:?}");
        let expected = ["/add/a 424 rolled-back", "/fail/b 409"];
        assert_eq!(results(&reply.items()), expected, "{fault:?}");
        assert_eq!((store.names().len(), store.open()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_batch_drops_the_transaction() {
    let store = Store::default();
    let layer = store
        .layer()
        .item_timeout(None)
        .batch_timeout(Duration::from_secs(5));
    let items = json!([
        member("g", "/add/a"),
        member("g", "/hang/b"),
        member("g", "/add/c")
    ]);
    let reply = end(layer.layer(service(&store)), items).await;
    let expected = [
        "/add/a 424 rolled-back",
        "/hang/b 504 deadline",
        "/add/c 424 rolled-back",
    ];
    assert_eq!(results(&reply.items()), expected);
    assert_eq!((store.names().len(), store.open()), (0, 0));
    assert_eq!(store.rolled_back(), 0, "nothing waits for a rollback");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_drops_the_transaction() {
    for milliseconds in [0, 50, 150, 250] {
        let store = Store::default();
        let items = json!([
            member("g", "/slow/a"),
            member("g", "/slow/b"),
            member("g", "/hang/c"),
        ]);
        let batch = store
            .layer()
            .layer(service(&store))
            .oneshot(requests(items));
        let left = tokio::time::timeout(Duration::from_millis(milliseconds), batch).await;
        assert!(left.is_err(), "the batch has not ended");
        assert_eq!(
            (store.names().len(), store.open()),
            (0, 0),
            "{milliseconds}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn items_that_run_at_the_same_time_are_dropped_when_one_fails() {
    let store = Store::default();
    let change_sets = store.change_sets().concurrent_items(true);
    let layer = store.layer().change_sets(change_sets).concurrency(3);
    let mut items: Vec<Value> = (0..5)
        .map(|at| member("g", &format!("/slow/{at}")))
        .collect();
    items.insert(1, member("g", "/fail/x"));
    items.push(post("/add/y"));
    let begun = tokio::time::Instant::now();
    let reply = end(layer.layer(service(&store)), json!(items)).await;
    let mut expected: Vec<_> = (0..5)
        .map(|at| format!("/slow/{at} 424 rolled-back"))
        .collect();
    expected.insert(1, "/fail/x 409".to_owned());
    expected.push("/add/y 201".to_owned());
    assert_eq!(results(&reply.items()), expected);
    assert_eq!((store.names(), store.open()), (vec!["y".to_owned()], 0));
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "a slow item was awaited"
    );
}

#[tokio::test(start_paused = true)]
async fn items_run_at_the_same_time_only_where_that_is_allowed() {
    for (concurrent, concurrency, milliseconds) in [
        (false, 8, 500),
        (true, 8, 100),
        (true, 2, 300),
        (true, 1, 500),
    ] {
        let store = Store::default();
        let change_sets = store.change_sets().concurrent_items(concurrent);
        let layer = store.layer().change_sets(change_sets);
        let layer = layer.concurrency(concurrency);
        let items: Vec<Value> = (0..5)
            .map(|at| member("g", &format!("/slow/{at}")))
            .collect();
        let begun = tokio::time::Instant::now();
        let reply = end(layer.layer(service(&store)), json!(items)).await;
        assert_eq!(reply.statuses(), [201; 5]);
        assert_eq!(begun.elapsed().as_millis(), milliseconds);
        assert_eq!((store.names().len(), store.open()), (5, 0));
    }
}
