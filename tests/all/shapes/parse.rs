//! Parse.

use axum::routing::{delete, post};
use axum::{Json, Router};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{ask_through, send};

fn batch(envelope: Value) -> Request<axum::body::Body> {
    Request::post("/batch")
        .header("host", "api.example")
        .header("content-type", "text/plain")
        .body(envelope.to_string().into())
        .unwrap()
}

#[tokio::test]
async fn the_javascript_client_names_itself_in_the_envelope() {
    let envelope = json!({
        "requests": [{ "method": "POST", "path": "/parse/classes/A", "body": { "score": 1 } }],
        "_ApplicationId": "app", "_JavaScriptKey": "key", "_ClientVersion": "js8", "_InstallationId": "i",
        "_SessionToken": "s", "_Other": [1],
    });
    let (_, log) = ask_through(BatchLayer::parse("/batch"), batch(envelope.clone())).await;
    let received = log.only();
    for (name, value) in [
        ("application-id", "app"),
        ("javascript-api-key", "key"),
        ("client-version", "js8"),
        ("installation-id", "i"),
        ("session-token", "s"),
    ] {
        assert_eq!(received.header(&format!("x-parse-{name}")), [value]);
    }
    assert_eq!(received.header("content-type"), ["application/json"]);
    // The headers are those of an item: the layer's policy applies.
    let layer = BatchLayer::parse("/batch").item_headers(tower_multistatus::ItemHeaders::guarded());
    let (_, log) = ask_through(layer, batch(envelope)).await;
    assert!(log.only().header("x-parse-session-token").is_empty());
}

#[tokio::test]
async fn results_are_a_success_or_an_error() {
    let api = Router::new()
        .route(
            "/parse/classes/A",
            post(async |_: HeaderMap| (StatusCode::CREATED, Json(json!({ "objectId": "1" })))),
        )
        .route(
            "/parse/classes/A/1",
            delete(async || StatusCode::NO_CONTENT),
        )
        .route(
            "/parse/classes/A/2",
            delete(async || {
                (
                    StatusCode::NOT_FOUND,
                    Json(json!({ "code": 101, "error": "Object not found." })),
                )
            }),
        );
    let items = json!({ "requests": [
        { "method": "POST", "path": "/parse/classes/A", "body": {} },
        { "method": "DELETE", "path": "/parse/classes/A/1", "body": {} },
        { "method": "DELETE", "path": "/parse/classes/A/2", "body": {} },
        { "path": "/parse/none" },
        { "path": "/../x" },
    ] });
    let reply = send(BatchLayer::parse("/batch").layer(api), batch(items)).await;
    let expected = json!([
        { "success": { "objectId": "1" } },
        { "success": {} },
        { "error": { "code": 101, "error": "Object not found." } },
        { "error": { "code": 1, "error": "Not Found" } },
        { "error": { "code": 1, "error": "the URL is not allowed in an item" } },
    ]);
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn a_transaction_needs_transactions() {
    let envelope = |transaction: Value| json!({ "transaction": transaction, "requests": [{ "path": "/" }, { "path": "/" }] });
    let (reply, log) = ask_through(BatchLayer::parse("/batch"), batch(envelope(json!(true)))).await;
    assert_eq!((reply.status.as_u16(), log.len()), (501, 0));
    assert_eq!(reply.json()["code"], 1);
    let (reply, log) =
        ask_through(BatchLayer::parse("/batch"), batch(envelope(json!(false)))).await;
    assert_eq!((reply.status.as_u16(), log.len()), (200, 2));
}
