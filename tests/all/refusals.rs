//! Batches that are refused: the reported reason, and that nothing is dispatched.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{HeaderValue, Request};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{
    Reply, envelope, problem, recorder, recording_router, requests, response_to, send,
    without_detail,
};

/// A batch of one valid item.
fn good() -> Request<Body> {
    requests(json!([{ "id": "a", "method": "GET", "url": "/" }]))
}

/// Sends a batch that must be refused, and asserts the problem document.
async fn refused(request: Request<Body>, expected: Value) -> Reply {
    let (log, service) = recorder();
    let reply = send(BatchLayer::new("/batch").layer(service), request).await;
    assert_eq!(log.len(), 0, "{expected}");
    let document = match reply.code().as_str() {
        "malformed" => without_detail(reply.json()),
        _ => reply.json(),
    };
    assert_eq!(document, expected);
    assert_eq!(reply.status.as_u16(), expected["status"]);
    let length = reply.body.len().to_string();
    for (name, value) in [
        ("content-type", "application/problem+json"),
        ("content-length", &*length),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    reply
}

/// Asserts that the envelope is malformed, at this item if there is one.
async fn malformed(body: impl Into<Body>, item: Option<usize>) {
    let mut expected = problem(400, "malformed", "the envelope is malformed");
    if let Some(item) = item {
        expected["pointer"] = json!(format!("#/requests/{item}"));
    }
    refused(envelope(body), expected).await;
}

const ITEM: &str = r#"{"id":"a","method":"GET","url":"/"}"#;

#[tokio::test]
async fn text_that_is_no_envelope_is_malformed() {
    for text in [
        "",
        " ",
        "null",
        "true",
        "7",
        "\"a\"",
        "[]",
        "{}",
        "[[]]",
        r#"{"requests":null}"#,
        r#"{"requests":{}}"#,
        r#"{"Requests":[]}"#,
        r#"{"responses":[]}"#,
        r#"{"requests":[],"requests":[]}"#,
        r#"{"requests":[],"\u0072equests":[]}"#,
        r#"{"requests":[],"a":1,"a":2}"#,
        r#"{"requests":[],}"#,
        r#"{"requests":[]"#,
        r#"{"requests":[]}}"#,
        r#"{"requests":[]} x"#,
        r#"{requests:[]}"#,
        r#"{'requests':[]}"#,
        "{\"requests\":[]}\u{0}",
        "\u{feff}{\"requests\":[]}",
        r#"{"requests":[],"a":01}"#,
        r#"{"a":NaN,"requests":[]}"#,
    ] {
        malformed(text, None).await;
    }
}

#[tokio::test]
async fn a_malformed_item_refuses_the_batch_with_a_pointer() {
    let long = format!(r#"{{"id":"{}","method":"GET","url":"/"}}"#, "a".repeat(257));
    for item in [
        "[]",
        "null",
        "7",
        "\"a\"",
        "{}",
        r#"["a","GET","/"]"#,
        r#"{"method":"GET","url":"/"}"#,
        r#"{"id":"","method":"GET","url":"/"}"#,
        r#"{"id":7,"method":"GET","url":"/"}"#,
        r#"{"id":null,"method":"GET","url":"/"}"#,
        r#"{"id":"a\nb","method":"GET","url":"/"}"#,
        r#"{"id":"\u0085","method":"GET","url":"/"}"#,
        r#"{"id":"\ud800","method":"GET","url":"/"}"#,
        r#"{"id":"b","id":"b","method":"GET","url":"/"}"#,
        r#"{"id":"b","\u0069d":"b","method":"GET","url":"/"}"#,
        r#"{"id":"b","method":"GET","method":"DELETE","url":"/"}"#,
        r#"{"id":"b","x":1,"x":1,"method":"GET","url":"/"}"#,
        r#"{"id":"b","method":"GET","url":"/","headers":{"a":"1","a":"2"}}"#,
        r#"{"id":"b","method":"GET","url":"/","headers":{"a":"1","\u0061":"2"}}"#,
        r#"{"id":"b","method":"GET","url":"/","dependsOn":"a"}"#,
        r#"{"id":"b","method":"GET","url":"/","dependsOn":[7]}"#,
        r#"{"id":"b","method":"GET","url":"/","dependsOn":{}}"#,
        r#"{"id":"b","method":"GET","url":"/","body":tru}"#,
        r#"{"id":"b","method":"GET","url":"/",}"#,
        r#"{"id":"b","method":"GET","url":"/"#,
        &long,
    ] {
        malformed(format!(r#"{{"requests":[{ITEM},{item}]}}"#), Some(1)).await;
    }
}

#[tokio::test]
async fn json_that_is_too_deep_is_malformed() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    // The envelope, its array and the item are 3 of 128 levels.
    let body = |depth| {
        format!(
            r#"{{"requests":[{{"id":"a","method":"POST","url":"/","body":{}}}]}}"#,
            nested(depth)
        )
    };
    let (log, service) = recorder();
    let reply = send(
        BatchLayer::new("/batch").layer(service),
        envelope(body(125)),
    )
    .await;
    assert_eq!(reply.statuses(), [200]);
    assert_eq!(log.only().body, nested(125));
    malformed(body(126), Some(0)).await;
    let ignored = |depth| format!(r#"{{"x":{},"requests":[]}}"#, nested(depth));
    malformed(ignored(128), None).await;
    malformed(ignored(100_000), None).await;
}

#[tokio::test]
async fn a_fault_in_the_last_byte_refuses_a_long_envelope() {
    let item = |n| json!({ "id": format!("{n}"), "method": "DELETE", "url": format!("/{n}") });
    let items: Value = (0..100).map(item).collect();
    let text = json!({ "requests": items }).to_string();
    malformed(text[..text.len() - 1].to_owned(), None).await;
    malformed(format!("{text}x"), None).await;
    malformed(format!("{text}}}"), None).await;
    malformed(format!("{}]", &text[..text.len() - 1]), None).await;
    malformed([text.as_bytes(), b"\xff"].concat(), None).await;
    malformed([text.as_bytes(), b"\xc3"].concat(), None).await;
    // The same in many chunks.
    let chunks: Vec<_> = [text.as_bytes(), b"\0"]
        .concat()
        .chunks(7)
        .map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk)))
        .collect();
    malformed(Body::from_stream(stream::iter(chunks)), None).await;
}

#[tokio::test]
async fn duplicate_ids_refuse_the_batch() {
    for (first, second) in [("a", "a"), ("é", "é"), ("a", "\\u0061")] {
        let text = format!(
            r#"{{"requests":[{{"id":"{first}","method":"GET","url":"/"}},{{"id":"b","method":"GET","url":"/"}},
                {{"id":"{second}","method":"GET","url":"/"}}]}}"#
        );
        let mut expected = problem(400, "duplicate-id", "two items have the same id");
        expected["pointer"] = json!("#/requests/2");
        refused(envelope(text), expected).await;
    }
}

