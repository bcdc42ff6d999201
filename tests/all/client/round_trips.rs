//! Through both halves: the caller gets the response of the handler byte for byte.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use tower::Layer;
use tower_multistatus::{BatchLayer, NdJson, SetCookie};

use super::*;
use crate::support::{body, responding_with, run};

/// Sends a request per response, all in one batch. Returns what the callers get.
async fn through_both(
    client: BatchClientLayer,
    server: BatchLayer,
    sent: &[Response<Bytes>],
) -> Vec<Reply> {
    let handler = {
        let sent = sent.to_vec();
        responding_with(move |request| {
            let at: usize = request.uri().path()[1..].parse().expect("a number");
            sent[at].clone()
        })
    };
    let server = server.set_cookie(SetCookie::keep()).layer(handler);
    let connection = Wire::default().to(move |sent| {
        let server = server.clone();
        async move {
            assert!(sent.is_batch());
            let mut request = Request::new(Body::from(sent.body));
            *request.method_mut() = sent.method;
            *request.uri_mut() = sent.uri.parse()?;
            *request.headers_mut() = sent.headers;
            Ok(server.oneshot(request).await?.map(Body::new))
        }
    });
    let client = client.layer(connection);
    // One more, because a request that is alone is sent as it is.
    let gets = (0..sent.len()).chain([0]).map(|at| get(&format!("/{at}")));
    let replies = fetch_all(&client, gets).await.into_iter();
    let mut replies: Vec<_> = replies.map(|reply| reply.expect("a response")).collect();
    replies.pop();
    replies
}

fn headers_of(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = headers
        .keys()
        .filter(|name| *name != "content-length")
        .map(|name| {
            let values: Vec<_> = headers
                .get_all(name)
                .iter()
                .map(HeaderValue::as_bytes)
                .collect();
            (name.to_string(), values.join(&b", "[..]))
        })
        .collect();
    all.sort();
    all
}

/// Asserts that a caller has the response that the handler has sent. JSON in NDJSON is on one line.
fn assert_same(sent: &Response<Bytes>, reply: &Reply, is_lines: bool, is_multipart: bool) {
    if sent.status().is_informational() {
        return assert_eq!(reply.status, 502);
    }
    assert_eq!(reply.status, sent.status());
    assert_eq!(headers_of(&reply.headers), headers_of(sent.headers()));
    if matches!(sent.status().as_u16(), 204 | 205 | 304) {
        return assert_eq!(reply.body, "");
    }
    let length = reply.header("content-length").expect("a length");
    assert_eq!(length, reply.body.len().to_string());
    let content_type = sent.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let claims_json = content_type.is_some_and(|value| value.starts_with(b"application/json"))
        || content_type == Some(b"application/problem+json");
    if is_lines && claims_json && serde_json::from_slice::<Value>(sent.body()).is_ok() {
        let value = |body: &Bytes| serde_json::from_slice::<Value>(body).expect("JSON");
        return assert_eq!(value(&reply.body), value(sent.body()));
    }
    // The envelope has `null` for JSON that is `null`, and for no body.
    let is_encoded = sent.headers().contains_key("content-encoding");
    let is_null = !is_multipart && claims_json && !is_encoded && sent.body().is_empty();
    let expected = if is_null { "null" } else { "" };
    match expected {
        "" => assert_eq!(reply.body, sent.body()),
        expected => assert_eq!(reply.body, expected),
    }
}

fn assert_round_trip(sent: &[Response<Bytes>]) {
    let server = || BatchLayer::new("/batch");
    let replies = run(through_both(layer(), server(), sent));
    for (sent, reply) in sent.iter().zip(&replies) {
        assert_same(sent, reply, false, false);
    }
    let client = layer().format(NdJson::new());
    let replies = run(through_both(client, server(), sent));
    for (sent, reply) in sent.iter().zip(&replies) {
        assert_same(sent, reply, true, false);
    }
    #[cfg(feature = "multipart")]
    {
        let format = tower_multistatus::Multipart::new;
        let client = layer().format(format());
        let replies = run(through_both(client, server().format(format()), sent));
        for (sent, reply) in sent.iter().zip(&replies) {
            assert_same(sent, reply, false, true);
        }
    }
}

fn response() -> impl Strategy<Value = Response<Bytes>> {
    let content_type = prop::sample::select(vec![
        None,
        Some("application/json"),
        Some("application/problem+json"),
        Some("application/json; charset=utf-8"),
        Some("text/plain"),
        Some("text/plain; charset=iso-8859-1"),
        Some("text/html; charset=utf-8"),
        Some("application/x-www-form-urlencoded"),
        Some("application/xml"),
        Some("image/png"),
        Some("multipart/mixed; boundary=b"),
        Some("nonsense"),
    ]);
    let value = vec(prop_oneof![32..127_u8, Just(9_u8), 128..=255_u8], 0..20);
    let name = prop::sample::select(vec![
        "etag",
        "x-a",
        "set-cookie",
        "content-encoding",
        "x_b",
        "vary",
    ]);
    let headers = vec((name, value), 0..4);
    (100..=999_u16, content_type, headers, body()).prop_map(
        |(status, content_type, headers, body)| {
            let mut response = Response::new(body);
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            let map = response.headers_mut();
            if let Some(content_type) = content_type {
                map.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
            for (name, value) in headers {
                // Clients and servers drop white space around a value.
                let value = HeaderValue::from_bytes(value.trim_ascii()).expect("a value");
                map.append(HeaderName::from_static(name), value);
            }
            response
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_response_reaches_its_caller_as_it_was_sent(sent in vec(response(), 1..8)) {
        assert_round_trip(&sent);
    }
}

#[test]
fn each_response_that_is_hard_to_write_reaches_its_caller() {
    let hard = [
        ("application/json", &b"{\"a\" : 1}\n"[..]),
        ("application/json", b" null "),
        ("application/json", b"null"),
        ("application/json", b"\"\\ud800\""),
        ("application/json", b"123456789012345678901234567890"),
        ("application/json", b"{\"a\":1,\"a\":2}"),
        ("application/json", b"1e999"),
        ("application/json", b"\xff"),
        ("application/json", b"}]},{\"id\":\"2\",\"status\":200"),
        ("text/plain", b"\xef\xbb\xbfbom"),
        ("text/plain", b"\0\x01\x7f\r\n"),
        ("text/plain; charset=latin1", b"\xe9"),
        ("image/png", b"\x89PNG\r\n\x1a\n\0"),
        ("application/http", b"HTTP/1.1 200 OK\r\n\r\n"),
    ];
    let sent = hard.map(|(content_type, body)| {
        let response = Response::builder().header(CONTENT_TYPE, content_type);
        response.body(Bytes::from_static(body)).expect("a response")
    });
    assert_round_trip(&sent);
}
