//! How responses are written to a JSON envelope, byte for byte.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde_json::json;
use tower::Layer;
use tower_multistatus::{BatchLayer, Json};

use crate::support::{Reply, batch_with, requests, responding_with, send, written_item};

/// A 200 with this content type and body.
fn response(content_type: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder()
        .header(CONTENT_TYPE, content_type)
        .body(body.into())
        .unwrap()
}

async fn written(responses: &[Response<Bytes>]) -> Reply {
    batch_with(BatchLayer::new("/batch"), responses).await
}

#[tokio::test]
async fn an_envelope_is_compact_with_one_item_per_line() {
    let mut created = response("application/json", r#"{ "a": 1 }"#);
    *created.status_mut() = StatusCode::CREATED;
    created
        .headers_mut()
        .insert("etag", HeaderValue::from_static("\"a\""));
    let mut empty = Response::new(Bytes::new());
    *empty.status_mut() = StatusCode::NO_CONTENT;
    let reply = written(&[
        created,
        empty,
        response("text/plain", "hi"),
        response("image/png", "hi"),
    ])
    .await;
    assert_eq!(
        reply.body,
        r#"{"responses":[
{"id":"0","status":201,"headers":{"Content-Type":"application/json","ETag":"\"a\""},"body":{ "a": 1 }},
{"id":"1","status":204,"headers":{},"body":null},
{"id":"2","status":200,"headers":{"Content-Type":"text/plain"},"body":"hi"},
{"id":"3","status":200,"headers":{"Content-Type":"image/png"},"encoding":"base64","body":"aGk="}]}"#
    );
}

#[tokio::test]
async fn an_envelope_without_items_is_complete() {
    assert_eq!(written(&[]).await.body, r#"{"responses":[]}"#);
}

#[tokio::test]
async fn ids_are_written_without_line_separators() {
    let service = responding_with(|_| Response::new(Bytes::new()));
    let items = json!([{ "id": "\"\\/é😀\u{2028}\u{2029}", "method": "GET", "url": "/" }]);
    let reply = send(BatchLayer::new("/batch").layer(service), requests(items)).await;
    assert_eq!(
        reply.only_item(),
        r#"{"id":"\"\\/é😀\u2028\u2029","status":200,"headers":{},"body":null}"#
    );
}

#[tokio::test]
async fn json_is_written_byte_for_byte() {
    for body in [
        "12345678901234567890.10",
        "null",
        r#"{"z":1,"a":2,"z":3}"#,
        r#"{"id":"1","id":"0","status":500,"status":200,"body":{},"body":null}"#,
        "\"\\u0041\\/ \u{2028}\u{85}é\"",
        "[\n  1,\r\n\t2\n]",
    ] {
        for content_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
            "application/vnd.api+JSON;a=b",
        ] {
            let expected = format!(
                r#"{{"id":"0","status":200,"headers":{{"Content-Type":"{content_type}"}},"body":{body}}}"#
            );
            assert_eq!(written_item(response(content_type, body)).await, expected);
        }
    }
}