#[tokio::test]
async fn ids_that_only_look_the_same_are_different() {
    // Compared by code points: composed and decomposed characters differ.
    let ids = ["a", "A", "a ", "é", "e\u{301}"];
    let items: Value = ids
        .iter()
        .map(|id| json!({ "id": id, "method": "GET", "url": "/" }))
        .collect();
    let reply = send(
        BatchLayer::new("/batch").layer(recorder().1),
        requests(items),
    )
    .await;
    let returned: Vec<_> = reply
        .items()
        .iter()
        .map(|item| item["id"].clone())
        .collect();
    assert_eq!(returned, ids);
}

#[tokio::test]
async fn a_dependency_that_is_not_an_earlier_item_refuses_the_batch() {
    for on in ["nobody", "b", "c", "A", "", "0"] {
        let items = json!([
            { "id": "a", "method": "GET", "url": "/" },
            { "id": "b", "method": "GET", "url": "/", "dependsOn": ["a", on] },
            { "id": "c", "method": "GET", "url": "/" },
        ]);
        let title = "an item depends on an id that no earlier item has";
        let mut expected = problem(400, "unknown-dependency", title);
        expected["pointer"] = json!("#/requests/1");
        refused(requests(items), expected).await;
    }
}

#[tokio::test]
async fn an_atomicity_group_and_a_condition_are_refused_and_never_ignored() {
    for member in [
        r#""atomicityGroup":"g""#,
        r#""atomicityGroup":"""#,
        r#""atomicityGroup":7"#,
        r#""if":"$a/success""#,
        r#""if":false"#,
        r#""\u0069f":"x""#,
        r#""atomicity\u0047roup":"g""#,
    ] {
        let text =
            format!(r#"{{"requests":[{ITEM},{{"id":"b","method":"GET","url":"/",{member}}}]}}"#);
        let title = "atomicity groups and conditions are not supported";
        let mut expected = problem(501, "unsupported-atomicity", title);
        expected["pointer"] = json!("#/requests/1");
        refused(envelope(text), expected).await;
    }
}

#[tokio::test]
async fn a_batch_in_a_batch_is_refused_and_the_outer_one_goes_on() {
    let (log, router) = recording_router();
    let inner = BatchLayer::new("/inner").layer(router);
    let outer = BatchLayer::new("/batch").layer(inner);
    let nested = json!({ "requests": [{ "id": "n", "method": "DELETE", "url": "/n" }] });
    let items = json!([
        { "id": "a", "method": "GET", "url": "/a" },
        { "id": "b", "method": "POST", "url": "/inner", "body": nested },
        { "id": "c", "method": "GET", "url": "/inner" },
    ]);
    let reply = send(outer, requests(items)).await;
    assert_eq!(reply.statuses(), [200, 508, 200]);
    let item = reply.item("b");
    assert_eq!(item["headers"]["Content-Type"], "application/problem+json");
    assert_eq!(
        item["body"],
        problem(508, "nested-batch", "a batch cannot contain another batch")
    );
    assert_eq!(log.uris(), ["/a", "/inner"]);
}

#[tokio::test]
async fn two_layers_with_one_path_fail_a_nested_batch() {
    let (log, router) = recording_router();
    let layer = BatchLayer::new("/batch");
    let service = layer.layer(layer.layer(layer.layer(router)));
    let item = json!({ "method": "POST", "url": "/batch", "body": { "requests": [] } });
    assert_eq!(response_to(service, item).await["status"], 508);
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn no_header_marks_a_batch_as_nested() {
    let mut request = good();
    for name in ["x-batch", "x-subrequest", "x-subrequest-info"] {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static("1"));
    }
    let reply = send(BatchLayer::new("/batch").layer(recorder().1), request).await;
    assert_eq!(reply.statuses(), [200]);
}
