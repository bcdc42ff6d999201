//! Batches and their responses, validated by the schemas.

use super::*;
use crate::support::{gets, item_with, with_header};

/// Whether the layer accepts the batch, and whether the schema does.
async fn judged(layer: BatchLayer, batch: &Value) -> (bool, bool) {
    let schema = Schema::component(&layer.openapi(), "BatchRequest");
    let (reply, _) = ask_through(layer, envelope(batch.to_string())).await;
    (
        reply.status == StatusCode::MULTI_STATUS,
        schema.allows(batch),
    )
}

fn second(item: Value) -> Value {
    json!({ "requests": [{ "id": "a", "method": "GET", "url": "/1" }, item] })
}

#[tokio::test]
async fn accepted_batches_match_the_schema() {
    for batch in [
        json!({ "requests": [] }),
        json!({ "requests": gets(&["/1", "/2"]), "more": 1 }),
        second(
            json!({ "id": "b", "method": "POST", "url": "/2", "dependsOn": ["a"], "other": true,
                       "headers": { "content-type": "text/plain", "x-note": ["a", "b"] }, "body": "text" }),
        ),
        second(json!({ "id": "b", "method": "PUT", "url": "/2", "body": { "a": [1, 2.5, null] } })),
        second(
            json!({ "id": "b", "method": "GET", "url": "relative", "headers": null, "body": null,
                       "dependsOn": null, "atomicityGroup": null, "if": null }),
        ),
        second(json!({ "id": "é".repeat(128), "method": "DELETE", "url": "/2" })),
    ] {
        let judged = judged(BatchLayer::new("/batch"), &batch).await;
        assert_eq!(judged, (true, true), "{batch}");
    }
    let batch = second(json!({ "id": "b", "method": "POST", "url": "/2", "atomicityGroup": "g" }));
    let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    assert_eq!(judged(layer, &batch).await, (true, true), "{batch}");
}

#[tokio::test]
async fn malformed_batches_do_not_match_the_schema() {
    let item = |members: Value| second(item_with(&members));
    for batch in [
        json!([]),
        json!({}),
        json!({ "requests": {} }),
        json!({ "requests": ["/1"] }),
        second(json!({ "method": "GET", "url": "/2" })),
        item(json!({ "id": 1 })),
        item(json!({ "id": "" })),
        item(json!({ "id": "x".repeat(257) })),
        item(json!({ "id": "a\u{1}" })),
        item(json!({ "id": "a\u{85}" })),
        item(json!({ "dependsOn": "a" })),
        item(json!({ "dependsOn": [1] })),
        item(json!({ "atomicityGroup": "g" })),
        item(json!({ "if": "a" })),
        json!({ "requests": gets(&["/1"; 101]) }),
    ] {
        let judged = judged(BatchLayer::new("/batch"), &batch).await;
        assert_eq!(judged, (false, false), "{batch}");
    }
}

#[tokio::test]
async fn an_item_that_fails_before_dispatch_does_not_match_the_schema() {
    for members in [
        json!({ "method": "BREW" }),
        json!({ "method": 1 }),
        json!({ "url": "" }),
        json!({ "url": format!("/{}", "x".repeat(8192)) }),
        json!({ "headers": [] }),
        json!({ "headers": { "x-note": 1 } }),
    ] {
        let batch = json!({ "requests": [item_with(&members)] });
        let schema = Schema::component(&BatchLayer::new("/batch").openapi(), "BatchRequest");
        assert!(!schema.allows(&batch), "{batch}");
        let (log, service) = recorder();
        let service = BatchLayer::new("/batch").layer(service);
        let reply = send(service, envelope(batch.to_string())).await;
        assert_eq!(log.len(), 0, "{batch}");
        assert_eq!(reply.status, StatusCode::MULTI_STATUS, "{batch}");
    }
}

fn inner() -> Router {
    let cookies = async || ([("set-cookie", "a=1"), ("etag", "\"a\"")], "text");
    api()
        .route("/cookies", get(cookies))
        .route("/bytes", get(async || vec![0_u8, 255]))
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/panic", get(async || -> String { panic!("by design") }))
}

fn batch() -> Request<Body> {
    let mut items = gets(&["/cookies", "/bytes", "/empty", "/panic", "/none", "bad url"]);
    let last = json!({ "id": "last", "method": "GET", "url": "/empty", "dependsOn": ["4"] });
    items.as_array_mut().expect("an array").push(last);
    requests(items)
}

#[tokio::test]
async fn every_json_response_is_valid() {
    let layer = BatchLayer::new("/batch").set_cookie(tower_multistatus::SetCookie::keep());
    for layer in [
        layer.clone(),
        layer.item_errors(tower_multistatus::ItemErrors::odata()),
    ] {
        let schema = Schema::component(&layer.openapi(), "BatchResponse");
        let reply = send(layer.layer(inner()), batch()).await;
        assert_eq!(reply.statuses(), [200, 200, 204, 500, 404, 400, 424]);
        let response = reply.json();
        schema.assert(&response);
        for (pointer, broken) in [
            ("/responses", json!({})),
            ("/responses/0/id", json!(0)),
            ("/responses/0/status", json!(100)),
            ("/responses/0/headers", json!(null)),
            ("/responses/0/headers/Set-Cookie", json!(1)),
            ("/responses/1/encoding", json!("hex")),
        ] {
            let mut response = response.clone();
            *response.pointer_mut(pointer).expect(pointer) = broken;
            assert!(!schema.allows(&response), "{pointer}");
        }
    }
}

