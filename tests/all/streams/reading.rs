//! How NDJSON is read: lines, their ends, and their faults.

use axum::body::Body;
use bytes::Bytes;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, NdJson};

use super::{Lines, get, lines, summary};
use crate::probe::Probe;
use crate::support::send;

const A: &str = r#"{"id":"a","method":"GET","url":"/ok"}"#;
const B: &str = r#"{"id":"b","method":"GET","url":"/ok"}"#;

/// The ids of the items that have a response, and the summary.
async fn result_of(chunks: &[Bytes]) -> (Vec<String>, Value) {
    let layer = BatchLayer::new("/batch").max_item_body_bytes(64);
    let chunks: Vec<_> = chunks
        .iter()
        .cloned()
        .map(Ok::<_, std::io::Error>)
        .collect();
    let body = Body::from_stream(futures_util::stream::iter(chunks));
    let mut lines = Lines::of(layer.layer(Probe::new().1), body)
        .await
        .rest()
        .await;
    let summary = lines.pop().expect("a summary")["summary"].take();
    let id = |line: &Value| {
        assert_eq!(line["status"], 200);
        line["id"].as_str().expect("an id").to_owned()
    };
    (lines.iter().map(id).collect(), summary)
}

fn ended_by(items: usize, mut error: Value, more: Value) -> Value {
    let more = more.as_object().expect("an object").clone();
    error.as_object_mut().expect("an object").extend(more);
    let mut summary = summary(items, items);
    summary["error"] = error;
    summary
}

fn malformed(detail: &str) -> Value {
    json!({ "type": "about:blank", "title": "the envelope is malformed", "status": 400,
        "code": "malformed", "detail": detail })
}

/// An envelope, the number of its items that run, and the error that ends it: with its line and its
/// offset.
type Case = (Vec<u8>, usize, Option<(Value, u64, Option<usize>)>);

#[tokio::test]
async fn lines_are_split_and_faults_reported_whatever_the_chunks_are() {
    let long = format!(
        r#"{{"id":"c","method":"GET","url":"/ok","x":"{}"}}"#,
        "y".repeat(17_000)
    );
    // A line may have 16 KiB beside a body of `max_item_body_bytes`, with its end.
    let longest = |length: usize| {
        let rest = length - B.len() - ",\"x\":\"\"\n".len();
        format!("{},\"x\":\"{}\"}}\n", &B[..B.len() - 1], "y".repeat(rest))
    };
    let problem = |status: u16, code: &str, title: &str| json!({ "type": "about:blank", "title": title, "status": status, "code": code });
    let too_long = {
        let mut error = problem(413, "envelope-too-large", "the envelope is too large");
        error["detail"] = json!("a line is too long");
        error["limit"] = json!("max_item_body_bytes");
        error["max"] = json!(64);
        error
    };
    let duplicate = problem(400, "duplicate-id", "two items have the same id");
    let unknown = problem(
        400,
        "unknown-dependency",
        "an item depends on an id that no earlier item has",
    );
    let after = r#"{"id":"b","method":"GET","url":"/ok","dependsOn":["x"]}"#;
    let cases: Vec<Case> = vec![
        (b"".to_vec(), 0, None),
        (b"\n\r\n \t\r\n".to_vec(), 0, None),
        (format!("{A}\n{B}\n").into(), 2, None),
        (format!("{A}\r\n\r\n\n{B}\r\n").into(), 2, None),
        (format!("{A}\n {B} ").into(), 2, None),
        (format!("{A}\n{B}\r").into(), 2, None),
        (
            format!("{A}\n\n{B}{B}\n{A}\n").into(),
            1,
            Some((
                malformed("trailing characters"),
                3,
                Some(A.len() + 2 + B.len()),
            )),
        ),
        (
            format!("{A}\n{B}\n{{\"id\":\"c\"").into(),
            2,
            Some((
                malformed("the JSON ends too early"),
                3,
                Some(A.len() + B.len() + 11),
            )),
        ),
        (
            [A.as_bytes(), b"\n{\"id\":\"\xff\"}\n", B.as_bytes()].concat(),
            1,
            Some((malformed("not UTF-8"), 2, Some(A.len() + 8))),
        ),
        (
            format!("{A}\n[]\n{B}").into(),
            1,
            Some((malformed("the item is not an object"), 2, Some(A.len() + 1))),
        ),
        (
            format!("{A}\n {{\"id\":\"c\",\"url\":1,\"url\":2}}\n{B}").into(),
            1,
            Some((
                malformed("a name that stands twice in an object"),
                2,
                Some(A.len() + 20),
            )),
        ),
        (
            format!("{A}\n{long}\n{B}\n").into(),
            1,
            Some((too_long.clone(), 2, None)),
        ),
        (
            format!("{A}\n{long}").into(),
            1,
            Some((too_long.clone(), 2, None)),
        ),
        (format!("{A}\n{}", longest(64 + (16 << 10))).into(), 2, None),
        (
            format!("{A}\n{}", longest(65 + (16 << 10))).into(),
            1,
            Some((too_long, 2, None)),
        ),
        (
            format!("{A}\n\n{A}\n{B}").into(),
            1,
            Some((duplicate, 3, None)),
        ),
        (
            format!("{A}\n{after}\n{B}").into(),
            1,
            Some((unknown, 2, None)),
        ),
    ];
    for (envelope, items, error) in cases {
        let ids: Vec<_> = ["a", "b"][..items]
            .iter()
            .map(|id| (*id).to_owned())
            .collect();
        let summary = match error {
            None => summary(items, items),
            Some((error, line, None)) => ended_by(items, error, json!({ "line": line })),
            Some((error, line, Some(offset))) => {
                ended_by(items, error, json!({ "line": line, "offset": offset }))
            }
        };
        let envelope = Bytes::from(envelope);
        let step = 1 + envelope.len() / 500;
        for split in (0..=envelope.len()).step_by(step) {
            let chunks = [envelope.slice(..split), envelope.slice(split..)];
            let result = result_of(&chunks).await;
            assert_eq!(
                result,
                (ids.clone(), summary.clone()),
                "{envelope:?} at {split}"
            );
        }
        let bytes: Vec<_> = envelope.chunks(1).map(Bytes::copy_from_slice).collect();
        assert_eq!(
            result_of(&bytes).await,
            (ids, summary),
            "{envelope:?} byte by byte"
        );
    }
}

