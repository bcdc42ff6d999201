//! One batch in every format, and the format of its response.

use std::collections::BTreeMap;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, Multipart};

use super::{multipart, parsed, part};
use crate::support::{Received, recorder, requests, send};

fn seen(received: Vec<Received>) -> Vec<(String, Option<String>, Vec<u8>)> {
    let content_type = |received: &Received| {
        received
            .header("content-type")
            .first()
            .map(|v| (*v).to_owned())
    };
    let mut seen: Vec<_> = received
        .iter()
        .map(|received| {
            let line = format!("{} {}", received.method, received.uri);
            (line, content_type(received), received.body.to_vec())
        })
        .collect();
    seen.sort();
    seen
}

#[tokio::test]
async fn a_batch_has_the_same_effect_and_responses_in_every_format() {
    let layer = || BatchLayer::new("/batch").format(Multipart::new());
    let json_headers = json!({ "content-type": "application/json" });
    let items = json!([
        { "id": "1", "method": "GET", "url": "/a?x=1" },
        { "id": "2", "method": "POST", "url": "/b", "headers": json_headers, "body": { "n": 1 } },
        { "id": "3", "method": "DELETE", "url": "/c" },
        { "id": "4", "method": "TRACE", "url": "/d" },
    ]);
    let envelope = [
        &part("GET /a?x=1 HTTP/1.1\r\n\r\n"),
        &part("POST /b HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"n\":1}"),
        &part("DELETE /c HTTP/1.1\r\n\r\n"),
        &part("TRACE /d HTTP/1.1\r\n\r\n"),
        "--b--",
    ];
    let mut lines = requests(items.clone());
    lines
        .headers_mut()
        .insert("accept", "application/x-ndjson".parse().unwrap());

    let (json_log, inner) = recorder();
    let json_reply = send(layer().layer(inner), requests(items)).await;
    let (lines_log, inner) = recorder();
    let lines_reply = send(layer().layer(inner), lines).await;
    let (multipart_log, inner) = recorder();
    let multipart_reply = send(layer().layer(inner), multipart("/batch", &envelope)).await;

    let effect = seen(json_log.all());
    assert_eq!(effect.len(), 3);
    assert_eq!(seen(lines_log.all()), effect);
    assert_eq!(seen(multipart_log.all()), effect);

    let reported: BTreeMap<String, (u64, Value)> = json_reply
        .items()
        .iter()
        .map(|item| {
            (
                item["id"].as_str().unwrap().to_owned(),
                (item["status"].as_u64().unwrap(), item["body"].clone()),
            )
        })
        .collect();
    let lines: BTreeMap<_, _> = std::str::from_utf8(&lines_reply.body)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line.get("summary").is_none())
        .map(|item| {
            (
                item["id"].as_str().unwrap().to_owned(),
                (item["status"].as_u64().unwrap(), item["body"].clone()),
            )
        })
        .collect();
    assert_eq!(lines, reported);
    let parts: BTreeMap<_, _> = (1..)
        .zip(parsed(&multipart_reply))
        .map(|(at, response)| {
            let body = serde_json::from_slice(&response.body).unwrap();
            (at.to_string(), (u64::from(response.status), body))
        })
        .collect();
    assert_eq!(parts, reported);
}

/// With all formats: the type of the envelope, the value of `Accept`, and the type or status of the
/// response.
#[cfg(feature = "multistatus")]
#[tokio::test]
async fn content_type_and_accept_select_the_format_of_the_response() {
    const JSON: &str = "application/json";
    const LINES: &str = "application/x-ndjson";
    const XML: &str = "application/xml; charset=\"utf-8\"";
    const PARTS: &str = "multipart/mixed";
    let types = [
        JSON,
        "multipart/mixed; boundary=b",
        "multipart/batch; boundary=b",
        LINES,
        "application/xml",
        "text/plain",
    ];
    let table: [(Option<&str>, [&str; 3]); 12] = [
        // `Accept`, then the result for a JSON, a multipart and an NDJSON envelope.
        (None, [JSON, PARTS, LINES]),
        (Some("*/*"), [JSON, PARTS, LINES]),
        (Some("application/*"), [JSON, PARTS, LINES]),
        (Some("application/json"), [JSON, PARTS, JSON]),
        (Some("application/json;q=0"), ["406", PARTS, "406"]),
        (Some("application/x-ndjson"), [LINES, LINES, LINES]),
        (Some("application/jsonl, */*;q=0.1"), [LINES, LINES, LINES]),
        (Some("application/xml"), [XML, XML, XML]),
        (Some("text/xml"), [XML, XML, XML]),
        (Some("multipart/mixed"), [PARTS, PARTS, PARTS]),
        (Some("image/png"), ["406", PARTS, "406"]),
        (
            Some("application/json;q=0.2, application/xml;q=0.5"),
            [XML, XML, XML],
        ),
    ];
    for content_type in types {
        for (accept, expected) in table {
            let (_, inner) = recorder();
            let body = match content_type {
                JSON => r#"{"requests":[]}"#,
                LINES => "",
                _ => "--b--",
            };
            let mut request = Request::post("/batch").header("content-type", content_type);
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            let layer = BatchLayer::new("/batch")
                .format(Multipart::new())
                .format(tower_multistatus::MultiStatus::new());
            let reply = send(layer.layer(inner), request.body(Body::from(body)).unwrap()).await;
            let expected = match content_type {
                JSON => expected[0],
                other if other.starts_with("multipart/") => expected[1],
                LINES => expected[2],
                _ => "415",
            };
            let got = match reply.status {
                StatusCode::MULTI_STATUS => reply.header("content-type").unwrap().to_owned(),
                status => status.as_u16().to_string(),
            };
            assert!(
                got.starts_with(expected),
                "{content_type}, {accept:?}: {got}"
            );
        }
    }
}
