//! The headers for the body of an item.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::inherited::received;
use crate::support::{item_with, recorder, requests, send};

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
        let received = received(&[("content-length", "1")], item.clone()).await;
        assert_eq!(
            received.header("content-length"),
            Vec::from_iter(length),
            "{item}"
        );
        assert_eq!(
            received.header("content-type"),
            Vec::from_iter(content_type),
            "{item}"
        );
        let true_length = length.map_or(0, |length| length.parse().expect("a number"));
        assert_eq!(received.body.len(), true_length, "{item}");
    }
}

#[tokio::test]
async fn headers_of_a_body_replace_no_inherited_header() {
    // The maximum number of outer headers, with a repeated name, and one or two items.
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
                    let mut item = item_with(item);
                    item["id"] = json!(id.to_string());
                    item["method"] = json!("POST");
                    item
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
            for received in log.all() {
                assert_eq!(received.headers, expected, "{item}");
            }
        }
    }
}
