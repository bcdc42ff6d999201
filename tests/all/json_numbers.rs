//! Numbers that common parsers refuse are not written as numbers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower_multistatus::{BatchLayer, NdJson};

use crate::support::{Reply, batch_with, run};

fn json_response(body: impl Into<Bytes>) -> Response<Bytes> {
    let response = Response::builder().header(CONTENT_TYPE, "application/json");
    response.body(body.into()).expect("a response")
}

/// The reply if the inner service responds with this body and then with `{"n":1}`.
async fn written(layer: BatchLayer, body: &[u8]) -> Reply {
    let bodies = [Bytes::copy_from_slice(body), Bytes::from(r#"{"n":1}"#)];
    batch_with(layer, &bodies.map(json_response)).await
}

fn in_base64(body: &str) -> String {
    format!(r#""encoding":"base64","body":"{}""#, STANDARD.encode(body))
}

/// Numbers, and whether they fit `f64`.
fn numbers() -> Vec<(String, bool)> {
    let digits = |count: usize| "9".repeat(count);
    let fits = [
        "0",
        "-0.0",
        "1e99",
        "1E+308",
        "1e-999",
        "-1e-400",
        "0e999",
        "0.0E+99999999999999999999",
        "1e-99999999999999999999",
        "12345678901234567890.10",
        "1.7976931348623157e308",
        "0.00001e312",
        "1e0000000000000000000001",
    ]
    .map(str::to_owned);
    let fit_long = [
        digits(200),
        digits(201),
        digits(308),
        format!("-{}", digits(308)),
        format!("{}e-300", digits(310)),
        format!("{}E-100", digits(401)),
        format!("0.{}1e400", "0".repeat(399)),
        format!("0.{}", digits(5000)),
        format!("1.{}e-5", "0".repeat(400)),
    ];
    let beyond = [
        "1e999",
        "-1e400",
        "1E+309",
        "1e309",
        "1.7976931348623159e308",
        "-1.8e308",
        "1e99999999999999999999",
        "0.1e310",
        // The largest `f64`, which `serde_json` rounds up.
        "1.7976931348623156225e308",
    ]
    .map(str::to_owned);
    let beyond_long = [
        digits(309),
        digits(401),
        format!("-{}", digits(401)),
        format!("{}e-1", digits(401)),
        format!("{}.0", digits(310)),
        format!("0.{}1e900", "0".repeat(399)),
        format!("1{}e0", "0".repeat(400)),
    ];
    let fits = fits.into_iter().chain(fit_long);
    let fits = fits.map(|number| (number, true));
    let beyond = beyond.into_iter().chain(beyond_long);
    fits.chain(beyond.map(|number| (number, false))).collect()
}

#[tokio::test]
async fn a_body_with_a_number_beyond_f64_is_base64() {
    for (number, fits) in numbers() {
        for body in [
            number.clone(),
            format!("[{number}]"),
            format!("[1,{number} ]"),
            format!(r#"{{"a":[{{"b":{number}}}],"c":2}}"#),
        ] {
            let reply = written(BatchLayer::new("/batch"), body.as_bytes()).await;
            let shown = if fits {
                format!(r#""body":{body}"#)
            } else {
                in_base64(&body)
            };
            let expected = format!(
                "{{\"responses\":[\n{{\"id\":\"0\",\"status\":200,\"headers\":{{\"Content-Type\":\"application/json\"}},{shown}}},\n\
                 {{\"id\":\"1\",\"status\":200,\"headers\":{{\"Content-Type\":\"application/json\"}},\"body\":{{\"n\":1}}}}]}}"
            );
            assert_eq!(std::str::from_utf8(&reply.body), Ok(&*expected), "{body}");
            let parsed: Value = serde_json::from_slice(&reply.body).expect("an envelope");
            assert_eq!(parsed["responses"][1]["body"], json!({ "n": 1 }), "{body}");
        }
    }
}

#[tokio::test]
async fn a_line_has_no_number_beyond_f64() {
    let layer = BatchLayer::new("/batch").format(NdJson::new());
    for (number, fits) in numbers() {
        let body = format!("[\n{number}\n]");
        let items = json!([{ "id": "0", "method": "GET", "url": "/" }]);
        let mut request = crate::support::requests(items);
        let accept = http::HeaderValue::from_static("application/x-ndjson");
        request.headers_mut().insert("accept", accept);
        let response = json_response(body.clone());
        let service = crate::support::responding_with(move |_| response.clone());
        let reply = crate::support::send(tower::Layer::layer(&layer, service), request).await;
        let text = std::str::from_utf8(&reply.body).expect("UTF-8");
        let line = text.lines().next().expect("a line");
        let shown = if fits {
            format!(r#""body":[{number}]"#)
        } else {
            in_base64(&body)
        };
        assert!(line.ends_with(&format!(",{shown}}}")), "{line}");
        serde_json::from_str::<Value>(line).expect("JSON");
    }
}

/// JSON, mostly numbers of all kinds, and other bytes.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?",
        "-?[1-9][0-9]{290,320}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        "1\\.7976931348623[0-9]{1,6}[eE]\\+?30[78]",
        "0\\.0{300,320}[0-9]{1,20}e[0-9]{3}",
    ];
    let value = number.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|all| format!("[{}]", all.join(","))),
            inner.prop_map(|value| format!(r#"{{"\ud83d\ude00":{value}}}"#)),
        ]
    });
    prop_oneof![
        4 => value.prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..30),
        1 => "[\\[\\]{}:,\"0-9eE.+-]{0,20}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(600)
    })]

    #[test]
    fn any_body_leaves_a_valid_envelope_and_its_neighbour_unchanged(body in body()) {
        let reply = run(written(BatchLayer::new("/batch"), &body));
        let envelope: Value = serde_json::from_slice(&reply.body).expect("an envelope");
        let headers = json!({ "Content-Type": "application/json" });
        let neighbour = json!({ "id": "1", "status": 200, "headers": headers, "body": { "n": 1 } });
        prop_assert_eq!(&envelope["responses"][1], &neighbour);
        let item = &envelope["responses"][0];
        match serde_json::from_slice::<Value>(&body) {
            Ok(value) => {
                prop_assert_eq!(item.get("encoding"), None);
                prop_assert_eq!(&item["body"], &value);
            }
            Err(_) if body.is_empty() => prop_assert_eq!(&item["body"], &Value::Null),
            Err(_) => {
                let text = item["body"].as_str().expect("base64");
                prop_assert_eq!(STANDARD.decode(text).expect("base64"), body);
            }
        }
    }
}
