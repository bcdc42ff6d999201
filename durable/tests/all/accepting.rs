//! What becomes of a POST: 202, the whole response, or a refusal.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::json;
use tower_multistatus::{BatchLayer, ChangeSets, TransactionError, Transactions};

use crate::support::{App, background, batch, batch_layer, item, preferring, with_header};

#[tokio::test]
async fn a_batch_in_the_background_gets_202_and_the_url_of_a_monitor() {
    let app = App::new().await;
    let reply = app.send(background(json!([item("GET", "/users/1")]))).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.header("preference-applied"), "respond-async");
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(reply.body.is_empty());
    let monitor = reply.header("location");
    let id = monitor.strip_prefix("/batch/monitors/").expect("a monitor");
    assert_eq!(id.len(), 36);
    let result = app.result(monitor).await;
    assert_eq!(result.status, StatusCode::OK);
    assert_eq!(result.header("asyncresult"), "207");
    assert_eq!(result.statuses(), [200]);
}

#[tokio::test]
async fn a_batch_without_the_preference_runs_at_once() {
    let app = App::without_worker(batch_layer(), |layer| layer).await;
    for prefer in ["return=minimal", "wait=5", "respond-later"] {
        let request = preferring(batch(json!([item("GET", "/users/1")])), prefer);
        let reply = app.send(request).await;
        assert_eq!(
            (reply.status, reply.statuses()),
            (StatusCode::MULTI_STATUS, vec![200])
        );
        assert!(!reply.headers.contains_key("location"));
    }
    let reply = app.send(batch(json!([item("POST", "/orders/1")]))).await;
    assert_eq!(
        (reply.status, reply.statuses()),
        (StatusCode::MULTI_STATUS, vec![201])
    );
}

#[tokio::test]
async fn a_bad_batch_is_refused_like_any_other_and_nothing_is_stored() {
    let app = App::new().await;
    let twice = json!([item("GET", "/users/1"), item("GET", "/users/1")]);
    let refused = app.send(background(twice.clone())).await;
    let ordinary = app.send(batch(twice)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        (refused.body, refused.headers),
        (ordinary.body, ordinary.headers)
    );

    let too_large = background(json!([])).map(|_| vec![b' '; 2 << 20].into());
    let refused = app.send(too_large).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refused.code(), "envelope-too-large");
    let text = with_header(background(json!([])), "content-type", "text/plain");
    assert_eq!(
        app.send(text).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    let html = with_header(background(json!([])), "accept", "text/html");
    assert_eq!(app.send(html).await.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn admit_is_asked_once_for_a_batch_in_the_background() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let layer = batch_layer().admit(move |admission| {
        // The worker has no credentials to show.
        assert!(admission.outer().headers.contains_key("authorization"));
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if admission.total() > 1 {
            Err(StatusCode::TOO_MANY_REQUESTS)
        } else {
            Ok(())
        }
    });
    let app = App::with(layer, |layer| layer).await;
    let request = |items| with_header(background(items), "authorization", "Bearer x");
    let reply = app.send(request(json!([item("GET", "/users/1")]))).await;
    let result = app.result(reply.header("location")).await;
    assert_eq!(result.statuses(), [200]);
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
    let refused = app
        .send(request(json!([
            item("GET", "/users/1"),
            item("GET", "/users/2")
        ])))
        .await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn who_waits_gets_the_whole_response_or_202_after_that_time() {
    let app = App::new().await;
    let quick = preferring(
        batch(json!([item("GET", "/users/1")])),
        "respond-async, wait=10",
    );
    let reply = app.send(quick).await;
    assert_eq!(
        (reply.status, reply.statuses()),
        (StatusCode::MULTI_STATUS, vec![200])
    );
    assert_eq!(reply.header("preference-applied"), "respond-async, wait=10");
    assert!(!reply.headers.contains_key("asyncresult"));

    let begin = Instant::now();
    let slow = preferring(
        batch(json!([item("GET", "/held/1")])),
        "respond-async, wait=1",
    );
    let reply = app.send(slow).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&begin.elapsed()));
    app.gate.open(1);
    assert_eq!(app.result(reply.header("location")).await.statuses(), [200]);
}

#[tokio::test]
async fn a_batch_with_credentials_in_its_envelope_runs_at_once_and_is_not_stored() {
    let layer = batch_layer();
    let app = App::without_worker(layer, |layer| layer).await;
    for name in ["Authorization", "cookie", "Proxy-Authorization"] {
        let items =
            json!([{ "id": "a", "method": "GET", "url": "/users/1", "headers": { name: "x" } }]);
        let reply = app.send(background(items)).await;
        assert_eq!(
            (reply.status, reply.statuses()),
            (StatusCode::MULTI_STATUS, vec![200])
        );
        assert!(!reply.headers.contains_key("preference-applied"));
    }
}

/// Transactions that do nothing.
struct Nothing;

impl Transactions for Nothing {
    type Transaction = ();

    async fn begin(&self, _: &axum::http::request::Parts) -> Result<(), TransactionError> {
        Ok(())
    }

    async fn commit(&self, (): ()) -> Result<(), TransactionError> {
        Ok(())
    }

    async fn rollback(&self, (): ()) {}
}

#[tokio::test]
async fn a_batch_with_a_transaction_runs_at_once() {
    let layer = batch_layer().change_sets(ChangeSets::in_transactions(Nothing));
    let app = App::without_worker(layer, |layer| layer).await;
    let items = json!([{ "id": "a", "atomicityGroup": "g", "method": "POST", "url": "/orders/1" }]);
    let reply = app.send(background(items)).await;
    assert_eq!(
        (reply.status, reply.statuses()),
        (StatusCode::MULTI_STATUS, vec![201])
    );
}

#[tokio::test]
async fn a_batch_that_only_a_header_that_is_not_stored_makes_one_runs_at_once() {
    let layer = batch_layer().when(|outer| outer.headers.contains_key("x-batch"));
    let app = App::without_worker(layer, |layer| layer).await;
    let items = json!([item("GET", "/users/1")]);
    let reply = app
        .send(with_header(background(items.clone()), "x-batch", "1"))
        .await;
    assert_eq!(
        (reply.status, reply.statuses()),
        (StatusCode::MULTI_STATUS, vec![200])
    );
    assert_eq!(
        app.send(background(items)).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn an_item_that_is_a_batch_in_the_background_fails() {
    let outer = App::new().await;
    let reply = outer.send(batch(json!([item("POST", "/batch")]))).await;
    assert_eq!(reply.statuses(), [508]);
    let monitor = outer.submit(json!([item("POST", "/batch")])).await;
    assert_eq!(outer.result(&monitor).await.statuses(), [508]);
}

#[tokio::test]
async fn other_requests_reach_the_application() {
    let app = App::new().await;
    assert_eq!(app.get("/users/7").await.json(), json!({ "id": 7 }));
    assert_eq!(app.get("/batch").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        app.get("/batch/monitors").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn clients_see_the_monitor_below_the_mount() {
    let layer = BatchLayer::new("/batch").mounted_at("/v1");
    let app = App::with(layer, |layer| layer.monitors_at("/jobs").id_header("x-job")).await;
    let reply = app
        .send(background(json!([item("GET", "/v1/users/1")])))
        .await;
    let id = reply.header("x-job");
    assert_eq!(reply.header("location"), format!("/v1/jobs/{id}"));
    assert_eq!(app.result(&format!("/jobs/{id}")).await.statuses(), [200]);
}
