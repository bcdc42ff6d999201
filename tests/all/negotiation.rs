//! Which format reads the envelope, and which one writes the response.

use axum::body::Body;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};
use serde_json::json;
use tower_multistatus::{BatchLayer, Encoder, Format, Frames, Json, Subresponse};

use crate::support::{Log, Reply, ask_through};

const ENVELOPE: &str = r#"{"requests":[{"id":"a","method":"GET","url":"/1"}]}"#;

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

/// Values of `Content-Type`, and the code of the refusal if no format reads them.
const CONTENT_TYPES: &[(&[&str], Option<&str>)] = &[
    (&["application/json"], None),
    (&["Application/JSON"], None),
    (&[" application/json ; charset=utf-8"], None),
    (&["application/json;charset=\"UTF-8\""], None),
    (&["application/json;;version=1"], None),
    (
        &["application/json;odata.metadata=minimal;IEEE754Compatible=true"],
        None,
    ),
    (&["application/json;x=\"charset=utf-16;\""], None),
    (
        &["application/json;charset=utf-16"],
        Some("unsupported-media-type"),
    ),
    (
        &["application/json;charset=latin1"],
        Some("unsupported-media-type"),
    ),
    (
        &["application/json;charset=utf-8;charset=utf-8"],
        Some("malformed"),
    ),
    (
        &["application/json;charset=utf-8;Charset=\"utf-16\""],
        Some("malformed"),
    ),
    (
        &["application/json", "application/json"],
        Some("unsupported-media-type"),
    ),
    (
        &["application/json, application/json"],
        Some("unsupported-media-type"),
    ),
    (&["application/json-seq"], Some("unsupported-media-type")),
    (
        &["application/vnd.api+json"],
        Some("unsupported-media-type"),
    ),
    (
        &["application/problem+json"],
        Some("unsupported-media-type"),
    ),
    (&["text/json"], Some("unsupported-media-type")),
    (&["text/plain"], Some("unsupported-media-type")),
    (
        &["text/plain;application/json"],
        Some("unsupported-media-type"),
    ),
    (
        &["application/x-www-form-urlencoded"],
        Some("unsupported-media-type"),
    ),
    (
        &["multipart/form-data;boundary=b"],
        Some("unsupported-media-type"),
    ),
    (
        &["multipart/mixed;boundary=b"],
        Some("unsupported-media-type"),
    ),
    (&["*/*"], Some("unsupported-media-type")),
    (&["json"], Some("unsupported-media-type")),
    (&[""], Some("unsupported-media-type")),
    (&["application/json\u{e9}"], Some("unsupported-media-type")),
    (&[], Some("unsupported-media-type")),
];

/// Values of `Accept`, and the type of the response, if there is one.
const ACCEPTS: &[(&[&str], Option<&str>)] = &[
    (&[], Some(JSON)),
    (&[""], Some(JSON)),
    (&[" , ,"], Some(JSON)),
    (&["*/*"], Some(JSON)),
    (&["application/*"], Some(JSON)),
    (&["APPLICATION/*;q=0.1"], Some(JSON)),
    (&["application/json"], Some(JSON)),
    (&["Application/Json;odata.metadata=none"], Some(JSON)),
    (&["application/x-ndjson"], Some(NDJSON)),
    (&["application/jsonl"], Some(NDJSON)),
    (&["application/NDJSON"], Some(NDJSON)),
    (&["application/json, text/plain, */*"], Some(JSON)),
    (&["text/html, image/gif, *; q=.2, */*; q=.2"], Some(JSON)),
    (&["text/html", "application/jsonl"], Some(NDJSON)),
    // Of equal weights the most specific range wins, then the format of the envelope.
    (&["application/x-ndjson, application/json"], Some(JSON)),
    (&["application/x-ndjson, */*"], Some(NDJSON)),
    (&["application/*, application/jsonl"], Some(NDJSON)),
    (
        &["application/json;q=0.5, application/x-ndjson"],
        Some(NDJSON),
    ),
    (
        &["application/json;q=0.5, application/x-ndjson;q=0.4"],
        Some(JSON),
    ),
    (
        &["application/json;Q=0.250, application/x-ndjson; q=0.251"],
        Some(NDJSON),
    ),
    (&["application/json;q=0.5, */*;q=0.8"], Some(NDJSON)),
    (&["application/json;q=0, */*"], Some(NDJSON)),
    (&["application/json;q=0.000, application/*"], Some(NDJSON)),
    (
        &["application/x-ndjson;q=0, application/json;q=0.001"],
        Some(JSON),
    ),
    (
        &["text/html;x=\",application/jsonl,\", application/json;q=0.1"],
        Some(JSON),
    ),
    // An invalid weight counts as 1.
    (
        &["application/json;q=x, application/x-ndjson;q=0.9"],
        Some(JSON),
    ),
    (
        &["application/json;q=7, application/x-ndjson;q=0.9"],
        Some(JSON),
    ),
    (&["application/json;q=0"], None),
    (&["*/*;q=0"], None),
    (&["application/json;q=0.0, text/html"], None),
    (&["text/html"], None),
    (&["text/*"], None),
    (&["application/xml, image/*;q=0.8"], None),
    (&["json"], None),
    (&["*"], None),
    (&["*/json"], None),
    (&["application"], None),
    (&["application/json/*"], None),
    (&["application/problem+json"], None),
];

/// The types that the layer reads by default.
const READ: &str = "application/json, application/x-ndjson, application/jsonl, application/ndjson";

