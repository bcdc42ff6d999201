//! ServiceNow.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{ask_through, envelope, responding, send};

fn batch(items: Value) -> http::Request<axum::body::Body> {
    envelope(json!({ "batch_request_id": "\u{2028}7", "rest_requests": items }).to_string())
}

#[tokio::test]
async fn bodies_are_base64_and_headers_are_arrays() {
    let body = STANDARD.encode("{'any': bytes}\u{0}");
    let (first, second) = body.split_at(8);
    let items = json!([{
        "id": "1", "method": "POST", "url": "/api/now/table/incident?x=1",
        "headers": [{ "name": "Content-Type", "value": "application/json" }, { "name": "Accept", "value": "a/b" }],
        "body": format!("{first}\r\n{second}"),
    }]);
    let (reply, log) = ask_through(BatchLayer::servicenow("/batch"), batch(items)).await;
    let received = log.only();
    assert_eq!(
        (&received.body[..], received.uri.as_str()),
        (&b"{'any': bytes}\0"[..], "/api/now/table/incident?x=1")
    );
    assert_eq!(received.header("content-type"), ["application/json"]);
    assert_eq!(received.header("accept"), ["a/b"]);
    let expected = json!({
        "serviced_requests": [{ "id": "1", "body": "e30=", "status_code": 200, "status_text": "OK",
            "headers": [{ "name": "Content-Type", "value": "application/json" }] }],
        "unserviced_requests": [],
        "batch_request_id": "\u{2028}7",
    });
    assert_eq!(reply.json(), expected);
    assert!(
        std::str::from_utf8(&reply.body)
            .unwrap()
            .contains("\\u20287")
    );
}

#[tokio::test]
async fn items_that_did_not_run_are_listed() {
    let layer = BatchLayer::servicenow("/batch")
        .continue_on_error(false)
        .concurrency(1);
    let items: Vec<_> = ["a", "b", "c"]
        .map(|id| json!({ "id": id, "method": "GET", "url": "/" }))
        .to_vec();
    let reply = send(layer.layer(responding(500, &[], "")), batch(items.into())).await;
    let reply = reply.json();
    let serviced = reply["serviced_requests"].as_array().unwrap();
    assert_eq!((serviced.len(), &serviced[0]["id"]), (1, &json!("a")));
    assert_eq!(reply["unserviced_requests"], json!(["b", "c"]));
}

#[tokio::test]
async fn an_item_can_do_without_headers() {
    let items = json!([{ "id": "1", "method": "GET", "url": "/", "exclude_response_headers": true },
                       { "id": "2", "method": "GET", "url": "/", "exclude_response_headers": false },
                       { "id": "3", "method": "GET", "url": "/", "exclude_response_headers": "yes" }]);
    let (reply, log) = ask_through(BatchLayer::servicenow("/batch"), batch(items)).await;
    let results = reply.json()["serviced_requests"].clone();
    assert_eq!(results[0]["headers"], json!([]));
    assert_eq!(results[1]["headers"].as_array().unwrap().len(), 1);
    assert_eq!((&results[2]["status_code"], log.len()), (&json!(400), 2));
}

#[tokio::test]
async fn a_number_of_the_batch_is_written_as_a_string() {
    let batch = envelope(r#"{"batch_request_id":1,"rest_requests":[{"method":"GET","url":"/"}]}"#);
    let (reply, _) = ask_through(BatchLayer::servicenow("/batch"), batch).await;
    assert_eq!(reply.json()["batch_request_id"], "1");
}

#[tokio::test]
async fn a_long_name_of_the_batch_is_refused() {
    for id in [json!("x".repeat(257)), json!([]), json!({}), json!(true)] {
        let envelope = envelope(json!({ "batch_request_id": id, "rest_requests": [] }).to_string());
        let (reply, log) = ask_through(BatchLayer::servicenow("/batch"), envelope).await;
        assert_eq!((reply.status.as_u16(), log.len()), (400, 0));
    }
}
