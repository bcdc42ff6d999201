//! What items inherit from the outer request.

use http::HeaderValue;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ItemHeaders};

use crate::support::{Headers, Received, header_map, item_with, recorder, requests, send};

/// The inner request of this item, with these headers of the outer request.
pub(crate) async fn received(outer: Headers, item: Value) -> Received {
    let (log, service) = recorder();
    let mut request = requests(json!([item_with(&item)]));
    for (name, value) in outer {
        let value = HeaderValue::from_static(value);
        request.headers_mut().append(*name, value);
    }
    let reply = send(BatchLayer::new("/batch").layer(service), request).await;
    assert_eq!(reply.statuses(), [200]);
    log.only()
}

#[tokio::test]
async fn headers_about_the_envelope_are_not_inherited() {
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
        received(outer, json!({})).await.headers,
        header_map(&[("host", "api.example")])
    );
}

#[tokio::test]
async fn a_connection_header_that_is_not_text_keeps_what_it_names_from_items() {
    let (log, service) = recorder();
    let mut request = requests(json!([{ "id": "a", "method": "GET", "url": "/" }]));
    let headers = request.headers_mut();
    let connection = HeaderValue::from_bytes(b"x-named, \xFF").expect("a value");
    headers.insert("connection", connection);
    headers.insert("x-named", HeaderValue::from_static("1"));
    send(BatchLayer::new("/batch").layer(service), request).await;
    let expected = header_map(&[("host", "api.example")]);
    assert_eq!(log.only().headers, expected);
}

#[tokio::test]
async fn all_other_headers_are_inherited() {
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
    assert_eq!(received(outer, json!({})).await.headers, expected);
}

#[tokio::test]
async fn an_idempotency_key_gets_the_item_id() {
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
    let received = received(&[("idempotency-key", "\"k\"")], own).await;
    assert_eq!(received.header("idempotency-key"), ["\"own\""]);
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
        let received = log.only();
        assert_eq!(received.uri, "/a");
        assert_eq!(received.header("host"), [expected]);
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
async fn a_request_id_gets_the_item_id_and_the_items_own_header_is_ignored() {
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
                let received = log.only();
                assert_eq!(received.header("x-request-id"), expected, "{item}");
                assert_eq!(received.header("x_request_id"), [] as [&str; 0], "{item}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_id_replaces_every_spelling_of_its_header() {
    let (log, service) = recorder();
    let mut request = requests(json!([{ "id": "a", "method": "GET", "url": "/" }]));
    let outer = header_map(&[("x-request-id", "7"), ("x_request_id", "8")]);
    request.headers_mut().extend(outer);
    let layer = BatchLayer::new("/batch").item_request_ids("x-request-id");
    send(layer.layer(service), request).await;
    assert_eq!(log.only().header("x-request-id"), ["7:a"]);
    assert_eq!(log.only().header("x_request_id"), [] as [&str; 0]);
}
