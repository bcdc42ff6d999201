//! DELETE of a monitor.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{App, batch_layer, item};

#[tokio::test]
async fn a_batch_that_has_not_begun_is_removed() {
    let mut app = App::without_worker(batch_layer(), |layer| layer).await;
    let monitor = app.submit(json!([item("POST", "/orders/1")])).await;
    let reply = app.delete(&monitor).await;
    assert_eq!(
        (reply.status, reply.body.len()),
        (StatusCode::NO_CONTENT, 0)
    );
    assert_eq!(app.get(&monitor).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.delete(&monitor).await.status, StatusCode::NOT_FOUND);
    app.start_worker();
    let other = app.submit(json!([item("POST", "/orders/2")])).await;
    app.result(&other).await;
    assert_eq!(app.ledger.lines(), ["order 2"]);
}

#[tokio::test]
async fn a_batch_that_runs_is_cancelled_and_the_response_has_what_was_done() {
    let app = App::with(batch_layer().concurrency(2), |layer| layer).await;
    let items = json!([
        item("POST", "/orders/1"),
        item("POST", "/held/1"),
        item("GET", "/held/2"),
        item("POST", "/orders/2"),
    ]);
    let monitor = app.submit(items).await;
    app.until("held 2").await;
    let reply = app.delete(&monitor).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("asyncresult"), "207");
    assert_eq!(reply.statuses(), [201, 500, 424, 424]);
    assert_eq!(reply.code_of(1), "unknown-outcome");
    assert_eq!(reply.code_of(2), "cancelled");
    assert_eq!(reply.code_of(3), "cancelled");
    assert_eq!(app.get(&monitor).await.status, StatusCode::NOT_FOUND);

    // The attempt notices it, and dispatches nothing more.
    sleep(Duration::from_millis(1200)).await;
    app.gate.open(10);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(app.ledger.count("order 2"), 0);
    assert_eq!(app.ledger.count("let go 2"), 0);
}

#[tokio::test]
async fn a_result_can_be_removed() {
    let app = App::new().await;
    let monitor = app.submit(json!([item("POST", "/orders/1")])).await;
    let result = app.result(&monitor).await;
    let reply = app.delete(&monitor).await;
    assert_eq!((reply.status, reply.body), (result.status, result.body));
    assert_eq!(app.get(&monitor).await.status, StatusCode::NOT_FOUND);
}
