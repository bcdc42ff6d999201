//! `Idempotency-Key` of the batch.

use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::{App, background, batch_layer, item, with_header};

#[tokio::test]
async fn the_same_batch_with_the_same_key_has_the_same_monitor() {
    let app = App::new().await;
    let send = || {
        with_header(
            background(json!([item("POST", "/orders/1")])),
            "idempotency-key",
            "k",
        )
    };
    let first = app.send(send()).await;
    let again = app.send(send()).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!(first.header("location"), again.header("location"));
    app.result(first.header("location")).await;
    let after = app.send(send()).await;
    assert_eq!(first.header("location"), after.header("location"));
    assert_eq!(app.ledger.lines(), ["order 1"]);

    let waits = crate::support::preferring(send(), "respond-async, wait=5");
    assert_eq!(app.send(waits).await.statuses(), [201]);
}

#[tokio::test]
async fn another_batch_with_the_same_key_is_refused() {
    let app = App::new().await;
    let send = |url: &str| {
        with_header(
            background(json!([item("POST", url)])),
            "idempotency-key",
            "k",
        )
    };
    app.send(send("/orders/1")).await;
    let other = app.send(send("/orders/2")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.code(), "idempotency-key-reused");
}

#[tokio::test]
async fn requests_with_one_key_at_the_same_time_are_one_batch() {
    let app = App::new().await;
    let send = || {
        with_header(
            background(json!([item("POST", "/orders/1")])),
            "idempotency-key",
            "k",
        )
    };
    let replies = join_all((0..16).map(|_| app.send(send()))).await;
    let monitors: std::collections::HashSet<_> = replies
        .iter()
        .map(|reply| reply.header("location").to_owned())
        .collect();
    assert_eq!(monitors.len(), 1);
    let monitor = monitors.iter().next().expect("a monitor");
    app.result(monitor).await;
    assert_eq!(app.ledger.lines(), ["order 1"]);
}

#[tokio::test]
async fn owners_have_their_own_keys() {
    let app = App::with(batch_layer(), |layer| {
        layer.owner(|outer| Some(outer.headers.get("x-user")?.to_str().ok()?.to_owned()))
    })
    .await;
    let send = |user: &str| {
        let request = background(json!([item("POST", "/orders/1")]));
        with_header(with_header(request, "idempotency-key", "k"), "x-user", user)
    };
    let (ada, grace) = (app.send(send("ada")).await, app.send(send("grace")).await);
    assert_ne!(ada.header("location"), grace.header("location"));
    assert_eq!(
        app.send(send("ada")).await.header("location"),
        ada.header("location")
    );
}
