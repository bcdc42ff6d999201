//! Every status of a REST handler is the status of its item.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Json;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::support::{Headers, batch, failed, gets_by_url, responding, response_to};

/// The item for a response with this status, headers and body.
async fn through(status: u16, headers: Headers, body: &'static str, item: Value) -> Value {
    let service = BatchLayer::new("/batch").layer(responding(status, headers, body));
    response_to(service, item).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_201_has_its_location_and_its_body() {
    let headers = &[JSON, ("location", "/users/7"), ("etag", "\"a\"")];
    assert_eq!(
        through(201, headers, r#"{"id":7}"#, json!({ "method": "POST" })).await,
        json!({ "id": "x", "status": 201, "body": { "id": 7 },
                "headers": { "Content-Type": "application/json", "Location": "/users/7", "ETag": "\"a\"" } })
    );
}

#[tokio::test]
async fn a_status_with_a_body_is_unchanged() {
    for status in [
        200, 202, 203, 206, 300, 400, 401, 402, 403, 404, 406, 408, 409, 410, 411, 412, 413, 414,
        415, 416, 417, 418, 422, 424, 428, 429, 431, 451, 500, 501, 502, 503, 504, 507, 511, 599,
        600, 999,
    ] {
        assert_eq!(
            through(status, &[JSON], r#"{"a":1}"#, json!({})).await,
            json!({ "id": "x", "status": status, "body": { "a": 1 },
                    "headers": { "Content-Type": "application/json" } })
        );
    }
}

#[tokio::test]
async fn a_status_keeps_its_typical_header() {
    let rows: &[(u16, Headers, Value)] = &[
        (
            202,
            &[("location", "/jobs/1")],
            json!({ "Location": "/jobs/1" }),
        ),
        (
            206,
            &[("content-range", "bytes 0-1/9")],
            json!({ "Content-Range": "bytes 0-1/9" }),
        ),
        (301, &[("location", "/a")], json!({ "Location": "/a" })),
        (
            302,
            &[("location", "/a?b=c")],
            json!({ "Location": "/a?b=c" }),
        ),
        (303, &[("location", "/a")], json!({ "Location": "/a" })),
        (
            307,
            &[("location", "https://x/y")],
            json!({ "Location": "https://x/y" }),
        ),
        (308, &[("location", "/a")], json!({ "Location": "/a" })),
        (
            401,
            &[("www-authenticate", "Bearer")],
            json!({ "WWW-Authenticate": "Bearer" }),
        ),
        (
            405,
            &[("allow", "GET, HEAD")],
            json!({ "Allow": "GET, HEAD" }),
        ),
        (412, &[("etag", "W/\"b\"")], json!({ "ETag": "W/\"b\"" })),
        (
            415,
            &[("accept-patch", "text/plain")],
            json!({ "Accept-Patch": "text/plain" }),
        ),
        (429, &[("retry-after", "7")], json!({ "Retry-After": "7" })),
        (
            503,
            &[("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT")],
            json!({ "Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT" }),
        ),
        (
            401,
            &[
                ("www-authenticate", "Bearer"),
                ("www-authenticate", "Basic realm=\"r\""),
            ],
            json!({ "WWW-Authenticate": "Bearer, Basic realm=\"r\"" }),
        ),
    ];
    for (status, headers, expected) in rows {
        assert_eq!(
            through(*status, headers, "", json!({})).await,
            json!({ "id": "x", "status": status, "headers": expected, "body": null })
        );
    }
}

#[tokio::test]
async fn a_204_a_205_and_a_304_have_no_body_even_when_the_handler_sends_one() {
    for status in [204, 205, 304] {
        let headers = &[("etag", "\"a\""), ("content-length", "5")];
        assert_eq!(
            through(status, headers, "hello", json!({})).await,
            json!({ "id": "x", "status": status, "headers": { "ETag": "\"a\"" }, "body": null })
        );
        assert_eq!(
            through(status, &[], "", json!({})).await,
            json!({ "id": "x", "status": status, "headers": {}, "body": null })
        );
    }
}

#[tokio::test]
async fn a_final_status_of_1xx_is_502() {
    for status in [100, 102, 103, 199] {
        assert_eq!(
            through(status, &[JSON], "{}", json!({})).await,
            failed(
                "x",
                502,
                "not-final",
                "the service returned an informational status"
            )
        );
    }
}

#[tokio::test]
async fn head_has_the_headers_of_a_get_and_no_body() {
    let router = Router::new().route("/", get(async || Json(json!({ "a": 1 }))));
    let service = BatchLayer::new("/batch").layer(router);
    assert_eq!(
        response_to(service, json!({ "method": "head" })).await,
        json!({ "id": "x", "status": 200, "body": null,
                "headers": { "Content-Type": "application/json", "Content-Length": "7" } })
    );
}

#[tokio::test]
async fn head_has_no_body_even_when_the_handler_sends_one() {
    // A router would remove the body itself.
    let sends_a_body = async |_: Request<RequestBody<Body>>| {
        let response = Response::builder().header("content-length", "2");
        Ok::<_, Infallible>(response.body(Body::from("{}")).expect("a response"))
    };
    let spawn = |item| drop(tokio::spawn(item));
    for layer in [
        BatchLayer::new("/batch"),
        BatchLayer::new("/batch").executor(spawn),
    ] {
        let service = layer.layer(service_fn(sends_a_body));
        assert_eq!(
            response_to(service, json!({ "method": "HEAD" })).await,
            json!({ "id": "x", "status": 200, "body": null,
                    "headers": { "Content-Length": "2" } })
        );
    }
}

/// A resource with the entity tag `"v1"`.
fn conditional() -> Router {
    let read = async |headers: HeaderMap| match headers.get("if-none-match") {
        Some(tag) if tag == "*" || tag == "\"v1\"" => {
            (StatusCode::NOT_MODIFIED, [("etag", "\"v1\"")])
        }
        _ => (StatusCode::OK, [("etag", "\"v1\"")]),
    };
    let write = async |headers: HeaderMap| {
        let is_other = |tag: &HeaderValue| tag != "\"v1\"";
        if headers.get("if-match").is_some_and(is_other) || headers.contains_key("if-none-match") {
            return StatusCode::PRECONDITION_FAILED;
        }
        StatusCode::NO_CONTENT
    };
    Router::new().route("/", get(read).put(write))
}

#[tokio::test]
async fn an_item_is_conditional_by_its_own_headers() {
    let items = json!([
        { "id": "fresh", "method": "GET", "url": "/", "headers": { "If-None-Match": "\"v1\"" } },
        { "id": "any", "method": "GET", "url": "/", "headers": { "if-none-match": "*" } },
        { "id": "stale", "method": "GET", "url": "/", "headers": { "If-None-Match": "\"v0\"" } },
        { "id": "match", "method": "PUT", "url": "/", "headers": { "If-Match": "\"v1\"" } },
        { "id": "lost", "method": "PUT", "url": "/", "headers": { "If-Match": "\"v0\"" } },
        { "id": "exists", "method": "PUT", "url": "/", "headers": { "If-None-Match": "*" } },
        { "id": "plain", "method": "PUT", "url": "/" },
    ]);
    let reply = batch(BatchLayer::new("/batch"), conditional(), items).await;
    assert_eq!(reply.statuses(), [304, 304, 200, 204, 412, 412, 204]);
    assert_eq!(
        reply.item("any"),
        json!({ "id": "any", "status": 304, "headers": { "ETag": "\"v1\"" }, "body": null })
    );
}

#[tokio::test]
async fn refusals_of_the_router_are_unchanged() {
    let router = Router::new().route("/", post(async |Json(n): Json<u8>| Json(n)));
    let items = json!([
        { "id": "ok", "method": "POST", "url": "/", "body": 7 },
        { "id": "405", "method": "DELETE", "url": "/" },
        { "id": "415", "method": "POST", "url": "/", "headers": { "Content-Type": "text/plain" }, "body": "7" },
        { "id": "422", "method": "POST", "url": "/", "body": "seven" },
    ]);
    let reply = batch(BatchLayer::new("/batch"), router, items).await;
    assert_eq!(reply.statuses(), [200, 405, 415, 422]);
    assert_eq!(reply.item("ok")["body"], 7);
    assert_eq!(
        reply.item("405"),
        json!({ "id": "405", "status": 405, "headers": { "Allow": "POST" }, "body": null })
    );
    for id in ["415", "422"] {
        let item = reply.item(id);
        assert_eq!(
            item["headers"],
            json!({ "Content-Type": "text/plain; charset=utf-8" })
        );
        assert!(item["body"].is_string());
    }
}

#[tokio::test]
async fn retry_after_of_the_batch_is_the_largest_of_the_429_and_503_items() {
    let router = Router::new().route(
        "/{status}/{after}",
        get(
            async |axum::extract::Path((status, after)): axum::extract::Path<(u16, String)>| {
                let status = StatusCode::from_u16(status).expect("a status");
                (status, [("retry-after", after)])
            },
        ),
    );
    let rows = [
        (vec!["/429/5", "/503/120", "/429/60"], Some("120")),
        (vec!["/503/0"], Some("0")),
        // Other statuses use the header for something else.
        (
            vec!["/429/5", "/500/600", "/301/900", "/202/700"],
            Some("5"),
        ),
        (vec!["/200/5"], None),
        // A date is not compared.
        (vec!["/503/Fri,%2001%20Jan%202100%2000:00:00%20GMT"], None),
        (vec!["/503/later", "/429/3"], Some("3")),
    ];
    for (urls, expected) in rows {
        let items = gets_by_url(&urls);
        let reply = batch(BatchLayer::new("/batch"), router.clone(), items.clone()).await;
        assert_eq!(reply.header("retry-after"), expected, "{urls:?}");
        let streamed = BatchLayer::new("/batch").streamed(true);
        let reply = batch(streamed, router.clone(), items).await;
        assert_eq!(reply.header("retry-after"), None, "streamed: {urls:?}");
    }
}
