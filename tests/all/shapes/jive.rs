//! Jive.

use serde_json::json;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{api, ask_through, envelope, send};

#[tokio::test]
async fn a_batch_of_its_documentation() {
    let items = json!([
        { "key": "a", "request": { "method": "GET", "endpoint": "/users/1" } },
        { "key": "b", "request": { "method": "POST", "endpoint": "echo", "body": { "x": 1 } } },
        { "key": "c", "request": { "method": "GET", "endpoint": "/none" } },
        { "key": "d", "request": { "method": "GET", "endpoint": "/users/${a:$.id}" } },
        { "key": "e" },
    ]);
    let service = BatchLayer::jive("/executeBatch").layer(api());
    let mut request = envelope(items.to_string());
    *request.uri_mut() = "/executeBatch".parse().unwrap();
    let reply = send(service, request).await;
    let results = reply.json();
    assert_eq!(
        results[0],
        json!({ "id": "a", "status": 200, "data": { "id": 1 } })
    );
    assert_eq!(
        (&results[1]["id"], &results[1]["status"]),
        (&json!("b"), &json!(200))
    );
    assert_eq!(
        results[2],
        json!({ "id": "c", "status": 404, "error": null })
    );
    assert_eq!(
        (&results[3]["status"], &results[3]["error"]["code"]),
        (&json!(400), &json!("unsupported-member"))
    );
    assert_eq!(
        (&results[4]["status"], &results[4]["error"]["code"]),
        (&json!(400), &json!("bad-method"))
    );
}

#[tokio::test]
async fn a_request_that_is_no_object_refuses_the_batch() {
    for request in [json!([]), json!("GET /"), json!(7)] {
        let items = json!([{ "key": "a", "request": request }]);
        let (reply, log) =
            ask_through(BatchLayer::jive("/batch"), envelope(items.to_string())).await;
        assert_eq!((reply.code().as_str(), log.len()), ("malformed", 0));
    }
}
