//! A store that is full or down.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{App, background, batch_layer, item};

#[tokio::test]
async fn a_full_store_refuses_and_loses_nothing() {
    let mut app =
        App::without_worker(batch_layer(), |layer| layer.max_batches(2).retry_after(7)).await;
    let first = app.submit(json!([item("POST", "/orders/1")])).await;
    let second = app.submit(json!([item("POST", "/orders/2")])).await;
    let refused = app
        .send(background(json!([item("POST", "/orders/3")])))
        .await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (refused.code(), refused.header("retry-after")),
        ("store-full".into(), "7")
    );
    app.start_worker();
    for monitor in [&first, &second] {
        assert_eq!(app.result(monitor).await.statuses(), [201]);
    }
    // A result takes room until it is removed.
    let refused = app
        .send(background(json!([item("POST", "/orders/3")])))
        .await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    app.delete(&first).await;
    let third = app.submit(json!([item("POST", "/orders/3")])).await;
    assert_eq!(app.result(&third).await.statuses(), [201]);
    assert_eq!(app.ledger.lines().len(), 3);
}

#[tokio::test]
async fn another_process_continues_what_one_has_accepted() {
    let mut app = App::without_worker(batch_layer(), |layer| layer).await;
    let monitor = app.submit(json!([item("POST", "/orders/1")])).await;
    let other = app.store.again().await;
    let layer = tower_multistatus_durable::DurableLayer::new(batch_layer(), other);
    let worker = tokio::spawn(layer.worker(crate::support::api(&app.ledger, &app.gate)));
    assert_eq!(app.result(&monitor).await.statuses(), [201]);
    worker.abort();
    app.stop_workers().await;
}
