//! SCIM (RFC 7644 §3.7).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, RequestBody};

use crate::support::{Log, Reply, ask_through, responding_with, send};

fn layer() -> BatchLayer {
    BatchLayer::scim("/scim/v2/Bulk")
}

fn request(envelope: &Value) -> Request<axum::body::Body> {
    let mut request = crate::support::envelope(envelope.to_string());
    *request.uri_mut() = "/scim/v2/Bulk".parse().unwrap();
    let scim = "application/scim+json".parse().unwrap();
    request.headers_mut().insert("content-type", scim);
    request
}

async fn ask(operations: Value) -> (Reply, Log) {
    ask_through(layer(), request(&json!({ "Operations": operations }))).await
}

/// Responses that create resources with these ids, one after the other.
fn creating(ids: &'static [&'static str]) -> impl Fn() -> Response<Bytes> + Clone {
    let created = Arc::new(AtomicUsize::new(0));
    move || {
        let id = ids[created.fetch_add(1, Ordering::SeqCst) % ids.len()];
        let response = Response::builder().status(201);
        let response = response.header("location", format!("https://x/Users/{id}"));
        response.body(Bytes::new()).unwrap()
    }
}

#[tokio::test]
async fn an_operation_of_the_specification() {
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "qwerty", "data": { "userName": "Alice" } },
        { "method": "PATCH", "path": "/scim/v2/Users/1", "version": "W/\"1\"", "data": {} },
        { "method": "DELETE", "path": "/Users/2" },
    ]);
    let (reply, log) = ask(operations).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (200, Some("application/scim+json"))
    );
    let received = log.all();
    assert_eq!(
        log.uris(),
        ["/scim/v2/Users", "/scim/v2/Users/1", "/scim/v2/Users/2"]
    );
    assert_eq!(received[1].header("if-match"), ["W/\"1\""]);
    assert_eq!(received[2].body, "");
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"];
    let expected = json!({ "schemas": schemas, "Operations": [
        { "method": "POST", "bulkId": "qwerty", "location": "/Users", "status": "200", "response": {} },
        { "method": "PATCH", "location": "/scim/v2/Users/1", "status": "200", "response": {} },
        { "method": "DELETE", "location": "/Users/2", "status": "200", "response": {} },
    ] });
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn location_and_version_are_those_of_the_response() {
    let operations = json!({ "Operations": [{ "method": "POST", "path": "/Users", "bulkId": "a", "data": {} }] });
    let service = responding_with(|_| {
        let response = Response::builder().status(201).header("etag", "W/\"4\"");
        response
            .header("location", "https://example.com/v2/Users/9")
            .body(Bytes::new())
            .unwrap()
    });
    let reply = send(layer().layer(service), request(&operations)).await;
    let expected = json!([{ "method": "POST", "bulkId": "a", "location": "https://example.com/v2/Users/9",
                            "version": "W/\"4\"", "status": "201", "response": null }]);
    assert_eq!(reply.json()["Operations"], expected);
}

#[tokio::test]
async fn a_failed_operation_has_an_error_of_scim() {
    let operations = json!({ "Operations": [
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": {} },
        { "method": "PUT", "path": "//Users", "data": {} },
    ] });
    let error = |status: &str, detail: &str| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status, "detail": detail });
    for (body, expected) in [
        ("", error("409", "Conflict")),
        ("text", error("409", "Conflict")),
        (r#"{"message":"x"}"#, error("409", "Conflict")),
        (
            r#"{"schemas":["e"],"status":"409","scimType":"uniqueness"}"#,
            json!({ "schemas": ["e"], "status": "409", "scimType": "uniqueness" }),
        ),
    ] {
        let service = responding_with(move |_| {
            let response = Response::builder()
                .status(409)
                .header("content-type", "application/scim+json");
            response.body(Bytes::from(body)).unwrap()
        });
        let reply = send(layer().layer(service), request(&operations)).await;
        let operations = reply.json()["Operations"].clone();
        assert_eq!(
            operations[0],
            json!({ "method": "POST", "bulkId": "a", "status": "409", "response": expected })
        );
        let invalid = error("400", "the URL is not allowed in an item");
        assert_eq!(
            operations[1],
            json!({ "method": "PUT", "location": "//Users", "status": "400", "response": invalid })
        );
    }
}

