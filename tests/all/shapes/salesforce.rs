//! Salesforce.

use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{Log, Reply, ask_through, responding_with, send};

const PATH: &str = "/services/data/v60.0/composite/batch";

fn request(envelope: &Value) -> http::Request<axum::body::Body> {
    let mut request = crate::support::envelope(envelope.to_string());
    *request.uri_mut() = PATH.parse().unwrap();
    request
}

async fn ask(envelope: Value) -> (Reply, Log) {
    ask_through(BatchLayer::salesforce(PATH), request(&envelope)).await
}

#[tokio::test]
async fn urls_are_below_the_data_service() {
    let urls = [
        "v60.0/sobjects/Account/1?fields=Name",
        "/v53.0/chatter",
        "/services/data/v60.0/limits",
    ];
    let items: Vec<_> = urls
        .iter()
        .map(|url| json!({ "method": "Get", "url": url }))
        .collect();
    let (reply, log) = ask(json!({ "batchRequests": items })).await;
    assert_eq!(
        log.uris(),
        [
            "/services/data/v60.0/sobjects/Account/1?fields=Name",
            "/services/data/v53.0/chatter",
            "/services/data/v60.0/limits"
        ]
    );
    let result = json!({ "statusCode": 200, "result": {} });
    assert_eq!(
        reply.json(),
        json!({ "results": [result, result, result], "hasErrors": false })
    );
}

#[tokio::test]
async fn the_client_can_halt_a_batch_at_the_first_error() {
    let service = || {
        responding_with(|request| {
            let mut response = http::Response::new(bytes::Bytes::new());
            let fails = request.uri().path().ends_with("/2");
            *response.status_mut() = if fails { 404 } else { 204 }.try_into().unwrap();
            response
        })
    };
    let items: Vec<_> = (1..=4)
        .map(|at| json!({ "method": "GET", "url": format!("/{at}") }))
        .collect();
    let envelope = |halt: Value| json!({ "batchRequests": items, "haltOnError": halt });
    let ok = json!({ "statusCode": 204, "result": null });
    let failed = json!({ "statusCode": 404, "result": null });
    let halted = json!({ "statusCode": 412, "result":
        [{ "errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request" }] });
    let layer = BatchLayer::salesforce(PATH);
    let reply = send(
        layer.clone().layer(service()),
        request(&envelope(json!(true))),
    )
    .await;
    let expected = json!({ "results": [ok, failed, halted, halted], "hasErrors": true });
    assert_eq!(reply.json(), expected);
    for halt in [json!(false), json!(null)] {
        let reply = send(layer.clone().layer(service()), request(&envelope(halt))).await;
        assert_eq!(
            reply.json(),
            json!({ "results": [ok, failed, ok, ok], "hasErrors": true })
        );
    }
    let (reply, log) = ask(envelope(json!("true"))).await;
    assert_eq!((reply.status.as_u16(), log.len()), (400, 0));
}

#[tokio::test]
async fn nothing_is_evaluated() {
    let items = json!([{ "method": "GET", "url": "v60.0/sobjects/@{ref.id}" },
                       { "method": "GET", "url": "v60.0/%40%7Bref.id%7D" }]);
    let (reply, log) = ask(json!({ "batchRequests": items })).await;
    assert_eq!(log.len(), 0);
    let error = json!([{ "errorCode": "UNSUPPORTED_MEMBER", "message": "a member of the item is not supported" }]);
    let result = json!({ "statusCode": 400, "result": error });
    assert_eq!(
        reply.json(),
        json!({ "results": [result, result], "hasErrors": true })
    );
}
