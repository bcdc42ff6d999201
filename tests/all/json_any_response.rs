//! Any response of the inner service is written to the envelope unchanged.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tower_multistatus::BatchLayer;

use crate::support::{batch_with, body, run};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(borrow)]
    responses: Vec<Item<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item<'a> {
    id: String,
    status: u16,
    headers: BTreeMap<String, Value>,
    encoding: Option<String>,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl Item<'_> {
    /// The decoded bytes of the body.
    fn decoded(&self) -> Vec<u8> {
        let text = self.body.get();
        let content_type = self.headers.get("Content-Type").and_then(Value::as_str);
        if self.encoding.is_some() {
            assert_eq!(self.encoding.as_deref(), Some("base64"));
            let text: String = serde_json::from_str(text).unwrap();
            STANDARD.decode(text).unwrap()
        } else if content_type.is_none_or(|value| value.starts_with("text/")) {
            let text: String = serde_json::from_str(text).unwrap();
            text.into()
        } else {
            text.into()
        }
    }
}

/// An independent strict parser: one value, valid UTF-8, limited depth, no half of a surrogate
/// pair, no number beyond `f64`.
fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok()
}

fn assert_same(item: &Item<'_>, response: &Response<Bytes>) {
    let (status, body) = (response.status(), response.body());
    if status.is_informational() {
        assert_eq!(item.status, 502);
        return;
    }
    assert_eq!(item.status, status);
    assert!(
        !item.body.get().contains('\u{fffd}')
            || body.windows(3).any(|b| b == "\u{fffd}".as_bytes())
    );
    for (name, value) in &item.headers {
        let sent: Vec<String> = response
            .headers()
            .get_all(name)
            .iter()
            .map(|value| value.as_bytes().iter().copied().map(char::from).collect())
            .collect();
        assert_eq!(value, &sent.join(", "));
    }
    assert_eq!(item.headers.len(), response.headers().keys_len());
    let bodiless = matches!(status.as_u16(), 204 | 205 | 304);
    if body.is_empty() || bodiless {
        assert_eq!(item.body.get(), "null");
        assert_eq!(item.encoding, None);
        return;
    }
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes);
    let claims_json = content_type.is_some_and(|value| value.ends_with(b"json"));
    if claims_json && is_json(body) {
        assert_eq!(item.encoding, None);
        // White space around a value is removed.
        assert_eq!(item.body.get().as_bytes(), body.trim_ascii());
    } else {
        let is_text = content_type.is_none_or(|value| value.starts_with(b"text/"));
        let is_string = is_text && std::str::from_utf8(body).is_ok();
        assert!(is_string || item.encoding.is_some());
        assert_eq!(item.decoded(), *body);
    }
}

fn response() -> impl Strategy<Value = Response<Bytes>> {
    let content_type = prop::sample::select(vec![
        None,
        Some("application/json"),
        Some("application/problem+json"),
        Some("text/plain"),
        Some("text/html; charset=utf-16"),
        Some("image/png"),
        Some(";"),
    ]);
    let name = prop::sample::select(vec![
        "etag",
        "x-ms-a",
        "x-a",
        "vary",
        "\"quoted",
        "x'~!#$%&*+^_`|.-",
    ]);
    let value = vec(prop_oneof![Just(b'\t'), 32..=126u8, 128..=255u8], 0..12);
    (100..=999u16, content_type, vec((name, value), 0..4), body()).prop_map(
        |(status, content_type, headers, body)| {
            let mut response = Response::new(body);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some(content_type) = content_type {
                let content_type = HeaderValue::from_static(content_type);
                response.headers_mut().insert(CONTENT_TYPE, content_type);
            }
            for (name, value) in headers {
                let name = HeaderName::from_bytes(name.as_bytes());
                let value = HeaderValue::from_bytes(&value);
                if let (Ok(name), Ok(value)) = (name, value) {
                    response.headers_mut().append(name, value);
                }
            }
            response
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    })]

    #[test]
    fn any_responses_are_written_unchanged(responses in vec(response(), 0..6)) {
        let reply = run(batch_with(BatchLayer::new("/batch"), &responses));
        let whole = serde_json::from_slice::<Value>(&reply.body);
        prop_assert!(whole.is_ok(), "{:?}", whole);
        let envelope: Envelope<'_> = serde_json::from_slice(&reply.body).unwrap();
        let ids: Vec<_> = envelope.responses.iter().map(|item| item.id.clone()).collect();
        let received: Vec<_> = (0..responses.len()).map(|at| at.to_string()).collect();
        prop_assert_eq!(ids, received);
        for (item, response) in envelope.responses.iter().zip(&responses) {
            assert_same(item, response);
        }
    }
}

#[tokio::test]
async fn bodies_of_every_size_arrive_intact() {
    for size in [1, 8191, 8192, 8193, 32 << 10, 33 << 10, 1_000_000] {
        let text = "é\"\n".repeat(size / 4 + 1)[..size / 4 * 4].to_owned() + &"x".repeat(size % 4);
        let json = format!("\"{}\"", "y".repeat(size.saturating_sub(2)));
        let binary: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let bodies: [(&'static str, Bytes); 5] = [
            ("text/plain", text.into()),
            ("image/png", binary.into()),
            ("text/plain", "between".into()),
            ("application/json", json.into()),
            ("application/json", "{}".into()),
        ];
        let responses = bodies.map(|(content_type, body)| {
            let mut response = Response::new(body);
            let content_type = HeaderValue::from_static(content_type);
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            response
        });
        let reply = batch_with(BatchLayer::new("/batch"), &responses).await;
        assert_eq!(
            reply.header("content-length"),
            Some(&*reply.body.len().to_string())
        );
        let envelope: Envelope<'_> = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(envelope.responses.len(), responses.len());
        for (item, response) in envelope.responses.iter().zip(&responses) {
            assert_eq!(item.decoded(), *response.body(), "{size}");
        }
    }
}
