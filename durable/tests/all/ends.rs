//! A batch ends: by its deadline, and after its attempts.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{App, batch_layer, item, keyed};

#[tokio::test]
async fn a_batch_that_hangs_ends_by_its_deadline() {
    let layer = batch_layer().item_timeout(None);
    let app = App::with(layer, |layer| layer.deadline(Duration::from_secs(1))).await;
    let begin = Instant::now();
    let items = json!([
        item("GET", "/users/1"),
        item("POST", "/held/1"),
        item("GET", "/held/2")
    ]);
    let monitor = app.submit(items).await;
    let result = app.result(&monitor).await;
    assert!(begin.elapsed() < Duration::from_secs(4));
    assert_eq!(result.statuses(), [200, 504, 504]);
    assert_eq!(app.get(&monitor).await.body, result.body);
}

#[tokio::test]
async fn a_batch_that_no_worker_takes_ends_by_its_deadline() {
    let mut app = App::without_worker(batch_layer(), |layer| {
        layer.deadline(Duration::from_millis(200))
    })
    .await;
    let monitor = app
        .submit(json!([item("POST", "/orders/1"), item("GET", "/users/1")]))
        .await;
    sleep(Duration::from_millis(2500)).await;
    app.start_worker();
    let result = app.result(&monitor).await;
    assert_eq!(result.status, StatusCode::OK);
    assert_eq!(result.statuses(), [504, 504]);
    assert!(app.ledger.lines().is_empty());
}

#[tokio::test]
async fn a_batch_that_loses_its_worker_each_time_ends_after_its_attempts() {
    let mut app = App::without_worker(batch_layer(), |layer| layer.attempts(3)).await;
    let items = json!([
        keyed("POST", "/held/1"),
        item("GET", "/held/2"),
        item("GET", "/nowhere")
    ]);
    let monitor = app.submit(items).await;
    let mut starts = 0;
    loop {
        let before = app.ledger.count("held 1");
        app.start_worker();
        starts += 1;
        let begin = Instant::now();
        while app.ledger.count("held 1") == before && begin.elapsed() < Duration::from_secs(2) {
            sleep(Duration::from_millis(5)).await;
        }
        let reply = app.get(&monitor).await;
        if reply.status == StatusCode::OK {
            assert_eq!(reply.statuses(), [500, 500, 404]);
            assert_eq!(reply.code_of(0), "unknown-outcome");
            assert_eq!(reply.code_of(1), "attempts-exhausted");
            break;
        }
        sleep(Duration::from_millis(50)).await;
        app.stop_workers().await;
        assert!(starts < 10);
    }
    // The first attempt has stored the response of the third item, so it does not count.
    assert_eq!(app.ledger.count("held 1"), 4);
}

#[tokio::test]
async fn the_queue_has_no_jobs_of_batches_that_have_ended() {
    let app = App::new().await;
    let done = app.submit(json!([item("GET", "/users/1")])).await;
    app.result(&done).await;
    let cancelled = app.submit(json!([item("GET", "/held/1")])).await;
    app.until("held 1").await;
    app.delete(&cancelled).await;
    assert_eq!(app.store.jobs().await, 0);
    let open = app.submit(json!([item("GET", "/held/2")])).await;
    assert_eq!(app.store.jobs().await, 1);
    app.gate.open(2);
    app.result(&open).await;
    assert_eq!(app.store.jobs().await, 0);
}