#[tokio::test]
async fn an_item_that_is_invalid_fails_and_the_upload_goes_on() {
    let upload = concat!(
        "{\"id\":\"a\",\"method\":\"G T\",\"url\":\"/ok\"}\n",
        "{\"id\":\"b\",\"method\":\"GET\",\"url\":\"//x\"}\n",
        "{\"id\":\"c\",\"method\":\"GET\",\"url\":\"/ok\",\"headers\":{\"a b\":\"\"}}\n",
        "{\"id\":\"d\",\"method\":\"PUT\",\"url\":\"/ok\",\"body\":7,\"unknown\":[{}]}\n",
    );
    let response = Lines::of(BatchLayer::new("/batch").layer(Probe::new().1), upload).await;
    let mut lines = response.rest().await;
    assert_eq!(lines.pop(), Some(json!({ "summary": summary(4, 1) })));
    let results: Vec<_> = lines
        .iter()
        .map(|line| (&line["id"], &line["status"], &line["body"]["code"]))
        .collect();
    let expected = [
        (&json!("a"), &json!(400), &json!("bad-method")),
        (&json!("b"), &json!(400), &json!("bad-target")),
        (&json!("c"), &json!(400), &json!("bad-header")),
        (&json!("d"), &json!(200), &json!(null)),
    ];
    assert_eq!(results, expected);
}

#[tokio::test]
async fn each_of_the_media_types_is_read() {
    for name in [
        "application/x-ndjson",
        "application/jsonl",
        "application/ndjson; charset=utf-8",
    ] {
        let mut request = lines(get("a", "/ok"));
        let name = name.parse().expect("a value");
        request.headers_mut().insert("content-type", name);
        let reply = send(BatchLayer::new("/batch").layer(Probe::new().1), request).await;
        assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
        let body = std::str::from_utf8(&reply.body).expect("UTF-8");
        assert_eq!(body.lines().count(), 2, "{body}");
    }
    let mut request = lines(get("a", "/ok"));
    let name = "application/x-ndjson; charset=latin1"
        .parse()
        .expect("a value");
    request.headers_mut().insert("content-type", name);
    let reply = send(BatchLayer::new("/batch").layer(Probe::new().1), request).await;
    assert_eq!(
        (reply.status.as_u16(), &*reply.code()),
        (415, "unsupported-media-type")
    );
}

#[tokio::test]
async fn unknown_members_are_refused_where_they_are_denied() {
    let layer = BatchLayer::new("/batch").format(NdJson::new().deny_unknown_members(true));
    let upload = "{\"id\":\"a\",\"method\":\"GET\",\"url\":\"/ok\"}\n{\"id\":\"b\",\"x\":1}\n";
    let summary = Lines::of(layer.layer(Probe::new().1), upload)
        .await
        .summary_after(1)
        .await;
    assert_eq!(summary["error"]["detail"], "an unknown member");
    assert_eq!(summary["error"]["line"], 2);
}

#[tokio::test]
async fn json_is_nested_at_most_128_deep_in_a_line_too() {
    for (depth, is_read) in [(127, true), (128, false)] {
        let value = "[".repeat(depth) + &"]".repeat(depth);
        let upload =
            format!("{{\"id\":\"a\",\"method\":\"PUT\",\"url\":\"/ok\",\"body\":{value}}}");
        let response = Lines::of(BatchLayer::new("/batch").layer(Probe::new().1), upload).await;
        let summary = response.summary_after(usize::from(is_read)).await;
        assert_eq!(summary["error"].is_null(), is_read, "{depth}: {summary}");
    }
}
