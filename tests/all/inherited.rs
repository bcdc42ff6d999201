//! What items inherit from the outer request.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ItemHeaders};

use crate::support::{Asked, Headers, header_map, recorder, requests, send};

/// What the inner service sees of this item, under an outer request with these headers.
async fn asked(outer: Headers, item: Value) -> Asked {
    let mut whole = json!({ "id": "x", "method": "GET", "url": "/" });
    let members = whole.as_object_mut().expect("an object");
    members.extend(item.as_object().expect("an object").clone());
    let (log, service) = recorder();
    let mut request = requests(json!([whole]));
    for (name, value) in outer {
        let value = HeaderValue::from_static(value);
        request.headers_mut().append(*name, value);
    }
    let reply = send(BatchLayer::new("/batch").layer(service), request).await;
    assert_eq!(reply.statuses(), [200]);
    log.only()
}

#[tokio::test]
async fn nothing_that_is_about_the_envelope_reaches_an_item() {
    let outer: Headers = &[
        ("content-length", "7"),
        ("content-language", "de"),
        ("content-location", "/a"),
        ("content-disposition", "inline"),
        ("content-md5", "x"),
        ("content-x", "x"),
        ("content-security-policy", "x"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip"),
        ("if-match", "\"a\""),
        ("if-none-match", "*"),
        ("if-modified-since", "x"),
        ("if-unmodified-since", "x"),
        ("if-range", "\"a\""),
        ("if-x", "x"),
        ("range", "bytes=0-1"),
        ("expect", "100-continue"),
        ("te", "trailers"),
        ("trailer", "x-a"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("connection", "keep-alive, X-Named"),
        ("connection", "x-named-too"),
        ("x-named", "x"),
        ("x-named-too", "x"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "x"),
        ("proxy-connection", "x"),
        ("proxy-x", "x"),
        ("http2-settings", "x"),
        ("prefer", "respond-async"),
        ("max-forwards", "3"),
    ];
    assert_eq!(
        asked(outer, json!({})).await.headers,
        header_map(&[("host", "api.example")])
    );
}

#[tokio::test]
async fn everything_else_is_inherited() {
    let outer: Headers = &[
        ("authorization", "Bearer x"),
        ("cookie", "a=b"),
        ("cookie", "c=d"),
        ("origin", "https://a"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-request-id", "7"),
        ("traceparent", "x"),
        ("user-agent", "x"),
        ("accept-language", "de"),
        ("odata-version", "4.01"),
        ("cache-control", "no-cache"),
        ("dnt", "1"),
    ];
    let mut expected = header_map(outer);
    expected.insert("host", HeaderValue::from_static("api.example"));
    assert_eq!(asked(outer, json!({})).await.headers, expected);
}

#[tokio::test]
async fn content_length_is_that_of_the_items_own_body() {
    let rows = [
        (
            json!({ "method": "POST", "body": { "a":  1 } }),
            Some("7"),
            Some("application/json"),
        ),
        (
            json!({ "method": "PUT", "headers": { "content-type": "text/plain" }, "body": "€" }),
            Some("3"),
            Some("text/plain"),
        ),
        (
            json!({ "method": "PATCH", "headers": { "content-type": "image/png" }, "body": "AAEC/w==" }),
            Some("4"),
            Some("image/png"),
        ),
        (
            json!({ "method": "DELETE", "body": 1 }),
            Some("1"),
            Some("application/json"),
        ),
        (
            json!({ "method": "POST", "headers": { "Content-Length": "99" }, "body": [] }),
            Some("2"),
            Some("application/json"),
        ),
        (json!({ "method": "POST", "body": null }), Some("0"), None),
        (json!({ "method": "PUT" }), Some("0"), None),
        (
            json!({ "method": "PATCH", "headers": { "Content-Length": "5" } }),
            Some("0"),
            None,
        ),
        (
            json!({ "method": "GET", "headers": { "Content-Length": "5" } }),
            None,
            None,
        ),
        (json!({ "method": "DELETE" }), None, None),
    ];
    for (item, length, content_type) in rows {
        let asked = asked(&[("content-length", "1")], item.clone()).await;
        assert_eq!(
            asked.header("content-length"),
            Vec::from_iter(length),
            "{item}"
        );
        assert_eq!(
            asked.header("content-type"),
            Vec::from_iter(content_type),
            "{item}"
        );
        let true_length = length.map_or(0, |length| length.parse().expect("a number"));
        assert_eq!(asked.body.len(), true_length, "{item}");
    }
}

#[tokio::test]
async fn what_a_body_needs_takes_the_place_of_nothing_that_is_inherited() {
    // As many as an outer request may have, several of one name among them, and one or two items.
    let names: Vec<String> = (0..990).map(|number| format!("x-{number}")).collect();
    let bodies = [
        (json!({ "body": "€" }), "5", "application/json"),
        (
            json!({ "headers": { "content-type": "text/plain", "accept": "a/b" }, "body": "€" }),
            "3",
            "text/plain",
        ),
        (
            json!({ "headers": { "if-match": "*" }, "body": "x".repeat(998) }),
            "1000",
            "application/json",
        ),
    ];
    for copies in [1, 2] {
        for (item, length, content_type) in &bodies {
            let items: Vec<Value> = (0..copies)
                .map(|id: u32| {
                    let mut whole = json!({ "id": id.to_string(), "method": "POST", "url": "/" });
                    let members = whole.as_object_mut().expect("an object");
                    members.extend(item.as_object().expect("an object").clone());
                    whole
                })
                .collect();
            let (log, service) = recorder();
            let mut request = requests(Value::from(items));
            let mut expected = HeaderMap::new();
            for name in &names {
                let name = HeaderName::try_from(name).expect("a name");
                expected.append(&name, HeaderValue::from_static("1"));
            }
            expected.append("x-0", HeaderValue::from_static("2"));
            request.headers_mut().extend(expected.clone());
            expected.insert("host", HeaderValue::from_static("api.example"));
            expected.insert("content-length", HeaderValue::from_static(length));
            expected.insert("content-type", HeaderValue::from_static(content_type));
            for (name, value) in item["headers"].as_object().into_iter().flatten() {
                let value = HeaderValue::from_str(value.as_str().expect("a string"));
                let name = HeaderName::try_from(name).expect("a name");
                expected.insert(name, value.expect("a value"));
            }
            let reply = send(BatchLayer::new("/batch").layer(service), request).await;
            assert_eq!(reply.statuses(), vec![200; copies as usize]);
            for asked in log.all() {
                assert_eq!(asked.headers, expected, "{item}");
            }
        }
    }
}

#[tokio::test]
async fn an_idempotency_key_is_made_the_items_own() {
    let named = |id: &str| json!({ "id": id });
    for (outer, item, expected) in [
        (
            &[("idempotency-key", "\"k\"")] as Headers,
            named("a"),
            &["\"k:a\""][..],
        ),
        (&[("idempotency-key", "k")], named("a"), &["k:a"]),
        (
            &[("idempotency-key", "k"), ("idempotency-key", "l")],
            named("a"),
            &["k:a"],
        ),
        (
            &[("idempotency-key", "\"k\"")],
            named("a\"b\\c%é"),
            &["\"k:a%22b%5Cc%25%C3%A9\""],
        ),
        (&[], named("a"), &[]),
    ] {
        let (log, service) = recorder();
        let id = item["id"].clone();
        let mut request = requests(json!([{ "id": id, "method": "GET", "url": "/" }]));
        request.headers_mut().extend(header_map(outer));
        send(BatchLayer::new("/batch").layer(service), request).await;
        assert_eq!(log.only().header("idempotency-key"), expected);
    }
    let own = json!({ "headers": { "Idempotency-Key": "\"own\"" } });
    let asked = asked(&[("idempotency-key", "\"k\"")], own).await;
    assert_eq!(asked.header("idempotency-key"), ["\"own\""]);
}

#[tokio::test]
async fn an_authority_in_the_uri_becomes_the_host_where_there_is_none() {
    for (host, expected) in [
        (None, "h2.example:8443"),
        (Some("own.example"), "own.example"),
    ] {
        let (log, service) = recorder();
        let mut request = requests(
            json!([{ "id": "a", "method": "GET", "url": "/a", "headers": { "Host": "evil" } }]),
        );
        *request.uri_mut() = "https://h2.example:8443/batch".parse().expect("a URI");
        request.headers_mut().remove("host");
        if let Some(host) = host {
            request
                .headers_mut()
                .insert("host", HeaderValue::from_static(host));
        }
        send(BatchLayer::new("/batch").layer(service), request).await;
        let asked = log.only();
        assert_eq!(asked.uri, "/a");
        assert_eq!(asked.header("host"), [expected]);
    }
}

#[tokio::test]
async fn a_name_may_have_many_values() {
    let (log, service) = recorder();
    let mut request = requests(json!([{ "id": "x", "method": "GET", "url": "/" }]));
    for _ in 0..998 {
        let value = HeaderValue::from_static("1");
        request.headers_mut().append("x-many", value);
    }
    let reply = send(BatchLayer::new("/batch").layer(service), request).await;
    assert_eq!(reply.statuses(), [200]);
    assert_eq!(log.only().header("x-many").len(), 998);
}

#[tokio::test]
async fn a_request_id_is_made_the_items_own_and_what_the_item_brings_is_ignored() {
    let open = || ItemHeaders::guarded().allow(["x-request-id"]);
    for (outer, id, expected) in [
        (&[("x-request-id", "7")] as Headers, "a", &["7:a"][..]),
        (
            &[("x-request-id", "7"), ("x-request-id", "8")],
            "a",
            &["7:a"],
        ),
        (&[("x-request-id", "7")], "a\"b%é", &["7:a%22b%25%C3%A9"]),
        (
            &[("x-request-id", "7"), ("connection", "x-request-id")],
            "a",
            &[],
        ),
        (&[], "a", &[]),
    ] {
        for policy in [
            ItemHeaders::guarded(),
            ItemHeaders::all_but_protected(),
            open(),
        ] {
            for brought in [
                json!({}),
                json!({ "X-Request-Id": "own" }),
                json!({ "x_request_id": "own" }),
            ] {
                let (log, service) = recorder();
                let item = json!({ "id": id, "method": "GET", "url": "/", "headers": brought });
                let mut request = requests(json!([item]));
                request.headers_mut().extend(header_map(outer));
                let layer = BatchLayer::new("/batch").item_request_ids("X-Request-ID");
                let layer = layer.item_headers(policy.clone());
                send(layer.layer(service), request).await;
                let asked = log.only();
                assert_eq!(asked.header("x-request-id"), expected, "{item}");
                assert_eq!(asked.header("x_request_id"), [] as [&str; 0], "{item}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_id_leaves_no_other_spelling_of_itself() {
    let (log, service) = recorder();
    let mut request = requests(json!([{ "id": "a", "method": "GET", "url": "/" }]));
    let outer = header_map(&[("x-request-id", "7"), ("x_request_id", "8")]);
    request.headers_mut().extend(outer);
    let layer = BatchLayer::new("/batch").item_request_ids("x-request-id");
    send(layer.layer(service), request).await;
    assert_eq!(log.only().header("x-request-id"), ["7:a"]);
    assert_eq!(log.only().header("x_request_id"), [] as [&str; 0]);
}
