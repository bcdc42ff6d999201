//! Types of envelopes that are accepted, and refusals of others.

use axum::body::Body;
use http::{HeaderValue, Request};
use serde_json::json;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{malformed, problem, recorder, requests, send};

/// A batch of one valid item with only these values of the header.
fn with(name: &'static str, values: &[&str]) -> Request<Body> {
    let mut request = requests(json!([{ "id": "a", "method": "GET", "url": "/" }]));
    request.headers_mut().remove(name);
    for value in values {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        request.headers_mut().append(name, value);
    }
    request
}

async fn assert_unsupported(request: Request<Body>, what: &str) {
    let (log, service) = recorder();
    let reply = send(BatchLayer::new("/batch").layer(service), request).await;
    assert_eq!(log.len(), 0, "{what}");
    assert_eq!(reply.status, 415, "{what}");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        reply.header("accept-post"),
        Some("application/json, application/x-ndjson, application/jsonl, application/ndjson"),
        "{what}"
    );
    assert_eq!(
        reply.json(),
        problem(
            415,
            "unsupported-media-type",
            "no format reads this content type"
        ),
        "{what}"
    );
}

async fn assert_taken(request: Request<Body>, what: &str) {
    let reply = send(BatchLayer::new("/batch").layer(recorder().1), request).await;
    assert_eq!(reply.status, 207, "{what}");
}

#[tokio::test]
async fn an_envelope_of_a_type_that_no_format_reads_is_415() {
    for value in [
        "text/plain",
        "text/plain; charset=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "multipart/mixed; boundary=a",
        "application/problem+json",
        "application/jsonp",
        "application/json, text/plain",
        "application",
        "application/*",
        "*/*",
        "json",
        "",
        ";",
        "application/json\u{e9}",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
    ] {
        assert_unsupported(with("content-type", &[value]), value).await;
    }
}

#[tokio::test]
async fn an_envelope_without_a_type_or_with_two_is_415() {
    assert_unsupported(with("content-type", &[]), "none").await;
    let two = &["application/json", "application/json"];
    assert_unsupported(with("content-type", two), "twice the same").await;
    let two = &["application/json", "text/plain"];
    assert_unsupported(with("content-type", two), "two").await;
}

#[tokio::test]
async fn json_is_accepted_in_any_case_and_with_parameters() {
    for value in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/json ; odata.metadata=minimal;;IEEE754Compatible=true",
    ] {
        assert_taken(with("content-type", &[value]), value).await;
    }
}

#[tokio::test]
async fn a_duplicate_charset_is_malformed() {
    let (log, service) = recorder();
    let request = with(
        "content-type",
        &["application/json; charset=utf-8; charset=utf-8"],
    );
    let reply = send(BatchLayer::new("/batch").layer(service), request).await;
    assert_eq!(log.len(), 0);
    assert_eq!(
        reply.json(),
        malformed("`charset` stands twice in `Content-Type`", json!({}))
    );
}

#[tokio::test]
async fn an_envelope_with_a_content_encoding_is_415() {
    for values in [
        &["gzip"][..],
        &["br"],
        &["x"],
        &[""],
        &["identity, gzip"],
        &["identity", "gzip"],
    ] {
        assert_unsupported(with("content-encoding", values), values[0]).await;
    }
    assert_taken(with("content-encoding", &["Identity"]), "identity").await;
}

/// The type of the response, or its status if the batch is refused.
async fn written(accept: &[&str]) -> Result<String, u16> {
    let (log, service) = recorder();
    let reply = send(
        BatchLayer::new("/batch").layer(service),
        with("accept", accept),
    )
    .await;
    if reply.status == 207 {
        assert_eq!(log.len(), 1);
        return Ok(reply.header("content-type").expect("a type").to_owned());
    }
    assert_eq!(log.len(), 0, "{accept:?}");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        reply.json(),
        problem(406, "not-acceptable", "no format matches the Accept header")
    );
    Err(reply.status.as_u16())
}

#[tokio::test]
async fn a_response_has_an_accepted_type_or_the_batch_is_406() {
    const JSON: Result<&str, u16> = Ok("application/json");
    const NDJSON: Result<&str, u16> = Ok("application/x-ndjson");
    for (accept, expected) in [
        (&[][..], JSON),
        (&[""], JSON),
        (&["*/*"], JSON),
        (&["application/*"], JSON),
        (&["application/json"], JSON),
        (&["Application/Json; odata.metadata=minimal"], JSON),
        (&["text/html, application/json"], JSON),
        (&["text/html", "application/json"], JSON),
        (&["text/html, */*;q=0.1"], JSON),
        (&["application/x-ndjson"], NDJSON),
        (&["application/jsonl"], NDJSON),
        (&["application/ndjson"], NDJSON),
        (&["application/json;q=0.5, application/x-ndjson"], NDJSON),
        (&["application/json, application/x-ndjson;q=0.5"], JSON),
        (&["application/x-ndjson, */*"], NDJSON),
        (&["application/json;q=0, */*"], NDJSON),
        (&["text/html"], Err(406)),
        (&["text/*"], Err(406)),
        (&["application/xml"], Err(406)),
        (&["application/problem+json"], Err(406)),
        (&["multipart/mixed"], Err(406)),
        (&["application/json;q=0"], Err(406)),
        (&["*/*;q=0"], Err(406)),
        (&["json"], Err(406)),
    ] {
        let expected = expected.map(str::to_owned);
        assert_eq!(written(accept).await, expected, "{accept:?}");
    }
}