#[tokio::test]
async fn every_line_of_a_response_is_valid() {
    let layer = BatchLayer::new("/batch");
    let schema = Schema::component(&layer.openapi(), "BatchResponseLine");
    let request = with_header(batch(), "accept", "application/x-ndjson");
    let reply = send(layer.layer(inner()), request).await;
    let lines = reply.body.split(|byte| *byte == b'\n');
    let lines: Vec<Value> = lines
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 8);
    lines.iter().for_each(|line| schema.assert(line));
    assert!(!schema.allows(&json!({})));
    assert!(!schema.allows(&json!({ "summary": { "total": 1 } })));
}

/// One request for each refusal that a client can cause.
fn refused() -> Vec<Request<Body>> {
    let mut not_acceptable = requests(gets(&["/1"]));
    let accept = http::HeaderValue::from_static("image/png");
    not_acceptable.headers_mut().insert("accept", accept);
    let mut unsupported = requests(gets(&["/1"]));
    let text = http::HeaderValue::from_static("text/plain");
    unsupported.headers_mut().insert("content-type", text);
    vec![
        envelope("{}"),
        envelope(second(json!({ "id": "a", "method": "GET", "url": "/2" })).to_string()),
        envelope(
            second(json!({ "id": "b", "method": "GET", "url": "/2", "dependsOn": ["c"] }))
                .to_string(),
        ),
        not_acceptable,
        requests(gets(&["/1", "/2", "/3", "/4"])),
        envelope(" ".repeat(2000)),
        unsupported,
        envelope(second(json!({ "id": "b", "method": "GET", "url": "/2", "if": "a" })).to_string()),
    ]
}

#[tokio::test]
async fn every_refusal_is_the_example_of_its_status_and_code() {
    let layer = BatchLayer::new("/batch")
        .max_items(3)
        .max_envelope_bytes(1000);
    let document = layer.openapi();
    let schema = Schema::component(&document, "BatchProblem");
    let mut seen = Vec::new();
    for request in refused() {
        let (reply, _) = ask_through(layer.clone(), request).await;
        schema.assert(&reply.json());
        let response = &responses(&document)[reply.status.as_str()];
        for name in response["headers"].as_object().into_iter().flatten() {
            assert!(
                reply.header(name.0).is_some(),
                "{} of {}",
                name.0,
                reply.status
            );
        }
        let example = &response["content"]["application/problem+json"]["examples"][reply.code()];
        assert_eq!(
            without_place(&example["value"]),
            without_place(&reply.json())
        );
        seen.push(reply.code());
    }
    // These need a clock, a second layer, a service that panics when cloned, many headers, or a
    // broken upload.
    let others = [
        "upload-timeout",
        "nested-batch",
        "panicked",
        "too-many-headers",
        "upload-failed",
    ];
    seen.extend(others.map(str::to_owned));
    assert_eq!(sorted(codes(&document)), sorted(seen));
    assert!(!schema.allows(&json!({ "title": "no code" })));
}

/// A problem document without the members that depend on the envelope.
fn without_place(problem: &Value) -> Value {
    let mut problem = problem.clone();
    let members = problem.as_object_mut().expect("an object");
    members.retain(|name, _| !["detail", "pointer", "offset"].contains(&name.as_str()));
    problem
}

fn codes(document: &Value) -> Vec<String> {
    let responses = responses(document);
    let contents = responses.as_object().expect("responses").values();
    let examples = contents.filter_map(|response| {
        response["content"]["application/problem+json"]["examples"].as_object()
    });
    examples
        .flat_map(|examples| examples.keys().cloned())
        .collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[tokio::test]
async fn a_refusal_of_admit_is_valid() {
    let layer = BatchLayer::new("/batch").admit(|_| Err(StatusCode::TOO_MANY_REQUESTS));
    let schema = Schema::component(&layer.openapi(), "BatchProblem");
    let (reply, _): (Reply, _) = ask_through(layer, requests(gets(&["/1"]))).await;
    assert_eq!(reply.code(), "not-admitted");
    schema.assert(&reply.json());
}

#[tokio::test]
async fn other_methods_of_the_path_are_not_in_the_document() {
    let document = BatchLayer::new("/batch").exclusive(true).openapi();
    let path = document["paths"]["/batch"].as_object().expect("a path");
    let methods: Vec<_> = path.keys().cloned().collect();
    assert_eq!(methods, ["post"]);
    let request = Request::builder().method(Method::PUT).uri("/batch");
    let request = request.body(Body::empty()).expect("a request");
    let service = BatchLayer::new("/batch")
        .exclusive(true)
        .layer(Router::new());
    assert_eq!(
        send(service, request).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
