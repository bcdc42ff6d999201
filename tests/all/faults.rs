//! Errors of single items, while the rest of the batch runs.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::get;
use futures_util::stream;
use http::StatusCode;
use serde_json::{Value, json};
use tower_multistatus::BatchLayer;

use crate::support::{batch, failed, item_with, recorded, recording_router};

/// The response to an item that fails before dispatch. Checks that its neighbours are dispatched.
async fn not_dispatched(layer: BatchLayer, item: Value) -> Value {
    let (log, router) = recording_router();
    let items = json!([
        { "id": "before", "method": "GET", "url": "/before" },
        item_with(&item),
        { "id": "after", "method": "GET", "url": "/after" },
    ]);
    let reply = batch(layer, router, items).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    assert_eq!(log.uris(), ["/before", "/after"], "for {item}");
    assert_eq!(reply.item("before"), recorded("before"));
    assert_eq!(reply.item("after"), recorded("after"));
    reply.items().remove(1)
}

#[tokio::test]
async fn a_bad_target_is_400() {
    for url in [
        json!(""),
        json!("//evil"),
        json!("/a/../b"),
        json!(7),
        json!(null),
        json!(["/"]),
    ] {
        assert_eq!(
            not_dispatched(BatchLayer::new("/batch"), json!({ "url": url })).await,
            failed("x", 400, "bad-target", "the URL is not allowed in an item"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_bad_header_is_400() {
    for headers in [
        json!({ "": "a" }),
        json!({ "a b": "a" }),
        json!({ "a:": "a" }),
        json!({ "é": "a" }),
        json!({ "x": "a\r\nb: c" }),
        json!({ "x": "\u{0}" }),
        json!({ "x": 7 }),
        json!({ "x": null }),
        json!({ "x": ["a", {}] }),
        json!({ "content-type": ["text/plain", "text/plain"] }),
        json!({ "Content-Type": "text/plain", "content-type": "text/plain" }),
        json!("x: a"),
        json!(["x"]),
        json!(false),
    ] {
        assert_eq!(
            not_dispatched(BatchLayer::new("/batch"), json!({ "headers": headers })).await,
            failed("x", 400, "bad-header", "a header is invalid"),
            "{headers}"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_match_its_content_type_is_400() {
    for (content_type, body) in [
        ("text/plain", json!(7)),
        ("text/plain; charset=utf-8", json!({ "a": 1 })),
        ("application/x-www-form-urlencoded", json!(["a=b&c=d"])),
    ] {
        let item =
            json!({ "method": "POST", "headers": { "Content-Type": content_type }, "body": body });
        assert_eq!(
            not_dispatched(BatchLayer::new("/batch"), item).await,
            failed(
                "x",
                400,
                "bad-body",
                "the body does not match its content type"
            ),
            "{content_type} {body}"
        );
    }
}

#[tokio::test]
async fn an_invalid_method_is_400() {
    for method in [
        json!(""),
        json!("GE T"),
        json!("GÉT"),
        json!(7),
        json!(null),
    ] {
        assert_eq!(
            not_dispatched(BatchLayer::new("/batch"), json!({ "method": method })).await,
            failed("x", 400, "bad-method", "the method is invalid"),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_405() {
    for method in ["CONNECT", "TRACE", "trace", "MERGE", "PROPFIND", "GETS"] {
        assert_eq!(
            not_dispatched(BatchLayer::new("/batch"), json!({ "method": method })).await,
            failed(
                "x",
                405,
                "method-not-allowed",
                "the method is not allowed in a batch"
            ),
            "{method}"
        );
    }
}

#[tokio::test]
async fn an_item_that_the_filter_refuses_has_its_status() {
    for (status, title) in [
        (403, "Forbidden"),
        (404, "Not Found"),
        (451, "Unavailable For Legal Reasons"),
        (599, "the item failed"),
    ] {
        let layer = BatchLayer::new("/batch").filter(move |item| match item.uri.path() {
            "/" => Err(StatusCode::from_u16(status).expect("a status")),
            _ => Ok(()),
        });
        assert_eq!(
            not_dispatched(layer, json!({})).await,
            failed("x", status, "rejected", title)
        );
    }
}

fn failed_dependency(id: &str) -> Value {
    let title = "an item that this one depends on has failed";
    failed(id, 424, "failed-dependency", title)
}

#[tokio::test]
async fn direct_and_indirect_dependants_of_a_failed_item_are_424() {
    let (log, router) = recording_router();
    let router = Router::new().fallback_service(router).route(
        "/status/{status}",
        get(async |Path(status): Path<u16>| StatusCode::from_u16(status).expect("a status")),
    );
    let items = json!([
        { "id": "404", "method": "GET", "url": "/status/404" },
        { "id": "a", "method": "GET", "url": "/a", "dependsOn": ["404"] },
        { "id": "b", "method": "GET", "url": "/b", "dependsOn": ["404", "a"] },
        { "id": "free", "method": "GET", "url": "/free" },
        { "id": "c", "method": "GET", "url": "/c", "dependsOn": ["free", "b"] },
    ]);
    for concurrency in [1, 2, 8] {
        let layer = BatchLayer::new("/batch").concurrency(concurrency);
        let reply = batch(layer, router.clone(), items.clone()).await;
        assert_eq!(
            reply.items(),
            [
                json!({ "id": "404", "status": 404, "headers": {}, "body": null }),
                failed_dependency("a"),
                failed_dependency("b"),
                recorded("free"),
                failed_dependency("c"),
            ]
        );
    }
    assert_eq!(log.uris(), ["/free"; 3]);
}

#[tokio::test]
async fn a_redirect_and_a_304_are_successes_for_dependants() {
    let router = Router::new()
        .route(
            "/status/{status}",
            get(async |Path(status): Path<u16>| StatusCode::from_u16(status).expect("a status")),
        )
        .route("/next", get(async || "next"));
    for (status, next) in [
        (200, 200),
        (204, 200),
        (299, 200),
        (301, 200),
        (304, 200),
        (399, 200),
        (400, 424),
        (599, 424),
        (999, 424),
        (103, 424),
    ] {
        let items = json!([
            { "id": "a", "method": "GET", "url": format!("/status/{status}") },
            { "id": "b", "method": "GET", "url": "/next", "dependsOn": ["a"] },
        ]);
        let reply = batch(BatchLayer::new("/batch"), router.clone(), items).await;
        assert_eq!(reply.item("b")["status"], next, "after {status}");
    }
}

#[tokio::test]
async fn an_item_that_fails_without_dispatch_fails_its_dependants() {
    let (log, router) = recording_router();
    let items = json!([
        { "id": "a", "method": "GET", "url": "//evil" },
        { "id": "b", "method": "GET", "url": "/b", "dependsOn": ["a"] },
    ]);
    let reply = batch(BatchLayer::new("/batch"), router, items).await;
    assert_eq!(reply.statuses(), [400, 424]);
    assert_eq!(reply.item("b"), failed_dependency("b"));
    assert_eq!(log.len(), 0);
}

/// A body that sends `ok` and then breaks off.
fn broken() -> Body {
    let chunks = [Ok(Bytes::from("ok")), Err("a secret of the database")];
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn a_response_whose_body_breaks_off_is_502_and_none_of_it_is_sent() {
    let router = Router::new()
        .route("/broken", get(async || broken()))
        .route("/fine", get(async || "fine"));
    let items = json!([
        { "id": "a", "method": "GET", "url": "/fine" },
        { "id": "b", "method": "GET", "url": "/broken" },
        { "id": "c", "method": "GET", "url": "/fine" },
        { "id": "d", "method": "GET", "url": "/fine", "dependsOn": ["b"] },
    ]);
    let reply = batch(BatchLayer::new("/batch"), router, items).await;
    assert_eq!(reply.statuses(), [200, 502, 200, 424]);
    assert_eq!(
        reply.item("b"),
        failed(
            "b",
            502,
            "response-broken",
            "the body of the response failed before its end"
        )
    );
}
