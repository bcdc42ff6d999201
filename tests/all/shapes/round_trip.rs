//! Every status and kind of body, for each shape.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;
use tower::Layer;

use super::table::{Client, for_each};
use crate::support::{ask_through, responding_with, send};

/// The kinds of bodies: content type, body, and how an envelope has it.
const BODIES: &[(&str, &[u8], Kind)] = &[
    (
        "application/json",
        b"{\"a\":[1,2.50,12345678901234567890.10]}",
        Kind::Json,
    ),
    (
        "application/problem+json",
        b"[\"\xE2\x80\xA8\"]",
        Kind::Json,
    ),
    ("application/json", b"1e999", Kind::Bytes),
    ("application/json", b"{\"a\":", Kind::Bytes),
    ("application/json", b"\"\\ud800\"", Kind::Bytes),
    ("application/json", b"1,\"status\":200", Kind::Bytes),
    (
        "text/plain",
        b"plain \"text\" \\ \n \xE2\x80\xA8 \x01",
        Kind::Text,
    ),
    ("text/plain", b"\xFF\xFE", Kind::Bytes),
    ("text/html; charset=utf-16", b"a\0", Kind::Bytes),
    ("application/x-www-form-urlencoded", b"a=b&c=d", Kind::Text),
    ("", b"no type", Kind::Text),
    ("image/png", b"\x89PNG\r\n\x1a\n\0", Kind::Bytes),
    ("application/json", b"", Kind::Empty),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Json,
    Text,
    Bytes,
    Empty,
}

fn response(status: u16, content_type: &'static str, body: &'static [u8]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if !content_type.is_empty() {
        let content_type = HeaderValue::from_static(content_type);
        response.headers_mut().insert("content-type", content_type);
    }
    let tag = HeaderValue::from_static("\"tag\"");
    response.headers_mut().insert("etag", tag);
    response
}

/// Asserts that the client reads what the handler has sent.
fn assert_same(client: &Client, sent: (u16, &[u8], Kind), result: &super::table::Result) {
    let (status, body, kind) = sent;
    let shown = format!(
        "{} {status} {} {kind:?} {result:?}",
        client.name,
        body.escape_ascii()
    );
    if client.has_status() {
        assert_eq!(result.status, Some(status.into()), "{shown}");
    }
    // The document of the shape takes the place of an error that its clients could not read, or of
    // an empty body.
    let is_failure = !(200..400).contains(&status);
    let has_own_errors = matches!(client.name, "parse" | "facebook") && is_failure
        || client.name == "scim" && !(200..300).contains(&status);
    let has_no_body = kind == Kind::Empty || matches!(status, 204 | 205 | 304);
    if has_own_errors || has_no_body {
        return assert_document(client, status, has_no_body, result, &shown);
    }
    let text = match kind {
        Kind::Text if !client.is_text_as_it_is() => serde_json::from_str::<String>(&result.raw)
            .expect(&shown)
            .into_bytes(),
        _ => result.body.clone().expect(&shown),
    };
    assert_eq!(text, body, "{shown}");
}

/// Asserts that the body is what a client of this API expects in place of what it could not read.
fn assert_document(
    client: &Client,
    status: u16,
    is_empty: bool,
    result: &super::table::Result,
    shown: &str,
) {
    let is_failure = !(200..400).contains(&status);
    let body = result.body.as_deref();
    let document = body.and_then(|body| serde_json::from_slice::<serde_json::Value>(body).ok());
    match client.name {
        "kinto" => assert_eq!(document, Some(json!({})), "{shown}"),
        "parse" if is_failure => assert_eq!(document.expect(shown)["code"], 1, "{shown}"),
        "parse" => assert_eq!(document, Some(json!({})), "{shown}"),
        "facebook" if is_failure => {
            assert_eq!(document.expect(shown)["error"]["code"], 1, "{shown}");
        }
        "facebook" => assert_eq!(document, Some(json!({ "success": true })), "{shown}"),
        "scim" if !(200..300).contains(&status) => {
            let document = document.expect(shown);
            assert_eq!(document["status"], status.to_string(), "{shown}");
        }
        "wordpress" if is_failure => {
            assert_eq!(document.expect(shown)["data"]["status"], status, "{shown}");
        }
        "servicenow" => assert_eq!(body, Some(&b""[..]), "{shown}"),
        _ => assert!(is_empty && body.is_none(), "{shown}"),
    }
}

#[test]
fn every_status_and_body_arrives() {
    for_each(async |client| {
        for (content_type, body, kind) in BODIES {
            let statuses: Vec<u16> = (200..600).collect();
            for some in statuses.chunks(100) {
                let service = responding_with(move |request| {
                    let status = request.uri().path()[1..].parse().unwrap();
                    response(status, content_type, body)
                });
                let items = some.iter().map(|status| client.get(&format!("/{status}")));
                let batch = client.batch(items.collect());
                let layer = client.layer().max_items(100);
                let reply = send(layer.layer(service), batch).await;
                let results = client.results(&reply);
                assert_eq!(results.len(), some.len(), "{}", client.name);
                for (status, result) in some.iter().zip(&results) {
                    assert_same(client, (*status, body, *kind), result);
                }
            }
        }
    });
}

#[test]
fn json_bodies_of_items_arrive_byte_for_byte() {
    for_each(async |client| {
        let envelope = client.envelope(vec![client.post("/a", json!({ "n": "NUMBER" }))]);
        // Numbers that a parser would change.
        let body = r#"{"n":12345678901234567890.10}"#;
        if !envelope.contains(r#"{"n":"NUMBER"}"#) {
            // The body is a string.
            return;
        }
        let envelope = envelope.replace(r#"{"n":"NUMBER"}"#, body);
        let (_, log) = ask_through(client.layer(), client.request(envelope)).await;
        let received = log.only();
        assert_eq!(received.body, body, "{}", client.name);
        assert_eq!(received.method, "POST");
        assert_eq!(received.header("content-type"), ["application/json"]);
        assert_eq!(received.header("content-length"), [body.len().to_string()]);
    });
}

#[test]
fn headers_arrive_where_a_shape_has_them() {
    for_each(async |client| {
        if client.headers.is_empty() {
            return;
        }
        let service = responding_with(|_| response(200, "application/json", b"{}"));
        let reply = send(
            client.layer().layer(service),
            client.batch(vec![client.get("/")]),
        )
        .await;
        let text = std::str::from_utf8(&reply.body).unwrap();
        let as_object = r#""ETag":"\"tag\"""#;
        let as_list = r#"{"name":"ETag","value":"\"tag\""}"#;
        assert!(text.contains(as_object) || text.contains(as_list), "{text}");
    });
}
