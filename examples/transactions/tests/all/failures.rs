//! What remains of groups that fail.

use std::time::Duration;

use tower_multistatus::ChangeSets;

use crate::database::Database;
use crate::envelopes::{Entry, FORMATS, Format, Outcome, open, post, send};
use crate::on_each_database;
use crate::routes::{Hang, app};

on_each_database!(
    a_group_leaves_all_or_nothing,
    a_handler_that_ignores_an_error_of_the_database,
    handlers_are_the_same_outside_a_group,
    a_batch_is_one_group_if_the_client_prefers_it,
);

fn opened(names: std::ops::Range<u32>) -> Vec<crate::envelopes::Post> {
    names.map(|name| open(name.to_string())).collect()
}

/// The entries of a batch, the status of each, and the accounts that exist afterwards.
type Case = (&'static str, Vec<Entry>, Vec<u16>, &'static [&'static str]);

fn cases() -> Vec<Case> {
    let mut seventh_fails = opened(0..10);
    seventh_fails[6] = open("0");
    let with = |bad: &str, at: usize| {
        let mut posts = opened(0..4);
        posts.insert(at, post(bad));
        Entry::Group(posts)
    };
    let good = || Entry::Group(vec![open("x"), open("y")]);
    vec![
        (
            "all succeed",
            vec![Entry::Group(opened(0..4))],
            vec![201],
            &["0", "1", "2", "3"],
        ),
        (
            "the seventh of ten fails",
            vec![Entry::Group(seventh_fails.clone())],
            vec![409],
            &[],
        ),
        (
            "the second of two groups fails",
            vec![good(), Entry::Group(seventh_fails.clone())],
            vec![201, 409],
            &["x", "y"],
        ),
        (
            "the first of two groups fails, beside single items",
            vec![
                Entry::Single(open("a")),
                Entry::Group(seventh_fails),
                good(),
                Entry::Single(open("b")),
                Entry::Single(post("/nowhere")),
            ],
            vec![201, 409, 201, 201, 404],
            &["a", "b", "x", "y"],
        ),
        (
            "a panic",
            vec![with("/panic/p", 2), good()],
            vec![500, 201],
            &["x", "y"],
        ),
        (
            "a panic of the last item",
            vec![with("/panic/p", 4)],
            vec![500],
            &[],
        ),
        (
            "a hang past the item timeout",
            vec![with("/hang/h", 2)],
            vec![504],
            &[],
        ),
        ("no such route", vec![with("/nowhere", 4)], vec![404], &[]),
        (
            "a commit that fails",
            vec![with("/orphan", 1), good()],
            vec![500, 201],
            &["x", "y"],
        ),
    ]
}

async fn a_group_leaves_all_or_nothing(database: Database) {
    for concurrent in [false, true] {
        let change_sets = ChangeSets::in_transactions(database.bank.clone());
        let layer = transactions::layer(&database.bank)
            .change_sets(change_sets.concurrent_items(concurrent))
            .item_timeout(Duration::from_secs(1));
        let app = app(&database.bank, layer, &Hang::default());
        for format in FORMATS {
            for (case, batch, statuses, accounts) in cases() {
                let outcomes = send(&app, format, &batch).await;
                let case = format!("{case}, {format:?}, concurrent: {concurrent}");
                let expected = statuses.iter().map(|status| Outcome {
                    status: *status,
                    has_retry_after: false,
                });
                assert_eq!(outcomes, expected.collect::<Vec<_>>(), "{case}");
                assert_eq!(database.accounts().await, accounts, "{case}");
                assert_eq!(database.transfers().await, 0, "{case}");
                database.assert_pool_is_whole().await;
                database.clear().await;
            }
        }
    }
}

/// PostgreSQL rolls back a transaction with a statement that has failed, and responds to COMMIT
/// without an error. In SQLite, only the statement has no effect.
async fn a_handler_that_ignores_an_error_of_the_database(database: Database) {
    let layer = transactions::layer(&database.bank);
    let app = app(&database.bank, layer, &Hang::default());
    let batch = [Entry::Group(vec![
        open("a"),
        post("/careless/a"),
        open("b"),
    ])];
    let outcome = send(&app, Format::Json, &batch).await[0];
    if database.is_postgres() {
        assert_eq!(outcome.status, 500);
        assert!(database.accounts().await.is_empty());
    } else {
        assert_eq!(outcome.status, 201);
        assert_eq!(database.accounts().await, ["a", "b"]);
    }

    database.clear().await;
    let batch = [Entry::Group(vec![open("a"), post("/careless/a")])];
    let outcome = send(&app, Format::Json, &batch).await[0];
    assert_eq!(outcome.is_success(), !database.accounts().await.is_empty());
    database.assert_pool_is_whole().await;
}

async fn handlers_are_the_same_outside_a_group(database: Database) {
    let layer = transactions::layer(&database.bank)
        .concurrency(1)
        .item_timeout(Duration::from_secs(1));
    let app = app(&database.bank, layer, &Hang::default());
    let posts = [
        open("a"),
        open("a"),
        post("/panic/p"),
        post("/hang/h"),
        post("/orphan"),
    ];
    let batch = posts.map(Entry::Single);
    for format in FORMATS {
        let outcomes = send(&app, format, &batch).await;
        let statuses: Vec<_> = outcomes.iter().map(|outcome| outcome.status).collect();
        assert_eq!(statuses, [201, 409, 500, 504, 500]);
        assert_eq!(database.accounts().await, ["a"]);
        database.assert_pool_is_whole().await;
        database.clear().await;
    }
}

async fn a_batch_is_one_group_if_the_client_prefers_it(database: Database) {
    use tower::ServiceExt;

    let app = transactions::app(&database.bank);
    let batch = [open("a"), open("b"), open("a")].map(Entry::Single);
    let mut request = crate::envelopes::request(Format::Json, &batch);
    let preference = "atomic".parse().expect("a value");
    request.headers_mut().insert("prefer", preference);
    let response = app.oneshot(request).await.expect("a response");
    assert_eq!(response.headers()["preference-applied"], "atomic");
    assert!(database.accounts().await.is_empty());
    database.assert_pool_is_whole().await;
}
