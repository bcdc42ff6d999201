//! How headers of responses are written to a JSON envelope.

use bytes::Bytes;
use http::Response;
use http::header::{HeaderName, HeaderValue, SET_COOKIE};
use tower_multistatus::{BatchLayer, SetCookie};

use crate::support::{batch_with, written_item};

/// A 200 with these headers and no body.
fn headed(headers: &[(&str, &[u8])]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_bytes(value).unwrap();
        response.headers_mut().append(name, value);
    }
    response
}

#[tokio::test]
async fn header_names_have_the_spelling_that_clients_look_for() {
    for (name, spelling) in [
        ("content-type", "Content-Type"),
        ("etag", "ETag"),
        ("www-authenticate", "WWW-Authenticate"),
        ("odata-version", "OData-Version"),
        ("odata-entityid", "OData-EntityId"),
        ("content-id", "Content-ID"),
        ("dataserviceversion", "DataServiceVersion"),
        ("x-ms-request-id", "x-ms-request-id"),
        ("x-ms", "X-Ms"),
        ("x-request-id", "X-Request-Id"),
        ("location", "Location"),
        ("x--a_b.c", "X--A_b.c"),
        ("1-2a-b", "1-2a-B"),
        ("x-", "X-"),
    ] {
        let expected =
            format!(r#"{{"id":"0","status":200,"headers":{{"{spelling}":"v"}},"body":null}}"#);
        assert_eq!(written_item(headed(&[(name, b"v")])).await, expected);
    }
}

#[tokio::test]
async fn several_values_are_one_list() {
    let response = headed(&[
        ("vary", b"a"),
        ("x-b", b"1"),
        ("vary", b"b, c"),
        ("vary", b""),
    ]);
    assert_eq!(
        written_item(response).await,
        r#"{"id":"0","status":200,"headers":{"Vary":"a, b, c, ","X-B":"1"},"body":null}"#
    );
}

#[tokio::test]
async fn a_type_beside_a_list_is_written_like_any_other() {
    let mut response = headed(&[
        ("vary", b"a"),
        ("content-type", b"application/json"),
        ("etag", b"\"e\""),
        ("vary", b"b"),
    ]);
    *response.body_mut() = Bytes::from("[1]");
    let expected = r#"{"id":"0","status":200,"headers":{"Vary":"a, b","Content-Type":"application/json","ETag":"\"e\""},"body":[1]}"#;
    assert_eq!(written_item(response).await, expected);
}

#[tokio::test]
async fn kept_cookies_are_an_array() {
    let one = headed(&[("set-cookie", b"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT")]);
    let two = headed(&[("set-cookie", b"a=1"), ("set-cookie", b"b=2")]);
    let layer = BatchLayer::new("/batch").set_cookie(SetCookie::keep());
    let reply = batch_with(layer, &[one.clone(), two]).await;
    assert_eq!(
        reply.body,
        r#"{"responses":[
{"id":"0","status":200,"headers":{"Set-Cookie":["a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]},"body":null},
{"id":"1","status":200,"headers":{"Set-Cookie":["a=1","b=2"]},"body":null}]}"#
    );
    assert!(!reply.headers.contains_key(SET_COOKIE));
    assert_eq!(
        written_item(one).await,
        r#"{"id":"0","status":200,"headers":{},"body":null}"#
    );
}

#[tokio::test]
async fn a_body_with_two_types_or_codings_is_base64() {
    let json: (&str, &[u8]) = ("content-type", b"application/json");
    let identity: (&str, &[u8]) = ("content-encoding", b"identity");
    for (headers, shown) in [
        (
            [json, json],
            r#""Content-Type":"application/json, application/json""#,
        ),
        (
            [identity, identity],
            r#""Content-Encoding":"identity, identity""#,
        ),
    ] {
        let mut response = headed(&headers);
        *response.body_mut() = "{}".into();
        assert_eq!(
            written_item(response).await,
            format!(
                r#"{{"id":"0","status":200,"headers":{{{shown}}},"encoding":"base64","body":"e30="}}"#
            )
        );
    }
}

#[tokio::test]
async fn header_values_that_are_not_ascii_are_latin_1() {
    let response = headed(&[
        ("x-latin", b"caf\xe9 \x80\xff"),
        ("x-utf-8", "é".as_bytes()),
        ("x-line", b"a\x85b"),
        ("x-quote", b"\"\\\t"),
        ("x-two", b"\xe9"),
        ("x-two", b"\x85"),
    ]);
    assert_eq!(
        written_item(response).await,
        concat!(
            r#"{"id":"0","status":200,"headers":{"X-Latin":"café "#,
            "\u{80}ÿ",
            r#"","X-Utf-8":"Ã©","X-Line":"a\u0085b","X-Quote":"\"\\\t","X-Two":"é, \u0085"},"body":null}"#
        )
    );
}
