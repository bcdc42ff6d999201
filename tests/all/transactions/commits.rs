//! Commits that fail, and batches that are one group.

use serde_json::json;
use tower::Layer;

use super::{Fault, Store, member, post, results, service};
use crate::support::{end, requests, send};

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_fails_all_items_of_the_group() {
    for (fault, result, retry_after) in [
        (Fault::CommitFails, "500 commit-failed", None),
        (Fault::CommitConflicts, "503 conflict", Some("3")),
        (Fault::CommitUnknown, "500 unknown-outcome", None),
        (Fault::CommitPanics, "500 unknown-outcome", None),
        (Fault::CommitHangs, "500 unknown-outcome", None),
    ] {
        let store = Store::with(&[fault]);
        let mut after = post("/add/after");
        after["dependsOn"] = json!(["g"]);
        let items = json!([
            member("g", "/add/a"),
            member("g", "/add/b"),
            after,
            post("/add/c")
        ]);
        let reply = end(store.layer().layer(service(&store)), items).await;
        let expected = [
            format!("/add/a {result}"),
            format!("/add/b {result}"),
            "/add/after 424 failed-dependency".to_owned(),
            "/add/c 201".to_owned(),
        ];
        assert_eq!(results(&reply.items()), expected, "{fault:?}");
        assert_eq!(reply.header("retry-after"), retry_after, "{fault:?}");
        assert_eq!((store.names(), store.open()), (vec!["c".to_owned()], 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_batch_is_one_group() {
    let layer = |store: &Store| {
        store
            .layer()
            .change_sets(store.change_sets().whole_batch(true))
    };
    let store = Store::default();
    let mut b = member("ignored", "/add/b");
    b["dependsOn"] = json!(["/add/a"]);
    let items = json!([post("/add/a"), b, post("/add/c")]);
    let reply = end(layer(&store).layer(service(&store)), items).await;
    assert_eq!(reply.statuses(), [201; 3]);
    assert_eq!((store.names().len(), store.begun()), (3, 1));

    let store = Store::default();
    let items = json!([post("/add/a"), post("/fail/b"), post("/add/c")]);
    let reply = end(layer(&store).layer(service(&store)), items).await;
    let expected = [
        "/add/a 424 rolled-back",
        "/fail/b 409",
        "/add/c 424 rolled-back",
    ];
    assert_eq!(results(&reply.items()), expected);
    assert_eq!(
        (store.names().len(), store.begun(), store.open()),
        (0, 1, 0)
    );
}

#[tokio::test]
async fn a_client_can_make_a_batch_one_group_where_that_is_allowed() {
    for (allowed, preference, applied) in [
        (true, "atomic", Some("atomic")),
        (true, "respond-async, atomic", Some("atomic")),
        (true, "return=representation", None),
        (false, "atomic", None),
    ] {
        let store = Store::default();
        let change_sets = store.change_sets().whole_batch_if_preferred(allowed);
        let layer = store.layer().change_sets(change_sets);
        let mut request = requests(json!([post("/add/a"), post("/fail/b")]));
        let value = preference.parse().expect("a value");
        request.headers_mut().insert("prefer", value);
        let reply = send(layer.layer(service(&store)), request).await;
        assert_eq!(reply.header("preference-applied"), applied, "{preference}");
        let (status, names) = if applied.is_some() {
            (424, 0)
        } else {
            (201, 1)
        };
        assert_eq!(reply.statuses(), [status, 409], "{preference}");
        assert_eq!((store.names().len(), store.open()), (names, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_committed_item_stays_if_its_body_does_not_fit() {
    let store = Store::default();
    let layer = store.layer().max_total_response_bytes(1_600);
    let items = json!([
        member("g", "/big/a"),
        member("g", "/big/b"),
        post("/add/c"),
        member("h", "/add/d"),
    ]);
    let reply = end(layer.layer(service(&store)), items).await;
    let statuses = reply.statuses();
    assert_eq!(statuses[..2], [201, 201]);
    let bodies: Vec<_> = reply
        .items()
        .iter()
        .map(|item| item["body"].is_null())
        .collect();
    assert_eq!(bodies[..2], [false, true]);
    // What has a successful status, and nothing else, is in the table.
    let succeeded = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!((store.names().len(), store.open()), (succeeded, 0));
    assert!(reply.body.len() <= 1_600);
}

#[tokio::test(start_paused = true)]
async fn responses_that_wait_for_a_commit_count_toward_the_total_limit() {
    let store = Store::default();
    let layer = store.layer().max_total_response_bytes(2_000);
    // The last item runs while the response of the first one waits for the end of the group.
    let mut items = json!([
        member("g", "/big/a"),
        member("g", "/slow/b"),
        post("/short/x"),
        post("/big/c"),
    ]);
    items[3]["dependsOn"] = json!(["/short/x"]);
    let reply = end(layer.layer(service(&store)), items).await;
    assert_eq!(reply.statuses(), [201, 201, 201, 507]);
    assert!(reply.item("/big/a")["body"].is_string());
    assert!(reply.body.len() <= 2_000);
}

#[tokio::test(start_paused = true)]
async fn responses_that_wait_for_a_commit_are_bounded_in_a_stream_too() {
    let store = Store::default();
    let layer = store.layer().max_total_response_bytes(2_500);
    let items: Vec<_> = (0..5)
        .map(|at| member("g", &format!("/big/{at}")))
        .collect();
    let mut request = requests(json!(items));
    let accept = "application/x-ndjson".parse().expect("a value");
    request.headers_mut().insert("accept", accept);
    let reply = send(layer.layer(service(&store)), request).await;
    let text = std::str::from_utf8(&reply.body).expect("UTF-8");
    let nulls = text
        .lines()
        .map(|line| line.contains("\"status\":201,\"headers\":{},\"body\":null"));
    assert_eq!(
        nulls.collect::<Vec<_>>(),
        [false, false, true, true, true, false]
    );
    assert_eq!(store.names().len(), 5);
}

#[tokio::test]
async fn an_empty_batch_begins_no_transaction() {
    let store = Store::default();
    let layer = store
        .layer()
        .change_sets(store.change_sets().whole_batch(true));
    let reply = send(layer.layer(service(&store)), requests(json!([]))).await;
    assert_eq!((reply.items().len(), store.begun()), (0, 0));
}

#[tokio::test]
async fn an_item_outside_a_group_has_no_transaction() {
    let store = Store::default();
    let items = json!([post("/fail/a"), member("g", "/add/b"), post("/add/c")]);
    let reply = send(store.layer().layer(service(&store)), requests(items)).await;
    assert_eq!(reply.statuses(), [409, 201, 201]);
    assert_eq!(
        (store.names(), store.begun()),
        (vec!["b".to_owned(), "c".to_owned()], 1)
    );
}
