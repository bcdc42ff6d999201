//! WordPress.

use axum::Router;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{Log, Reply, ask_through, recording_router, responding, send};

fn layer() -> BatchLayer {
    BatchLayer::wordpress("/wp-json/batch/v1")
}

fn request(envelope: Value) -> Request<axum::body::Body> {
    let mut request = crate::support::envelope(envelope.to_string());
    *request.uri_mut() = "/wp-json/batch/v1?_locale=user".parse().unwrap();
    request
}

async fn ask(envelope: Value) -> (Reply, Log) {
    ask_through(layer(), request(envelope)).await
}

#[tokio::test]
async fn a_batch_of_its_documentation() {
    let items = json!({ "requests": [
        { "path": "/wp/v2/posts/1?force=true", "method": "PUT", "headers": { "Prefer": ["a", "b"] }, "body": { "title": "x" } },
        { "path": "/wp/v2/posts" },
    ] });
    let (reply, log) = ask(items).await;
    let received = log.all();
    assert_eq!(received[0].uri, "/wp-json/wp/v2/posts/1?force=true");
    assert_eq!(received[0].header("prefer"), ["a", "b"]);
    assert_eq!(
        (&received[1].method, received[1].uri.as_str()),
        (&Method::POST, "/wp-json/wp/v2/posts")
    );
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    let result =
        json!({ "body": {}, "status": 200, "headers": { "Content-Type": "application/json" } });
    assert_eq!(reply.json(), json!({ "responses": [result, result] }));
}

#[tokio::test]
async fn one_invalid_item_stops_all_if_the_client_asks_for_it() {
    let items = |validation: &str| {
        json!({ "validation": validation, "requests": [
            { "path": "/wp/v2/posts", "body": {} },
            { "path": "//elsewhere" },
            { "path": "/wp/v2/posts", "body": {} },
        ] })
    };
    let (reply, log) = ask(items("require-all-validate")).await;
    assert_eq!((reply.status.as_u16(), log.len()), (207, 0));
    let json = json!({ "Content-Type": "application/json" });
    let body = |code: &str, message: &str, status: u16| {
        json!({ "body": { "code": code, "message": message, "data": { "status": status } },
                "status": status, "headers": json })
    };
    let valid = body("not-validated", "another item of the batch is invalid", 424);
    let invalid = body("bad-target", "the URL is not allowed in an item", 400);
    assert_eq!(
        reply.json(),
        json!({ "responses": [valid, invalid, valid], "failed": "validation" })
    );

    let (reply, log) = ask(items("normal")).await;
    assert_eq!(log.len(), 2);
    assert!(reply.json().get("failed").is_none());
}

#[tokio::test]
async fn every_check_of_the_layer_counts_as_validation() {
    for invalid in [
        json!({ "path": 7 }),
        json!({ "path": "/a", "method": "BREW" }),
        json!({ "path": "/a", "headers": { "a b": "" } }),
        json!({ "path": "/a", "headers": { "content-type": "image/png" }, "body": "!" }),
        json!({ "path": "/a", "body": "x".repeat(300_000) }),
    ] {
        let requests = json!([{ "path": "/wp/v2/posts" }, invalid]);
        let (reply, log) =
            ask(json!({ "validation": "require-all-validate", "requests": requests })).await;
        assert_eq!(
            (reply.status.as_u16(), log.len()),
            (207, 0),
            "{:?}",
            reply.body
        );
        assert_eq!(reply.json()["failed"], "validation");
        assert_eq!(reply.json()["responses"][0]["status"], 424);
    }
}

#[tokio::test]
async fn valid_items_run_even_if_one_fails_in_its_handler() {
    let requests = json!([{ "path": "/a" }, { "path": "/b" }]);
    let envelope = json!({ "validation": "require-all-validate", "requests": requests });
    let reply = send(layer().layer(responding(404, &[], "")), request(envelope)).await;
    // A failure without a body would be taken for a success.
    let body = json!({ "code": "failed", "message": "Not Found", "data": { "status": 404 } });
    for result in reply.json()["responses"].as_array().unwrap() {
        assert_eq!((&result["status"], &result["body"]), (&json!(404), &body));
    }
    assert!(reply.json().get("failed").is_none());
}

#[tokio::test]
async fn options_tells_the_limit() {
    let (log, router) = recording_router();
    let ask = async |layer: BatchLayer, preflight: bool| {
        let mut request = Request::options("/wp-json/batch/v1?_locale=user");
        if preflight {
            request = request.header("access-control-request-method", "POST");
        }
        let router: Router = router.clone();
        send(
            layer.layer(router),
            request.body(axum::body::Body::empty()).unwrap(),
        )
        .await
    };
    for (layer, max) in [
        (layer(), 25),
        (layer().max_items(3), 3),
        (layer().exclusive(true), 25),
    ] {
        let reply = ask(layer, false).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, Some("application/json"))
        );
        assert_eq!(
            reply.json()["endpoints"][0]["args"]["requests"]["maxItems"],
            max
        );
    }
    assert_eq!(log.len(), 0);
    // A preflight is for the layer outside, or the handler.
    ask(layer(), true).await;
    assert_eq!(log.only().method, Method::OPTIONS);
    // Formats without such a document leave OPTIONS to the handler.
    ask(BatchLayer::new("/wp-json/batch/v1"), false).await;
    assert_eq!(log.len(), 2);
}
