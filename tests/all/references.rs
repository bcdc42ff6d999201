//! References to earlier items and change sets in JSON.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, ChangeSets, RequestBody, UrlBase};

use crate::support::{Reply, problem, recorder, requests, send};
use crate::transactions::Store;

/// A service that responds with the method and path of the request.
fn products() -> Router {
    let ask = async |request: Request<Body>| {
        let if_match = request.headers().get("if-match");
        let if_match = if_match.map_or("", |value| value.to_str().unwrap());
        format!("{} {}{if_match}", request.method(), request.uri())
    };
    let create = async || {
        let headers = [
            ("location", "http://api.example/s/Products('a%20b')?x=1"),
            ("etag", "\"e\""),
        ];
        (StatusCode::CREATED, headers)
    };
    Router::new()
        .route("/s/Products", post(create).get(ask))
        .route(
            "/s/Outside",
            post(async || (StatusCode::CREATED, [("location", "//evil/x")])),
        )
        .route("/s/Nowhere", post(async || StatusCode::CREATED))
        .route("/s/Tagged", post(async || [("etag", "\"".repeat(8_193))]))
        .route(
            "/s/Far",
            post(async || (StatusCode::CREATED, [("location", "/x".repeat(5_000))])),
        )
        .route(
            "/s/Fail",
            get(async || StatusCode::CONFLICT).post(async || StatusCode::CONFLICT),
        )
        .fallback(ask)
}

async fn ask(layer: BatchLayer, items: Value) -> Reply {
    send(layer.layer(products()), requests(items)).await
}

fn layer() -> BatchLayer {
    BatchLayer::new("/batch")
        .base(UrlBase::for_all_urls("/s"))
        .references(true)
        .encode_urls(true)
}

fn item(id: &str, method: &str, url: &str) -> Value {
    json!({ "id": id, "method": method, "url": url })
}

#[tokio::test]
async fn a_reference_is_replaced_by_the_location_of_the_earlier_item() {
    for (url, received) in [
        ("$1", "/s/Products('a%20b')?x=1"),
        ("/$1", "/s/Products('a%20b')?x=1"),
        ("$1/Orders", "/s/Products('a%20b')/Orders"),
        ("$1?$top=1", "/s/Products('a%20b')?$top=1"),
        ("$1/a b", "/s/Products('a%20b')/a%20b"),
        // No id, or only the start of one: an ordinary segment.
        ("$10", "/s/$10"),
        ("$metadata", "/s/$metadata"),
        ("Products/$1", "/s/Products/$1"),
    ] {
        let items = json!([item("1", "POST", "Products"), item("2", "GET", url)]);
        let reply = ask(layer(), items).await;
        assert_eq!(reply.item("2")["body"], format!("GET {received}"), "{url}");
    }
}

#[tokio::test]
async fn the_location_of_an_item_without_the_header_is_its_url_unless_it_was_a_post() {
    let items = json!([
        item("get", "GET", "Products(1)?a=b"),
        item("of get", "GET", "$get/Name"),
        item("of that", "GET", "$of get/x"),
        item("post", "POST", "Nowhere"),
        item("of post", "GET", "$post"),
    ]);
    let reply = ask(layer(), items).await;
    assert_eq!(reply.item("of get")["body"], "GET /s/Products(1)/Name");
    assert_eq!(reply.item("of that")["body"], "GET /s/Products(1)/Name/x");
    let bad = problem(400, "bad-target", "the URL is not allowed in an item");
    assert_eq!(reply.item("of post")["body"], bad);
}

#[tokio::test]
async fn a_resolved_reference_passes_every_check_of_a_target() {
    for (location, url) in [
        ("Products", "$1/../../admin"),
        ("Products", "$1/%2e%2e/x"),
        ("Outside", "$1"),
        // Longer than a target may be.
        ("Far", "$1"),
    ] {
        let items = json!([item("1", "POST", location), item("2", "DELETE", url)]);
        let reply = ask(layer(), items).await;
        assert_eq!(reply.statuses(), [201, 400], "{url}");
    }
}

#[tokio::test]
async fn an_item_waits_for_those_that_it_refers_to_and_is_lost_with_them() {
    let items = json!([
        item("1", "GET", "Fail"),
        item("2", "GET", "$1/x"),
        item("3", "GET", "$2")
    ]);
    let reply = ask(layer(), items).await;
    assert_eq!(reply.statuses(), [409, 424, 424]);
    // A later item cannot be referred to.
    let items = json!([item("1", "GET", "$2"), item("2", "POST", "Products")]);
    assert_eq!(ask(layer(), items).await.item("1")["body"], "GET /s/$2");
}

