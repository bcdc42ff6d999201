//! A store that is full or down.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use sqlx::Connection;
use tokio::time::sleep;
use tower::Layer;
use tower_multistatus_durable::{DurableLayer, Store};

use crate::support::{App, Gate, Ledger, api, background, batch_layer, item, send};

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

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_full_disk_refuses_batches_and_loses_no_response() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("batches.db");
    // 100 pages of 4 KiB hold the tables and a few batches.
    let options = || {
        let options = sqlx::sqlite::SqliteConnectOptions::new();
        options.filename(&path).create_if_missing(true)
    };
    let quota = |pages: &'static str| options().pragma("max_page_count", pages);
    let small = Store::sqlite_with(quota("100")).await.expect("a store");
    let (ledger, gate) = (Ledger::default(), Gate::new());
    let serve = |store: &Store| {
        let layer = DurableLayer::new(batch_layer().item_timeout(None), store.clone());
        let service = layer.layer(api(&ledger, &gate));
        (layer, axum::Router::new().fallback_service(service))
    };
    let (layer, app) = serve(&small);

    // Batches until there is no room for another one.
    let mut monitors = Vec::new();
    let refused = loop {
        let number = monitors.len();
        let held = json!({ "id": "held", "method": "POST", "url": format!("/held/{number}") });
        let padding = json!({ "id": "padding", "method": "GET", "url": "/users/1",
            "headers": { "If-Match": "x".repeat(8000) } });
        let reply = send(&app, background(json!([held, padding]))).await;
        if reply.status != StatusCode::ACCEPTED {
            break reply;
        }
        monitors.push(reply.header("location").to_owned());
        assert!(number < 100);
    };
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (refused.code(), refused.header("retry-after")),
        ("store-unavailable".into(), "1")
    );
    assert!(!monitors.is_empty());

    // A worker that cannot store what begins, begins nothing that it could not repeat.
    let worker = tokio::spawn(layer.worker(api(&ledger, &gate)));
    sleep(Duration::from_secs(1)).await;
    for monitor in &monitors {
        let request = axum::http::Request::get(monitor).body(axum::body::Body::empty());
        let reply = send(&app, request.expect("a request")).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED);
    }
    worker.abort();

    // With more room, all of them end.
    let large = Store::sqlite_with(quota("100000")).await.expect("a store");
    let (layer, app) = serve(&large);
    gate.open(1000);
    let worker = tokio::spawn(layer.worker(api(&ledger, &gate)));
    for monitor in &monitors {
        let reply = loop {
            let request = axum::http::Request::get(monitor).body(axum::body::Body::empty());
            let reply = send(&app, request.expect("a request")).await;
            if reply.status != StatusCode::ACCEPTED {
                break reply;
            }
            sleep(Duration::from_millis(20)).await;
        };
        let statuses = reply.statuses();
        assert!(
            [200, 500].contains(&statuses[0]) && statuses[1] == 200,
            "{statuses:?}"
        );
    }
    for number in 0..monitors.len() {
        assert!(ledger.count(&format!("held {number}")) <= 1);
    }
    worker.abort();
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_store_that_is_down_refuses_and_recovers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("batches.db");
    let store = Store::sqlite(&path).await.expect("a store");
    let layer = DurableLayer::new(batch_layer(), store).retry_after(3);
    let (ledger, gate) = (Ledger::default(), Gate::new());
    let service = layer.layer(api(&ledger, &gate));
    let app = axum::Router::new().fallback_service(service);

    // Another program keeps the file locked for longer than anybody waits.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut lock = sqlx::SqliteConnection::connect_with(&options)
        .await
        .expect("a connection");
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut lock)
        .await
        .expect("a lock");
    let refused = send(&app, background(json!([item("POST", "/orders/1")]))).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        (refused.code(), refused.header("retry-after")),
        ("store-unavailable".into(), "3")
    );
    // A batch that does not need the store runs.
    let reply = send(
        &app,
        crate::support::batch(json!([item("GET", "/users/1")])),
    )
    .await;
    assert_eq!(reply.statuses(), [200]);

    sqlx::query("ROLLBACK")
        .execute(&mut lock)
        .await
        .expect("no lock");
    let reply = send(&app, background(json!([item("POST", "/orders/2")]))).await;
    let worker = tokio::spawn(layer.worker(api(&ledger, &gate)));
    while ledger.count("order 2") == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(ledger.count("order 1"), 0);
    worker.abort();
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_server_that_cannot_be_reached_is_a_refusal() {
    let Ok(server) = std::env::var("DATABASE_URL") else {
        return;
    };
    let pool = sqlx::PgPool::connect(&server).await.expect("a server");
    let store = Store::postgres_with(pool.clone()).await.expect("a store");
    let layer = DurableLayer::new(batch_layer(), store);
    let service = layer.layer(api(&Ledger::default(), &Gate::new()));
    let app = axum::Router::new().fallback_service(service);
    pool.close().await;
    let monitor = "/batch/monitors/01234567-89ab-cdef-0123-456789abcdef";
    let get = axum::http::Request::get(monitor).body(axum::body::Body::empty());
    for request in [
        background(json!([item("POST", "/orders/1")])),
        get.expect("a request"),
    ] {
        let refused = send(&app, request).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            (refused.code(), refused.header("retry-after")),
            ("store-unavailable".into(), "1")
        );
    }
}