#[tokio::test]
async fn operations_after_the_allowed_errors_are_left_out() {
    let operations: Vec<_> = (0..6)
        .map(|at| json!({ "method": "GET", "path": format!("/{at}") }))
        .collect();
    for (max, expected) in [
        (json!(1), 2),
        (json!(2), 4),
        (json!(3), 6),
        (json!(0), 6),
        (json!(null), 6),
        (json!(99), 6),
    ] {
        // Every second operation fails.
        let service = responding_with(|request| {
            let at: usize = request
                .uri()
                .path()
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
                .unwrap();
            Response::builder()
                .status(if at.is_multiple_of(2) { 200 } else { 404 })
                .body(Bytes::new())
                .unwrap()
        });
        let envelope = json!({ "failOnErrors": max, "Operations": operations });
        let reply = send(layer().layer(service), request(&envelope)).await;
        assert_eq!(
            reply.json()["Operations"].as_array().unwrap().len(),
            expected,
            "{max}"
        );
    }
    for max in [json!("1"), json!(-1), json!(1.5), json!([]), json!(true)] {
        let envelope = json!({ "failOnErrors": max, "Operations": operations });
        let (reply, log) = ask_through(layer(), request(&envelope)).await;
        assert_eq!((reply.status.as_u16(), log.len()), (400, 0));
    }
}

/// The URLs and bodies of operations after two that create `10` and `a b`.
async fn filled(ids: &'static [&'static str], operation: Value) -> (u16, Option<(String, String)>) {
    let (log, create) = (Arc::new(Mutex::new(None)), creating(ids));
    let seen = Arc::clone(&log);
    let service = tower::service_fn(move |http: Request<RequestBody<axum::body::Body>>| {
        let (create, seen) = (create.clone(), Arc::clone(&seen));
        async move {
            let response = create();
            let uri = http.uri().to_string();
            let body = http_body_util::BodyExt::collect(http.into_body())
                .await
                .unwrap()
                .to_bytes();
            if uri != "/scim/v2/Users" {
                *seen.lock().unwrap() = Some((uri, String::from_utf8(body.to_vec()).unwrap()));
            }
            Ok::<_, std::convert::Infallible>(response.map(http_body_util::Full::new))
        }
    });
    let operations = json!({ "Operations": [
        { "method": "POST", "path": "/Users", "bulkId": "one", "data": {} },
        { "method": "POST", "path": "/Users", "bulkId": "two", "data": {} },
        operation,
    ] });
    let reply = send(layer().layer(service), request(&operations)).await;
    let status = reply.json()["Operations"][2]["status"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let seen = log.lock().unwrap().take();
    (status, seen)
}

#[tokio::test]
async fn references_are_replaced_by_the_ids_of_what_was_created() {
    let data = json!({
        "members": [{ "value": "bulkId:one" }, { "value": "bulkId:two" }],
        "bulkId:one": "no reference: bulkId:one, \"bulkId:one\"",
        "again": "bulkId:one",
    });
    let operation =
        json!({ "method": "PUT", "path": "/Groups/bulkId:one?x=bulkId:two", "data": data });
    let (status, seen) = filled(&["10", "a%20b"], operation).await;
    let (uri, body) = seen.unwrap();
    assert_eq!(
        (status, uri.as_str()),
        (201, "/scim/v2/Groups/10?x=bulkId:two")
    );
    let expected = json!({
        "members": [{ "value": "10" }, { "value": "a b" }],
        "bulkId:one": "no reference: bulkId:one, \"bulkId:one\"",
        "again": "10",
    });
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    let operation = json!({ "method": "DELETE", "path": "/Users/bulkId:two" });
    let (status, seen) = filled(&["10", "a%20b"], operation).await;
    assert_eq!(
        (status, seen.unwrap().0.as_str()),
        (201, "/scim/v2/Users/a%20b")
    );
}

#[tokio::test]
async fn a_created_id_passes_every_check() {
    let by_path = json!({ "method": "DELETE", "path": "/Users/bulkId:one" });
    let by_data =
        json!({ "method": "PUT", "path": "/Groups/1", "data": { "value": "bulkId:one" } });
    for (id, in_path, in_data) in [
        ("..", 400, 201),
        ("%2e%2e", 400, 201),
        ("a\\b", 201, 400),
        ("a%22b", 201, 400),
        ("a%5Cb", 201, 400),
        ("a%0Ab", 201, 400),
        ("%FF", 201, 400),
        ("", 400, 400),
    ] {
        let ids: &'static [&'static str] = Box::leak(Box::new([id]));
        let (status, seen) = filled(ids, by_path.clone()).await;
        if id.is_empty() {
            // The folder itself is the last segment of the path.
            assert_eq!(
                seen.map(|(uri, _)| uri),
                Some("/scim/v2/Users/Users".into())
            );
        } else {
            assert_eq!((status, seen.is_some()), (in_path, in_path == 201), "{id}");
            let (status, seen) = filled(ids, by_data.clone()).await;
            assert_eq!((status, seen.is_some()), (in_data, in_data == 201), "{id}");
        }
    }
    let long: &'static str = Box::leak("x".repeat(257).into_boxed_str());
    let (status, seen) = filled(Box::leak(Box::new([long])), by_path).await;
    assert_eq!((status, seen), (400, None));
}