#[tokio::test(start_paused = true)]
async fn an_item_waits_for_the_item_or_the_group_that_it_refers_to() {
    let begun = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&begun);
    let inner = service_fn(move |request: Request<RequestBody<Body>>| {
        let path = request.uri().path().to_owned();
        noted.lock().expect("the paths").push(path.clone());
        async move {
            let mut response = Response::new(Body::empty());
            if path == "/s/Slow" || path.ends_with("Name") {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if path == "/s/Slow" {
                let location = HeaderValue::from_static("/s/Products(3)");
                response.headers_mut().insert("location", location);
                *response.status_mut() = StatusCode::CREATED;
            }
            Ok::<_, Infallible>(response)
        }
    });
    let items = json!([
        item("first", "GET", "Products(1)"),
        member("new", "g", "Slow"),
        member("of new", "g", "$new/Name"),
        member("last", "g", "Slow"),
        item("after", "GET", "$new/Orders"),
        item("second", "GET", "Products(2)"),
    ]);
    let layer = layer().change_sets(Store::default().change_sets());
    let reply = send(layer.layer(inner), requests(items)).await;
    assert_eq!(reply.statuses(), [200, 201, 200, 201, 200, 200]);
    let expected = [
        "/s/Products(1)",
        "/s/Products(2)",
        "/s/Slow",
        "/s/Products(3)/Name",
        "/s/Slow",
        "/s/Products(3)/Orders",
    ];
    assert_eq!(*begun.lock().expect("the paths"), expected);
}

#[tokio::test]
async fn if_match_can_be_the_etag_of_an_earlier_item() {
    let mut patch = item("2", "PATCH", "$1");
    patch["headers"] = json!({ "If-Match": "$1" });
    let reply = ask(layer(), json!([item("1", "POST", "Products"), patch])).await;
    assert_eq!(
        reply.item("2")["body"],
        "PATCH /s/Products('a%20b')?x=1\"e\""
    );
    // Without an `ETag`, or with one of more bytes than a URL may have.
    for url in ["Nowhere", "Tagged"] {
        let mut patch = item("2", "PATCH", "Products");
        patch["headers"] = json!({ "If-Match": "$1" });
        let reply = ask(layer(), json!([item("1", "POST", url), patch])).await;
        let expected = problem(400, "bad-header", "a header is invalid");
        assert_eq!(reply.item("2")["body"], expected, "{url}");
    }
}

#[tokio::test]
async fn a_bad_url_is_reported_before_other_faults_unless_it_is_a_reference() {
    let faulty = |url: &str, body: Value, if_match: &str| {
        json!({ "id": "2", "method": "PUT", "url": url, "body": body,
                "headers": { "If-Match": if_match } })
    };
    for (item_2, code) in [
        (faulty("../x", json!([1, 2]), "*"), "bad-target"),
        (faulty("../x", Value::Null, "$1"), "bad-target"),
        (faulty("../x", json!([1, 2]), "$1"), "bad-target"),
        (faulty("Products", json!([1, 2]), "$1"), "body-too-large"),
        (faulty("$1", json!([1, 2]), "*"), "body-too-large"),
        (faulty("$1", Value::Null, "$1"), "bad-target"),
        (faulty("Products", Value::Null, "$1"), "bad-header"),
    ] {
        let items = json!([item("1", "POST", "Nowhere"), item_2]);
        let reply = ask(layer().max_item_body_bytes(3), items.clone()).await;
        assert_eq!(reply.item("2")["body"]["code"], code, "{items}");
    }
}

#[tokio::test]
async fn without_the_setting_a_reference_is_an_ordinary_segment() {
    let items = json!([item("1", "POST", "Products"), item("2", "GET", "$1")]);
    let layer = BatchLayer::new("/batch").base(UrlBase::for_all_urls("/s/"));
    assert_eq!(ask(layer, items).await.item("2")["body"], "GET /s/$1");
}

fn member(id: &str, group: &str, url: &str) -> Value {
    let mut member = item(id, "POST", url);
    member["atomicityGroup"] = json!(group);
    member
}

#[tokio::test]
async fn a_change_set_runs_in_order_up_to_its_first_failure_and_others_go_on() {
    let mut after = item("after", "GET", "Products");
    after["dependsOn"] = json!(["good"]);
    let mut never = item("never", "GET", "Products");
    never["dependsOn"] = json!(["bad"]);
    let items = json!([
        member("a", "good", "Products"),
        member("b", "good", "$a/Orders"),
        member("c", "bad", "Products"),
        member("d", "bad", "Fail"),
        member("e", "bad", "Products"),
        after,
        never,
    ]);
    let layer = layer().change_sets(ChangeSets::best_effort());
    let reply = ask(layer, items).await;
    assert_eq!(reply.statuses(), [201, 200, 201, 409, 424, 200, 424]);
    assert_eq!(reply.item("b")["body"], "POST /s/Products('a%20b')/Orders");
}

#[tokio::test]
async fn invalid_groups_are_refused() {
    let plain = |id: &str| item(id, "GET", "/");
    let split = json!([member("1", "g", "/"), plain("2"), member("3", "g", "/")]);
    let named_as_item = json!([plain("g"), member("1", "g", "/")]);
    let mut inside = member("2", "g", "/");
    inside["dependsOn"] = json!(["g"]);
    let waits_for_itself = json!([member("1", "g", "/"), inside]);
    for (items, code, at) in [
        (split, "malformed", 2),
        (named_as_item, "duplicate-id", 1),
        (waits_for_itself, "unknown-dependency", 1),
    ] {
        let (log, service) = recorder();
        let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
        let reply = send(layer.layer(service), requests(items)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(reply.json()["code"], code);
        assert_eq!(reply.json()["pointer"], format!("#/requests/{at}"));
        assert_eq!(log.len(), 0);
    }
}