#[tokio::test]
async fn text_is_a_string_with_every_line_break_escaped() {
    for (body, string) in [
        ("\"quoted\" \\ /", r#""\"quoted\" \\ /""#),
        (
            "\u{0}\u{8}\t\n\u{c}\r\u{1f}",
            r#""\u0000\u0008\t\n\u000c\r\u001f""#,
        ),
        ("a\u{2028}b\u{2029}c\u{85}d", r#""a\u2028b\u2029c\u0085d""#),
        (
            "\u{84}\u{86}\u{2027}\u{202a}é€😀\u{fffd}",
            "\"\u{84}\u{86}\u{2027}\u{202a}é€😀\u{fffd}\"",
        ),
        (r#"1},{"id":"x""#, r#""1},{\"id\":\"x\"""#),
    ] {
        for content_type in [
            "text/plain",
            "Text/HTML;charset=UTF-8",
            "text/csv; charset=us-ascii",
        ] {
            let expected = format!(
                r#"{{"id":"0","status":200,"headers":{{"Content-Type":"{content_type}"}},"body":{string}}}"#
            );
            assert_eq!(written_item(response(content_type, body)).await, expected);
        }
    }
}

/// The members from `encoding` on.
fn as_base64(item: &str) -> &str {
    let at = item
        .find("\"encoding\"")
        .unwrap_or_else(|| panic!("not encoded: {item}"));
    &item[at..]
}

#[tokio::test]
async fn a_body_that_is_not_the_json_it_claims_to_be_cannot_change_the_envelope() {
    let deep = "[".repeat(129) + &"]".repeat(129);
    let bottomless = "[".repeat(1_000_000);
    let bodies: [&[u8]; 18] = [
        br#"1},{"id":"x""#,
        br#"{}}]}"#,
        b"{} x",
        b"1 2",
        b"{},{}",
        b"{\"a\":1,}",
        b"{a:1}",
        b" ",
        b"\n",
        b"\"\n\"",
        b"\"open",
        b"// a\n1",
        b"\xef\xbb\xbf{}",
        b"\"\xff\"",
        b"{\"\xed\xa0\x80\":1}",
        b"\"\xc0\xaf\"",
        deep.as_bytes(),
        bottomless.as_bytes(),
    ];
    for body in bodies {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(body);
        let item = written_item(response("application/json", body.to_vec())).await;
        let expected = format!(r#""encoding":"base64","body":"{text}"}}"#);
        assert_eq!(as_base64(&item), expected);
    }
    let empty = written_item(response("application/json", "")).await;
    assert!(empty.ends_with(r#","body":null}"#), "{empty}");
}

#[tokio::test]
async fn a_body_that_is_neither_json_nor_utf_8_text_is_base64() {
    let encoded = |content_type, coding| {
        let mut response = response(content_type, "hi?>");
        let coding = HeaderValue::from_static(coding);
        response.headers_mut().insert(CONTENT_ENCODING, coding);
        response
    };
    for response in [
        response("image/png", "hi?>"),
        response("application/xml; charset=utf-16", "hi?>"),
        response("application/x-www-form-urlencoded; charset=x", "hi?>"),
        response("application/x-ndjson", "hi?>"),
        response("text/plain; charset=iso-8859-1", "hi?>"),
        response("text/plain; charset=utf-8; charset=utf-16", "hi?>"),
        encoded("text/plain", "gzip"),
        encoded("application/json", "br"),
        encoded("text/plain", "identity, gzip"),
    ] {
        let item = written_item(response).await;
        assert_eq!(
            as_base64(&item),
            r#""encoding":"base64","body":"aGk/Pg=="}"#
        );
    }
    let not_utf_8 = written_item(response("text/plain", &b"caf\xe9"[..])).await;
    assert_eq!(
        as_base64(&not_utf_8),
        r#""encoding":"base64","body":"Y2Fm6Q=="}"#
    );
    let identity = written_item(encoded("text/plain", "identity")).await;
    assert!(identity.ends_with(r#""body":"hi?>"}"#), "{identity}");
}

#[tokio::test]
async fn forms_and_xml_are_strings_without_the_setting() {
    let types = [
        "application/xml",
        "Application/XML; charset=UTF-8",
        "image/svg+xml",
        "application/x-www-form-urlencoded",
    ];
    for content_type in types {
        let responses = [response(content_type, "a=\"b\"")];
        let text = written(&responses).await;
        let expected = json!({ "id": "0", "status": 200, "headers": { "Content-Type": content_type },
                               "body": "a=\"b\"" });
        assert_eq!(text.item("0"), expected);
        let json = Json::new().base64_forms_and_xml(true);
        let reply = batch_with(BatchLayer::new("/batch").format(json), &responses).await;
        let expected = json!({ "id": "0", "status": 200, "headers": { "Content-Type": content_type },
                               "encoding": "base64", "body": "YT0iYiI=" });
        assert_eq!(reply.item("0"), expected);
    }
    let not_utf_8 = written_item(response("application/xml", &b"caf\xe9"[..])).await;
    assert_eq!(
        as_base64(&not_utf_8),
        r#""encoding":"base64","body":"Y2Fm6Q=="}"#
    );
}

#[tokio::test]
async fn a_body_without_a_type_is_a_string_if_it_is_utf_8() {
    let untyped = |body: &'static [u8]| Response::new(Bytes::from(body));
    for (response, headers) in [
        (untyped("é {}\n".as_bytes()), ""),
        (response("", "é {}\n"), r#""Content-Type":"""#),
    ] {
        let expected =
            format!(r#"{{"id":"0","status":200,"headers":{{{headers}}},"body":"é {{}}\n"}}"#);
        assert_eq!(written_item(response).await, expected);
    }
    assert_eq!(
        as_base64(&written_item(untyped(b"caf\xe9")).await),
        r#""encoding":"base64","body":"Y2Fm6Q=="}"#
    );
    let mut gzipped = untyped(b"{}");
    let gzip = HeaderValue::from_static("gzip");
    gzipped.headers_mut().insert(CONTENT_ENCODING, gzip);
    assert_eq!(
        as_base64(&written_item(gzipped).await),
        r#""encoding":"base64","body":"e30="}"#
    );
}

#[tokio::test]
async fn a_batch_of_odata_4_01_gets_base64url_without_padding() {
    let service = responding_with(|_| response("image/png", "hi?>"));
    for (version, expected) in [
        ("4.01", r#""encoding":"base64url","body":"aGk_Pg"}"#),
        ("4.0", r#""encoding":"base64","body":"aGk/Pg=="}"#),
    ] {
        let mut request = requests(json!([{ "id": "0", "method": "GET", "url": "/" }]));
        let version = HeaderValue::from_static(version);
        request.headers_mut().insert("odata-version", version);
        let reply = send(BatchLayer::new("/batch").layer(service.clone()), request).await;
        assert_eq!(as_base64(&reply.only_item()), expected);
    }
}

#[tokio::test]
async fn trusted_json_is_written_without_a_check() {
    let layer = || BatchLayer::new("/batch").format(Json::new().trust_responses(true));
    let reply = batch_with(layer(), &[response("application/json", "not json")]).await;
    assert!(reply.only_item().ends_with(r#""body":not json}"#));
    let reply = batch_with(layer(), &[response("text/plain", "not\njson")]).await;
    assert!(reply.only_item().ends_with(r#""body":"not\njson"}"#));
    let mut gzipped = response("application/json", "{}");
    gzipped
        .headers_mut()
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let reply = batch_with(layer(), &[gzipped]).await;
    assert_eq!(
        as_base64(&reply.only_item()),
        r#""encoding":"base64","body":"e30="}"#
    );
}

#[tokio::test]
async fn a_response_that_a_strict_parser_rejects_does_not_hide_the_others() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    for (body, is_spliced) in [
        (nested(124), true),
        (nested(125), false),
        (r#""\ud83d\ude00""#.to_owned(), true),
        (r#""\ud800""#.to_owned(), false),
        (r#""\udc00""#.to_owned(), false),
        (r#""\udfff""#.to_owned(), false),
        (r#""\udc00\ud800""#.to_owned(), false),
        (r#""\udbff\udfff\ud7ff\ue000""#.to_owned(), true),
        (r#""\udbff\ue000""#.to_owned(), false),
        (r#""\ud800\udbff""#.to_owned(), false),
        (r#""\ud800\u0041""#.to_owned(), false),
    ] {
        let responses = [
            response("application/json", body.clone()),
            response("text/plain", "other"),
        ];
        let reply = written(&responses).await;
        assert_eq!(
            reply.item("0").get("encoding").is_none(),
            is_spliced,
            "{body}"
        );
        assert_eq!(reply.item("1")["body"], "other", "{body}");
    }
}