async fn ask(layer: BatchLayer, content_types: &[&str], accepts: &[&str]) -> (Reply, Log) {
    let mut request = Request::post("/batch").body(Body::from(ENVELOPE)).unwrap();
    for (name, values) in [(CONTENT_TYPE, content_types), (ACCEPT, accepts)] {
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request.headers_mut().append(&name, value);
        }
    }
    ask_through(layer, request).await
}

#[tokio::test]
async fn content_type_selects_the_decoder_and_accept_the_encoder() {
    for (content_types, refusal) in CONTENT_TYPES {
        for (accepts, written) in ACCEPTS {
            let shown = format!("{content_types:?} {accepts:?}");
            let (reply, log) = ask(BatchLayer::new("/batch"), content_types, accepts).await;
            let accept_post = reply.header("accept-post");
            match (refusal, written) {
                (Some(code), _) => {
                    assert_eq!(reply.code(), *code, "{shown}");
                    let (status, expected) = match *code {
                        "malformed" => (400, None),
                        _ => (415, Some(READ)),
                    };
                    assert_eq!(
                        (reply.status.as_u16(), accept_post),
                        (status, expected),
                        "{shown}"
                    );
                    assert_eq!(log.len(), 0, "{shown}");
                }
                (None, None) => {
                    assert_eq!(
                        (reply.code().as_str(), accept_post),
                        ("not-acceptable", None),
                        "{shown}"
                    );
                    assert_eq!(reply.status, StatusCode::NOT_ACCEPTABLE, "{shown}");
                    assert_eq!(log.len(), 0, "{shown}");
                }
                (None, Some(content_type)) => {
                    assert_eq!(reply.status, StatusCode::MULTI_STATUS, "{shown}");
                    assert_eq!(reply.header("content-type"), Some(*content_type), "{shown}");
                    let is_lines = reply.body.ends_with(b"}}\n");
                    assert_eq!(is_lines, *content_type == NDJSON, "{shown}");
                    assert_eq!(log.len(), 1, "{shown}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_encoded_envelope_is_not_read() {
    for (coding, status) in [("gzip", 415), ("identity", 207), ("Identity", 207)] {
        let mut request = Request::post("/batch").body(Body::from(ENVELOPE)).unwrap();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        let (reply, _) = ask_through(BatchLayer::new("/batch"), request).await;
        assert_eq!(reply.status.as_u16(), status, "{coding}");
    }
}

/// A format with these names that writes a `1` per item.
#[derive(Clone, Debug)]
struct Count(&'static [&'static str]);

impl Format for Count {
    fn media_types(&self) -> &[&str] {
        self.0
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        Some(Box::new(self.clone()))
    }
}

impl Encoder for Count {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(self.0[0])
    }

    fn status(&self) -> Option<StatusCode> {
        Some(StatusCode::ACCEPTED)
    }

    fn push(&mut self, _: &Subresponse, out: &mut Frames) {
        out.put(b"1");
    }
}

#[tokio::test]
async fn an_added_format_is_negotiated() {
    let layer = || BatchLayer::new("/batch").format(Count(&["text/count", "text/x-count"]));
    for (accept, expected) in [
        ("text/count", "text/count"),
        ("Text/X-Count", "text/count"),
        ("text/*", "text/count"),
        ("*/*", JSON),
        ("application/jsonl, text/count;q=0.9", NDJSON),
        ("application/jsonl;q=0.8, text/*;q=0.9", "text/count"),
    ] {
        let (reply, log) = ask(layer(), &[JSON], &[accept]).await;
        assert_eq!(reply.header("content-type"), Some(expected), "{accept}");
        assert_eq!(log.len(), 1);
        if expected == "text/count" {
            assert_eq!(
                (reply.status, &*reply.body),
                (StatusCode::ACCEPTED, &b"1"[..])
            );
        }
    }
    // The format cannot read.
    let (reply, log) = ask(layer(), &["text/count"], &[]).await;
    assert_eq!((reply.status.as_u16(), log.len()), (415, 0));
    assert_eq!(reply.header("accept-post"), Some(READ));
}

#[tokio::test]
async fn a_format_replaces_one_with_the_same_first_media_type() {
    let layer = BatchLayer::new("/batch").format(Count(&[NDJSON, "text/count"]));
    let (reply, _) = ask(layer.clone(), &[JSON], &[NDJSON]).await;
    assert_eq!(reply.body, "1");
    // The other names of the replaced format are gone.
    let (reply, _) = ask(layer.clone(), &[JSON], &["application/jsonl"]).await;
    assert_eq!(reply.status, StatusCode::NOT_ACCEPTABLE);
    let (reply, _) = ask(layer, &[JSON], &[]).await;
    assert_eq!(reply.header("content-type"), Some(JSON));
}

#[tokio::test]
async fn a_format_that_shares_a_later_media_type_is_added() {
    let layer = BatchLayer::new("/batch").format(Count(&["text/count", "application/json"]));
    let (reply, _) = ask(layer.clone(), &[JSON], &[JSON]).await;
    assert_eq!(reply.json()["responses"][0]["body"], json!({}));
    let (reply, _) = ask(layer, &[JSON], &["text/count"]).await;
    assert_eq!(reply.body, "1");
}

#[tokio::test]
async fn json_that_only_writes_cannot_be_read() {
    let layer = BatchLayer::new("/batch").format(Count(&[JSON]));
    let (reply, log) = ask(layer, &[JSON], &[]).await;
    assert_eq!((reply.status.as_u16(), log.len()), (415, 0));
    let layer = BatchLayer::new("/batch")
        .format(Count(&[JSON]))
        .format(Json::new());
    let (reply, _) = ask(layer, &[JSON], &[]).await;
    assert_eq!(reply.statuses(), [200]);
}
