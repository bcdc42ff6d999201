//! Dependencies on groups, and from groups.

use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use super::{Store, member, post, results, service};
use crate::support::{end, requests, send};

fn after(mut item: Value, on: &[&str]) -> Value {
    item["dependsOn"] = json!(on);
    item
}

#[tokio::test(start_paused = true)]
async fn an_item_that_depends_on_a_group_runs_after_its_commit() {
    for (kind, expected) in [
        ("slow", ["/slow/a 201", "/slow/b 201", "/add/c 201"]),
        (
            "fail",
            [
                "/slow/a 424 rolled-back",
                "/fail/b 409",
                "/add/c 424 failed-dependency",
            ],
        ),
    ] {
        let store = Store::default();
        let second = format!("/{kind}/b");
        let items = json!([
            member("g", "/slow/a"),
            member("g", &second),
            after(post("/add/c"), &["g"]),
        ]);
        let reply = end(store.layer().layer(service(&store)), items).await;
        assert_eq!(results(&reply.items()), expected);
        assert_eq!(store.names().len(), if kind == "slow" { 3 } else { 0 });
        assert_eq!(store.open(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_begins_when_all_that_its_items_depend_on_have_succeeded() {
    for concurrent in [false, true] {
        // Whichever of its items depends on the one that fails.
        for (which, url, status) in [
            (1, "/fail/x", 409),
            (2, "/fail/x", 409),
            (3, "/fail/x", 409),
            (1, "/hang/x", 504),
            (3, "/hang/x", 504),
        ] {
            let store = Store::default();
            let change_sets = store.change_sets().concurrent_items(concurrent);
            let layer = store.layer().change_sets(change_sets);
            let mut items = json!([
                post(url),
                member("g", "/add/a"),
                after(member("g", "/add/b"), &["/add/a"]),
                member("g", "/add/c"),
                after(post("/add/y"), &["g"]),
            ]);
            items[which]["dependsOn"] = json!([url]);
            let reply = end(layer.layer(service(&store)), items).await;
            let statuses = reply.statuses();
            let expected = [status, 424, 424, 424, 424];
            assert_eq!(statuses, expected, "{concurrent} {which}");
            assert_eq!((store.begun(), store.names().len()), (0, 0));
        }

        let store = Store::default();
        let change_sets = store.change_sets().concurrent_items(concurrent);
        let layer = store.layer().change_sets(change_sets);
        let items = json!([
            post("/slow/x"),
            member("g", "/add/a"),
            after(member("g", "/add/b"), &["/slow/x", "/add/a"]),
            after(post("/add/y"), &["g", "/slow/x"]),
        ]);
        let reply = end(layer.layer(service(&store)), items).await;
        assert_eq!(reply.statuses(), [201; 4], "{concurrent}");
        assert_eq!(
            (store.begun(), store.names().len(), store.open()),
            (1, 4, 0)
        );
    }
}

#[tokio::test]
async fn envelopes_with_impossible_groups_are_refused() {
    let store = Store::default();
    let cases = [
        // An item outside depends on one item of a group.
        (
            json!([
                member("g", "/add/a"),
                member("g", "/add/b"),
                after(post("/c"), &["/add/a"])
            ]),
            "malformed",
            2,
        ),
        (
            json!([
                member("g", "/add/a"),
                after(member("h", "/add/b"), &["/add/a"])
            ]),
            "malformed",
            1,
        ),
        // The items of a group are not adjacent.
        (
            json!([member("g", "/add/a"), post("/x"), member("g", "/add/b")]),
            "malformed",
            2,
        ),
        // A group has the name of an item.
        (json!([post("g"), member("g", "/add/b")]), "duplicate-id", 1),
        (json!([member("g", "/add/b"), post("g")]), "duplicate-id", 0),
        // An item depends on its own group.
        (
            json!([member("g", "/a"), after(member("g", "/b"), &["g"])]),
            "unknown-dependency",
            1,
        ),
    ];
    for (items, code, index) in cases {
        let reply = send(
            store.layer().layer(service(&store)),
            requests(items.clone()),
        )
        .await;
        assert_eq!(reply.code(), code, "{items}");
        assert_eq!(
            reply.json()["pointer"],
            format!("#/requests/{index}"),
            "{items}"
        );
    }
    let items = json!([member("g", "/add/a")]);
    let reply = send(
        BatchLayer::new("/batch").layer(service(&store)),
        requests(items),
    )
    .await;
    assert_eq!(
        (reply.status.as_u16(), &*reply.code()),
        (501, "unsupported-atomicity")
    );
    assert_eq!((store.begun(), store.names().len()), (0, 0));
}
