//! Kinto.

use axum::routing::{get, put};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, Error};

use crate::support::{ask_through, envelope, send};

fn batch(envelope: Value) -> http::Request<axum::body::Body> {
    let mut request = crate::support::envelope(envelope.to_string());
    *request.uri_mut() = "/v1/batch".parse().unwrap();
    request
}

#[tokio::test]
async fn a_batch_of_its_documentation() {
    let api = Router::new()
        .route(
            "/v1/articles/{id}",
            put(async |body: Json<Value>| (StatusCode::CREATED, body)),
        )
        .route("/v1/empty", get(async || StatusCode::NO_CONTENT));
    let items = json!({
        "defaults": { "method": "PUT", "headers": { "If-None-Match": "*" } },
        "requests": [
            { "path": "/articles/1", "body": { "data": { "title": "one" } } },
            { "path": "/v1/empty", "method": "GET" },
            { "path": "/v1/none", "method": "DELETE" },
            { "path": "//elsewhere" },
        ],
    });
    let service = BatchLayer::kinto("/v1/batch").layer(api);
    let reply = send(service, batch(items)).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (StatusCode::OK, Some("application/json"))
    );
    let json = json!({ "Content-Type": "application/json" });
    let expected = json!({ "responses": [
        { "status": 201, "path": "/articles/1", "headers": json, "body": { "data": { "title": "one" } } },
        { "status": 204, "path": "/v1/empty", "headers": json, "body": {} },
        { "status": 404, "path": "/v1/none", "headers": json, "body": {} },
        { "status": 400, "path": "//elsewhere", "headers": json, "body":
            { "code": 400, "errno": 999, "error": "Bad Request", "message": "the URL is not allowed in an item" } },
    ] });
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn items_run_in_order_and_their_method_is_get() {
    let (reply, log) = ask_through(
        BatchLayer::kinto("/batch"),
        envelope(json!({ "requests": [{ "path": "/a" }, { "path": "/b" }] }).to_string()),
    )
    .await;
    assert_eq!(reply.status, 200);
    let methods: Vec<_> = log
        .all()
        .into_iter()
        .map(|request| request.method)
        .collect();
    assert_eq!(
        (log.uris(), methods),
        (vec!["/a".into(), "/b".into()], vec![http::Method::GET; 2])
    );
}

#[tokio::test]
async fn a_refusal_is_an_error_of_kinto() {
    let (reply, log) = ask_through(BatchLayer::kinto("/batch"), envelope("[]")).await;
    assert_eq!((reply.status.as_u16(), log.len()), (400, 0));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let message = "the envelope is malformed";
    let expected = json!({ "code": 400, "errno": 999, "error": "Bad Request", "message": message });
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn a_refusal_keeps_the_headers_of_its_reason() {
    let layer = BatchLayer::kinto("/batch")
        .admit(|_| Err::<(), _>(Error::from(StatusCode::TOO_MANY_REQUESTS).retry_after(30)));
    let (reply, _) = ask_through(layer, envelope(r#"{"requests":[]}"#)).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("retry-after")),
        (429, Some("30"))
    );
    assert_eq!(reply.json()["error"], "Too Many Requests");
    // A status without a body has none.
    let layer = BatchLayer::kinto("/batch").admit(|_| Err::<(), _>(StatusCode::NO_CONTENT));
    let (reply, _) = ask_through(layer, envelope(r#"{"requests":[]}"#)).await;
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (204, &b""[..]));
}

#[tokio::test]
async fn a_refusal_has_the_form_of_the_format_that_was_sent() {
    // Two formats in one layer: the one that the batch names writes its refusal.
    let layer = BatchLayer::scim("/batch").format(tower_multistatus::NdJson::new());
    let mut lines = envelope("x\n");
    let ndjson = "application/x-ndjson".parse().unwrap();
    lines.headers_mut().insert("content-type", ndjson);
    lines
        .headers_mut()
        .insert("accept", "application/scim+json".parse().unwrap());
    let (reply, _) = ask_through(layer, lines).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (400, "malformed")
    );
}
