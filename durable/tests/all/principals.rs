//! What of the outer request reaches the items, and what rests in the database.

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus_durable::{DurableLayer, Principal};

use crate::support::{App, TestStore, background, batch, batch_layer, item, send, with_header};

#[tokio::test]
async fn credentials_reach_no_item_in_the_background_and_listed_headers_do() {
    let app = App::with(batch_layer(), |layer| layer.store_headers(["X-Tenant"])).await;
    let request = |request| {
        let request = with_header(request, "authorization", "Bearer secret");
        let request = with_header(request, "cookie", "session=secret");
        let request = with_header(request, "x-other", "1");
        with_header(request, "x-tenant", "acme")
    };
    let items = json!([item("GET", "/headers")]);
    let now = app.send(request(batch(items.clone()))).await.json();
    let now = &now["responses"][0]["body"];
    assert_eq!(
        (&now["authorization"], &now["x-tenant"]),
        (&json!("Bearer secret"), &json!("acme"))
    );

    let reply = app.send(request(background(items))).await;
    let later = app.result(reply.header("location")).await.json();
    let later = &later["responses"][0]["body"];
    assert_eq!(later["x-tenant"], "acme");
    for name in ["authorization", "cookie", "x-other"] {
        assert_eq!(later[name], Value::Null);
    }
    // Not in the file either.
    if !app.store.place.starts_with("postgres:") {
        for suffix in ["", "-wal"] {
            let bytes = std::fs::read(format!("{}{suffix}", app.store.place)).expect("a file");
            let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
            assert!(!has(b"secret"));
        }
    }
}

#[tokio::test]
async fn the_principal_reaches_every_item_at_once_and_later() {
    let store = TestStore::new().await;
    let layer = DurableLayer::new(batch_layer(), store.store.clone());
    let layer = layer.principal(|outer| {
        let user = outer
            .headers
            .get("x-user")
            .map(|user| user.to_str().unwrap_or_default().to_owned());
        json!({ "user": user })
    });
    let handler = async |Extension(principal): Extension<Principal>| principal.value().to_string();
    let api = Router::new().route("/me", get(handler));
    let worker = tokio::spawn(layer.worker(api.clone()));
    let app = Router::new().fallback_service(layer.layer(api));
    let expected = json!("{\"user\":\"ada\"}");
    let items = json!([item("GET", "/me")]);
    let now = send(&app, with_header(batch(items.clone()), "x-user", "ada")).await;
    assert_eq!(now.json()["responses"][0]["body"], expected);
    let later = with_header(background(items), "x-user", "ada");
    let later = with_header(later, "prefer", "respond-async, wait=10");
    let later = send(&app, later).await;
    assert_eq!(later.status, StatusCode::MULTI_STATUS);
    assert_eq!(later.json()["responses"][0]["body"], expected);
    worker.abort();
}

#[test]
#[should_panic(expected = "credentials are not stored")]
fn credentials_cannot_be_stored() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = runtime.block_on(TestStore::new());
    let _ = DurableLayer::new(batch_layer(), store.store).store_headers(["cookie"]);
}
