//! How the body of a JSON item is decoded.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;
use tower_multistatus::{BatchLayer, Json};

use crate::support::{Received, ask, ask_through, envelope, failed};

/// The inner request of a POST with this JSON text as its body, and this content type.
async fn received(content_type: Option<&str>, body: &str) -> Received {
    let (reply, log) = ask(post(content_type, body)).await;
    assert_eq!(reply.statuses(), [200], "{content_type:?} {body}");
    let received = log.only();
    let length = received.headers["content-length"].to_str().unwrap();
    assert_eq!(length, received.body.len().to_string());
    received
}

fn post(content_type: Option<&str>, body: &str) -> String {
    let headers = content_type.map_or(json!({}), |value| json!({ "Content-Type": value }));
    format!(
        r#"{{"requests":[{{"id":"a","method":"POST","url":"/1","headers":{headers},"body":{body}}}]}}"#
    )
}

async fn assert_failed(content_type: &str, body: &str, code: &str, title: &str) {
    let (reply, log) = ask(post(Some(content_type), body)).await;
    assert_eq!(
        reply.items(),
        [failed("a", 400, code, title)],
        "{content_type} {body}"
    );
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn a_missing_body_and_null_are_an_empty_body() {
    for content_type in [
        None,
        Some("application/json"),
        Some("text/plain"),
        Some("image/png"),
    ] {
        let received = received(content_type, "null").await;
        assert_eq!(received.body.len(), 0);
        let arrived = received.headers.get("content-type");
        assert_eq!(arrived.map(|value| value.to_str().unwrap()), content_type);
    }
    let (reply, log) = ask(r#"{"requests":[{"id":"a","method":"GET","url":"/1"}]}"#).await;
    assert_eq!(reply.statuses(), [200]);
    assert_eq!(log.only().body.len(), 0);
    assert!(!log.only().headers.contains_key("content-type"));
    assert!(!log.only().headers.contains_key("content-length"));
}

#[tokio::test]
async fn json_arrives_byte_for_byte() {
    let flat = format!("[{}]", vec!["0.10"; 14_000].join(","));
    assert!(flat.len() > 64 << 10);
    for body in [
        "12345678901234567890.10",
        "-0",
        "1E400",
        "true",
        r#""""#,
        r#""null""#,
        r#"{"z":1,"a":2,"z":3,"\u007a":4}"#,
        r#""\u0041\/\n\ud800 é 😀""#,
        "{ \"a\" :\t[ 1 ,\r\n 2 ] }",
        "[]",
        &flat,
    ] {
        let content_types = [
            None,
            Some("application/json"),
            Some("Application/JSON; charset=utf-8"),
            Some("application/vnd.api+json"),
            Some("application/problem+JSON ;a=\"+b\""),
        ];
        for content_type in content_types {
            let received = received(content_type, body).await;
            assert_eq!(received.body, body.as_bytes());
            assert_eq!(
                received.headers["content-type"],
                content_type.unwrap_or("application/json")
            );
        }
    }
}

#[tokio::test]
async fn white_space_around_a_body_is_not_part_of_it() {
    let received = received(None, " \t\r\n { } \n").await;
    assert_eq!(received.body, "{ }");
}

#[tokio::test]
async fn text_is_sent_as_utf_8_with_its_escapes_decoded() {
    for (body, expected) in [
        (r#""plain""#, "plain"),
        (
            r#""a\n\t\"\\\/\u0000\u00e9é\ud83d\ude00😀""#,
            "a\n\t\"\\/\0éé😀😀",
        ),
        ("\"\u{2028}\u{feff}\"", "\u{2028}\u{feff}"),
        (r#""null""#, "null"),
    ] {
        for content_type in [
            "text/plain",
            "TEXT/CSV; header=present",
            "text/html;charset=utf-8",
            "application/x-www-form-urlencoded",
            "application/xml",
            "image/svg+XML; a=b",
        ] {
            let received = received(Some(content_type), body).await;
            assert_eq!(received.body, expected.as_bytes());
            assert_eq!(received.headers["content-type"], content_type);
        }
    }
}

#[tokio::test]
async fn an_empty_string_of_text_or_base64_is_an_empty_body() {
    for content_type in ["text/plain", "image/png"] {
        assert_eq!(received(Some(content_type), r#""""#).await.body, "");
    }
}

#[tokio::test]
async fn text_that_is_no_string_fails_its_item() {
    for body in ["1", "true", "{}", r#"["a"]"#, r#""\ud800""#] {
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "a/b+xml"] {
            let title = "the body does not match its content type";
            assert_failed(content_type, body, "bad-body", title).await;
        }
    }
}

#[tokio::test]
async fn other_bodies_are_base64_in_either_alphabet_padded_or_not() {
    let bytes: Vec<u8> = (0..=255).rev().cycle().take(1000).collect();
    for length in [1, 2, 3, 4, 5, 57, 256, 1000] {
        let bytes = &bytes[..length];
        let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
        for text in engines.map(|engine| engine.encode(bytes)) {
            // Lines of 76 characters, as in MIME.
            let lines: Vec<_> = text
                .as_bytes()
                .chunks(76)
                .map(String::from_utf8_lossy)
                .collect();
            let spaced = lines.join(" ") + "\t";
            for text in [
                text.clone(),
                lines.join("\r\n"),
                lines.join("\n") + "\n",
                spaced,
            ] {
                let body = json!(text).to_string();
                let received = received(Some("application/octet-stream"), &body).await;
                assert_eq!(received.body, bytes);
            }
        }
    }
    let received = received(Some("image/png"), r#""\u0069VBORw0KGgo\/""#).await;
    assert_eq!(received.body, STANDARD.decode("iVBORw0KGgo/").unwrap());
    // The last character may have bits that belong to no byte.
    let received = self::received(Some("image/png"), r#""YR==""#).await;
    assert_eq!(received.body, "a");
}

#[tokio::test]
async fn bad_base64_fails_its_item() {
    for body in [
        r#""a""#,
        r#""YWJj!""#,
        r#""YW=Jj""#,
        r#""YQ===""#,
        r#""====""#,
        r#""YWJjé""#,
        r#""\ud800""#,
        "1",
        "{}",
        "[]",
        "true",
    ] {
        let title = "the body is not valid base64";
        assert_failed("image/png", body, "bad-base64", title).await;
    }
}

#[tokio::test]
async fn forms_and_xml_are_base64_with_the_setting() {
    let json = Json::new().base64_forms_and_xml(true);
    let layer = BatchLayer::new("/batch").format(json);
    for content_type in [
        "application/x-www-form-urlencoded",
        "application/xml",
        "a/b+xml",
    ] {
        let request = || envelope(post(Some(content_type), r#""YT1i""#));
        for layer in [layer.clone(), BatchLayer::graph("/batch")] {
            let (_, log) = ask_through(layer, request()).await;
            assert_eq!(log.only().body, "a=b", "{content_type}");
        }
        let (_, log) = ask_through(BatchLayer::new("/batch"), request()).await;
        assert_eq!(log.only().body, "YT1i", "{content_type}");
    }
    let text = envelope(post(Some("text/xml"), r#""<a/>""#));
    let (_, log) = ask_through(layer, text).await;
    assert_eq!(log.only().body, "<a/>");
}

#[tokio::test]
async fn only_a_complete_suffix_makes_a_type_json_or_text() {
    for content_type in [
        "application/jsonx",
        "application/json-seq",
        "json",
        "x/json",
        "textual/plain",
    ] {
        let received = received(Some(content_type), r#""YWJj""#).await;
        assert_eq!(received.body, "abc", "{content_type}");
    }
}