#[tokio::test]
async fn a_reference_to_what_was_not_created_fails() {
    let operations = json!({ "Operations": [
        { "method": "POST", "path": "//", "bulkId": "a", "data": {} },
        { "method": "PUT", "path": "/Groups/1", "data": ["bulkId:a"] },
    ] });
    let (reply, log) = ask_through(layer(), request(&operations)).await;
    assert_eq!(log.len(), 0);
    assert_eq!(reply.json()["Operations"][1]["status"], "424");
    for operations in [
        json!([{ "method": "PUT", "path": "/Groups/1", "data": ["bulkId:a"] }]),
        json!([{ "method": "PUT", "path": "/Groups/bulkId:a" }, { "method": "POST", "path": "/Users", "bulkId": "a" }]),
        json!([{ "method": "POST", "path": "/Users", "bulkId": "a", "data": ["bulkId:a"] }]),
    ] {
        let (reply, log) = ask(operations).await;
        assert_eq!((reply.status.as_u16(), log.len()), (400, 0));
    }
}

#[tokio::test]
async fn references_cannot_make_a_body_too_large() {
    const LIMIT: usize = 256 << 10;
    const ID: &str = "longer-than-a-reference";
    // What makes a body too large may come after its last reference.
    let with_tail = |tail: usize| {
        let data = ["bulkId:one".to_owned(), "x".repeat(tail)];
        json!({ "method": "PUT", "path": "/Groups/1", "data": data })
    };
    let around = format!("{}", json!([ID, ""])).len();
    for (tail, status) in [(LIMIT - around, 201), (LIMIT - around + 1, 413)] {
        let (filled, seen) = filled(&[ID], with_tail(tail)).await;
        let length = seen.map(|(_, body)| body.len());
        assert_eq!((filled, length), (status, (status == 201).then_some(LIMIT)));
    }
    let id: &'static str = Box::leak("x".repeat(250).into_boxed_str());
    let data = vec!["bulkId:one"; 2_000];
    let operation = json!({ "method": "PUT", "path": "/Groups/1", "data": data });
    let (status, seen) = filled(Box::leak(Box::new([id])), operation).await;
    assert_eq!((status, seen), (413, None));
}
