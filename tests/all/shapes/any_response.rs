//! Whatever the inner service sends, an envelope of any shape can be read, and no response alters
//! another one.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tower::Layer;

use super::table::CLIENTS;
use crate::support::{body, responding_with, run, send};

/// The response before and after any other.
const NEIGHBOUR: &str = r#"{"neighbour":["a","b"]}"#;

fn response() -> impl Strategy<Value = Response<Bytes>> {
    let content_type = select(vec![
        "",
        "application/json",
        "text/plain",
        "image/png",
        ";",
        "a/b+json",
    ]);
    let encoding = select(vec!["", "", "", "gzip", "identity"]);
    let name = select(vec!["etag", "location", "x-a", "vary", "x'~!#$%&*+^_`|.-"]);
    let value = vec(prop_oneof![Just(b'\t'), 32..=126u8, 128..=255u8], 0..12);
    let headers = vec((name, value), 0..4);
    (100..=999u16, content_type, encoding, headers, body()).prop_map(
        |(status, content_type, encoding, headers, body)| {
            let mut response = Response::new(body);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in [(CONTENT_TYPE, content_type), (CONTENT_ENCODING, encoding)] {
                if !value.is_empty() {
                    let value = HeaderValue::from_static(value);
                    response.headers_mut().insert(name, value);
                }
            }
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    let name = HeaderName::from_static(name);
                    response.headers_mut().append(name, value);
                }
            }
            response
        },
    )
}

fn neighbour() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(NEIGHBOUR.as_bytes()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    })]

    #[test]
    fn no_response_alters_its_neighbours(response in response()) {
        for client in CLIENTS {
            let (sent, alone) = (response.clone(), response.clone());
            let service = responding_with(move |request| match request.uri().path() {
                "/1" => sent.clone(),
                _ => neighbour(),
            });
            let items = ["/0", "/1", "/2"].map(|url| client.get(url));
            let batch = client.batch(items.to_vec());
            let reply = run(send(client.layer().layer(service), batch));
            let results = client.results(&reply);
            prop_assert_eq!(results.len(), 3, "{}", client.name);
            for at in [0, 2] {
                prop_assert_eq!(results[at].body.as_deref(), Some(NEIGHBOUR.as_bytes()));
                if client.has_status() {
                    prop_assert_eq!(results[at].status, Some(200));
                }
            }
            // The response is the same without neighbours.
            let service = responding_with(move |_| alone.clone());
            let batch = client.batch(vec![client.get("/1")]);
            let reply = run(send(client.layer().layer(service), batch));
            let result = client.results(&reply).remove(0);
            prop_assert_eq!(&result, &results[1]);
            let status = response.status();
            if client.has_status() {
                let expected = if status.is_informational() { 502 } else { status.as_u16() };
                prop_assert_eq!(result.status, Some(expected.into()), "{}", client.name);
            }
        }
    }
}
