//! A batch whose worker stops in the middle of it.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{App, batch_layer, item, keyed};

#[tokio::test]
async fn what_has_a_response_does_not_run_again() {
    let mut app = App::new().await;
    let items = json!([
        item("POST", "/orders/1"),
        item("GET", "/users/1"),
        item("GET", "/held/1")
    ]);
    let monitor = app.submit(items).await;
    app.until("held 1").await;
    until_done(&app, &monitor, 2).await;
    app.stop_workers().await;
    app.start_worker();
    app.gate.open(2);
    let result = app.result(&monitor).await;
    assert_eq!(result.statuses(), [201, 200, 200]);
    assert_eq!(app.ledger.count("order 1"), 1);
    assert_eq!(app.ledger.count("held 1"), 2);
}

/// Waits until this many items of a batch have a response.
async fn until_done(app: &App, monitor: &str, done: usize) {
    while app.get(monitor).await.json()["done"] != done {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_item_that_cannot_be_repeated_has_an_unknown_outcome() {
    let mut app = App::new().await;
    let dependent =
        json!({ "id": "x", "method": "POST", "url": "/orders/x", "dependsOn": ["/held/1"] });
    let items = json!([item("POST", "/held/1"), item("PATCH", "/held/2"), dependent]);
    let monitor = app.submit(items).await;
    app.until("held 1").await;
    app.until("held 2").await;
    app.stop_workers().await;
    app.start_worker();
    let result = app.result(&monitor).await;
    assert_eq!(result.statuses(), [500, 500, 424]);
    assert_eq!(result.code_of(0), "unknown-outcome");
    assert_eq!(result.code_of(1), "unknown-outcome");
    assert_eq!(app.ledger.lines().len(), 2, "{:?}", app.ledger.lines());
}

#[tokio::test]
async fn an_item_that_can_be_repeated_runs_again() {
    let mut app = App::new().await;
    let items = json!([
        keyed("POST", "/held/1"),
        item("PUT", "/held/2"),
        item("DELETE", "/held/3"),
        item("GET", "/held/4"),
        keyed("PATCH", "/held/5"),
    ]);
    let monitor = app.submit(items).await;
    for held in 1..=5 {
        app.until(&format!("held {held}")).await;
    }
    app.stop_workers().await;
    app.gate.open(5);
    app.start_worker();
    let result = app.result(&monitor).await;
    assert_eq!(result.statuses(), [200; 5]);
    for held in 1..=5 {
        assert_eq!(app.ledger.count(&format!("held {held}")), 2);
    }
}

#[tokio::test]
async fn a_batch_waits_for_a_worker_and_survives_all_of_them() {
    let mut app = App::without_worker(batch_layer(), |layer| layer).await;
    let items = json!([keyed("POST", "/held/1"), item("POST", "/orders/1")]);
    let monitor = app.submit(items).await;
    assert_eq!(
        app.get(&monitor).await.json(),
        json!({ "total": 2, "done": 0, "failed": 0 })
    );
    for _ in 0..3 {
        let before = app.ledger.count("held 1");
        app.start_worker();
        while app.ledger.count("held 1") == before {
            sleep(Duration::from_millis(5)).await;
        }
        app.stop_workers().await;
    }
    app.start_worker();
    app.gate.open(1);
    assert_eq!(app.result(&monitor).await.statuses()[0], 200);
    assert!(app.ledger.count("order 1") <= 1);
}

#[tokio::test]
async fn two_workers_share_the_batches() {
    let mut app = App::new().await;
    app.start_worker();
    let mut monitors = Vec::new();
    for order in 0..30 {
        monitors.push(
            app.submit(json!([item("POST", &format!("/orders/{order}"))]))
                .await,
        );
    }
    for monitor in &monitors {
        assert_eq!(app.result(monitor).await.statuses(), [201]);
    }
    assert_eq!(app.ledger.lines().len(), 30);
}

#[tokio::test]
async fn a_response_that_the_layer_makes_is_stored() {
    let layer = batch_layer().item_timeout(Duration::from_millis(100));
    let app = App::with(layer, |layer| layer).await;
    let items = json!([
        item("POST", "/held/1"),
        item("POST", "/panic"),
        item("GET", "/bytes/2000000")
    ]);
    let monitor = app.submit(items).await;
    let result = app.result(&monitor).await;
    assert_eq!(result.status, StatusCode::OK);
    assert_eq!(result.statuses(), [504, 500, 502]);
    for _ in 0..3 {
        assert_eq!(app.get(&monitor).await.body, result.body);
    }
}

#[tokio::test]
async fn an_attempt_outlives_a_failure_of_the_queue() {
    let app = App::with(batch_layer(), |layer| layer.lease(Duration::from_secs(3))).await;
    let monitor = app.submit(json!([item("POST", "/held/1")])).await;
    app.until("held 1").await;
    // The next heartbeat fails, which ends the worker of apalis, and another one starts.
    app.store.forget_workers().await;
    sleep(Duration::from_secs(3)).await;
    app.gate.open(1);
    assert_eq!(app.result(&monitor).await.statuses(), [200]);
    assert_eq!(app.ledger.count("held 1"), 1);
}
