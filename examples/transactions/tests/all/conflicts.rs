//! Transactions that conflict, and databases that are busy or lost.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::post as on_post;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use sqlx::{Executor, Row};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tower::Layer;
use transactions::bank::Settings;
use transactions::db::Db;
use transactions::error::Failure;

use crate::database::{Database, SETTINGS};
use crate::envelopes::{Entry, FORMATS, Format, Outcome, open, send, transfer};
use crate::on_each_database;
use crate::proxy::{Cut, Proxy};

on_each_database!(
    conflicting_batches_are_serialized_or_fail,
    a_lock_that_is_not_free_in_time_is_a_conflict,
    a_pool_without_a_free_connection_is_unavailable;
    of_two_groups_that_cannot_be_serialized_one_fails,
    nobody_knows_the_outcome_if_the_connection_is_lost_at_the_commit,
);

const CREATED: Outcome = Outcome {
    status: 201,
    has_retry_after: false,
};

const CONFLICT: Outcome = Outcome {
    status: 503,
    has_retry_after: true,
};

async fn conflicting_batches_are_serialized_or_fail(database: Database) {
    database.open_accounts(&[("a", 1000), ("b", 1000)]).await;
    let app = transactions::app(&database.bank);
    let mut batches = JoinSet::new();
    for nth in 0..24 {
        let app = app.clone();
        batches.spawn(async move {
            let references = [format!("{nth:02}-1"), format!("{nth:02}-2")];
            let posts = vec![
                transfer("a", "b", 3, &references[0]),
                transfer("b", "a", 2, &references[1]),
            ];
            let format = FORMATS[nth % 2];
            let outcome = send(&app, format, &[Entry::Group(posts)]).await[0];
            (outcome, references)
        });
    }
    let mut committed = Vec::new();
    for (outcome, references) in batches.join_all().await {
        if outcome.is_success() {
            committed.extend(references);
        } else {
            assert_eq!(outcome, CONFLICT);
        }
    }
    committed.sort();
    assert!(!committed.is_empty());
    assert_eq!(database.references().await, committed);
    let moved = i64::try_from(committed.len() / 2).expect("a number");
    assert_eq!(database.balance("a").await, 1000 - moved);
    assert_eq!(database.balance("b").await, 1000 + moved);
    database.assert_pool_is_whole().await;
}

async fn a_lock_that_is_not_free_in_time_is_a_conflict(database: Database) {
    let impatient = Settings {
        patience: Duration::from_millis(300),
        ..SETTINGS
    };
    let app = transactions::app(&database.again(impatient).await);
    let batch = [
        Entry::Group(vec![open("a"), open("b")]),
        Entry::Single(open("c")),
    ];
    for format in FORMATS {
        let mut holder = database.bank.pool().acquire().await.expect("a connection");
        let lock = if database.is_postgres() {
            "BEGIN; LOCK TABLE accounts"
        } else {
            "BEGIN IMMEDIATE"
        };
        holder.execute(lock).await.expect("the lock");
        assert_eq!(send(&app, format, &batch).await, [CONFLICT, CONFLICT]);
        holder.execute("ROLLBACK").await.expect("to roll back");
        drop(holder);
        assert!(database.accounts().await.is_empty());
        assert_eq!(send(&app, format, &batch).await, [CREATED, CREATED]);
        database.clear().await;
    }
}

async fn a_pool_without_a_free_connection_is_unavailable(database: Database) {
    let impatient = Settings {
        connections: 1,
        patience: Duration::from_millis(300),
    };
    let bank = database.again(impatient).await;
    let app = transactions::app(&bank);
    let batch = [Entry::Group(vec![open("a"), open("b")])];
    for format in FORMATS {
        let holder = bank.pool().acquire().await.expect("a connection");
        assert_eq!(send(&app, format, &batch).await, [CONFLICT]);
        assert_eq!(
            send(&app, format, &[Entry::Single(open("a"))]).await,
            [CONFLICT]
        );
        drop(holder);
        assert_eq!(send(&app, format, &batch).await, [CREATED]);
        database.clear().await;
    }
}

/// Reads all accounts, waits until another one has, and opens one.
async fn reads_first(
    db: Db,
    Extension(barrier): Extension<Arc<Barrier>>,
    Json(account): Json<Value>,
) -> Result<StatusCode, Failure> {
    let mut work = db.write().await?;
    let select = "SELECT COUNT(*) FROM accounts";
    let count: i64 = work.fetch_one(select).await?.try_get(0)?;
    barrier.wait().await;
    let insert = sqlx::query("INSERT INTO accounts (name, balance) VALUES ($1, $2)");
    let insert = insert.bind(account["name"].as_str()).bind(count);
    insert.execute(&mut *work).await?;
    work.commit().await?;
    Ok(StatusCode::CREATED)
}

async fn of_two_groups_that_cannot_be_serialized_one_fails(database: Database) {
    let api = Router::new()
        .route("/first", on_post(reads_first))
        .layer(Extension(Arc::new(Barrier::new(2))))
        .with_state(database.bank.clone());
    let layer = transactions::layer(&database.bank);
    let app = Router::new().route_service("/batch", layer.layer(api));
    for (left_format, right_format) in [
        (Format::Json, Format::Json),
        (Format::Json, Format::Multipart),
        (Format::Multipart, Format::Multipart),
    ] {
        let group = |name: &str| {
            let post = ("/first".to_owned(), json!({ "name": name }));
            [Entry::Group(vec![post])]
        };
        let (left, right) = (group("left"), group("right"));
        let (left, right) = tokio::join!(
            send(&app, left_format, &left),
            send(&app, right_format, &right)
        );
        let name = if left == [CREATED] { "left" } else { "right" };
        let mut outcomes = [left[0], right[0]];
        outcomes.sort_by_key(|outcome| outcome.status);
        assert_eq!(outcomes, [CREATED, CONFLICT]);
        assert_eq!(database.accounts().await, [name]);
        database.assert_pool_is_whole().await;
        database.clear().await;
    }
}

async fn nobody_knows_the_outcome_if_the_connection_is_lost_at_the_commit(database: Database) {
    for (cut, accounts) in [(Cut::BeforeCommit, 0), (Cut::AfterCommit, 2)] {
        let proxy = Proxy::to(database.address()).await;
        let bank = database.through(proxy.address).await;
        let app = transactions::app(&bank);
        proxy.cut_next(cut);
        let batch = [Entry::Group(vec![open("a"), open("b")])];
        let outcome = send(&app, Format::Json, &batch).await[0];
        assert_eq!((outcome.status, outcome.has_retry_after), (500, false));
        for _ in 0..100 {
            if database.accounts().await.len() == accounts {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(database.accounts().await.len(), accounts, "{cut:?}");
        assert_eq!(
            send(&app, Format::Json, &[Entry::Single(open("c"))]).await,
            [CREATED]
        );
        database.clear().await;
    }
}
