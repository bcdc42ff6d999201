//! Uploads that break, and items that fail in the layer.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::Limited;
use serde_json::json;
use tower::Layer;
use tower_multistatus::BatchLayer;

#[cfg(any(feature = "multistatus", feature = "shapes"))]
use super::lines;
use super::{Lines, channel, get, summary};
use crate::probe::Probe;
#[cfg(any(feature = "multistatus", feature = "shapes"))]
use crate::support::{send, with_header};

#[tokio::test(start_paused = true)]
async fn an_upload_that_breaks_ends_the_intake_and_what_runs_is_finished() {
    for is_limit in [false, true] {
        let items = Bytes::from([get("a", "/sleep/100"), get("b", "/ok")].concat());
        let limit = items.len() + 3;
        let broken = std::io::Error::other("the connection was lost");
        let chunks = [Ok(items), Ok(Bytes::from("{\"id\":\"c\"")), Err(broken)];
        let mut body = Body::from_stream(stream::iter(chunks));
        if is_limit {
            body = Body::new(Limited::new(body, limit));
        }
        let (book, probe) = Probe::new();
        let mut response = Lines::of(BatchLayer::new("/batch").layer(probe), body).await;
        assert_eq!(response.next_item().await, ("b".to_owned(), 200));
        assert_eq!(response.next_item().await, ("a".to_owned(), 200));
        let summary = response.summary_after(0).await;
        let expected = if is_limit {
            ("envelope-too-large", 413)
        } else {
            ("upload-failed", 400)
        };
        let error = &summary["error"];
        assert_eq!(
            (&error["code"], &error["status"]),
            (&json!(expected.0), &json!(expected.1))
        );
        assert_eq!(book.begun(), ["a", "b"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_line_ends_the_intake_while_the_client_still_sends() {
    let (book, probe) = Probe::new();
    let (upload, body) = channel();
    let mut response = Lines::of(BatchLayer::new("/batch").layer(probe), body).await;
    upload
        .send(get("a", "/sleep/50").into())
        .expect("it is read");
    upload.send("oops\n".into()).expect("it is read");
    upload.send(get("b", "/ok").into()).expect("it is read");
    assert_eq!(response.next_item().await, ("a".to_owned(), 200));
    let summary = response.summary_after(0).await;
    assert_eq!(summary["error"]["line"], 2);
    assert_eq!(book.begun(), ["a"]);
    assert!(upload.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stops_at_a_failure_answers_all_that_arrives_later() {
    let (book, probe) = Probe::new();
    let layer = BatchLayer::new("/batch")
        .continue_on_error(false)
        .concurrency(1);
    let (upload, body) = channel();
    let mut response = Lines::of(layer.layer(probe), body).await;
    upload.send(get("a", "/fail").into()).expect("it is read");
    assert_eq!(response.next_item().await, ("a".to_owned(), 500));
    for id in 0..100 {
        upload.send(get(id, "/ok").into()).expect("it is read");
        let line = response.next().await.expect("a line");
        assert_eq!(
            (&line["status"], &line["body"]["code"]),
            (&json!(424), &json!("stopped"))
        );
    }
    drop(upload);
    assert_eq!(response.summary_after(0).await, summary(101, 0));
    assert_eq!(book.begun(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn items_that_panic_hang_or_fail_have_their_errors() {
    let paths = [
        "/panic",
        "/panic-call",
        "/panic-body",
        "/error",
        "/hang",
        "/cut-body",
        "/ok",
    ];
    let upload: String = (0..140).map(|id| get(id, paths[id % 7])).collect();
    let (book, probe) = Probe::new();
    let response = Lines::of(BatchLayer::new("/batch").layer(probe), upload).await;
    let mut lines = response.rest().await;
    assert_eq!(lines.pop(), Some(json!({ "summary": summary(140, 20) })));
    lines.sort_by_key(|line| line["id"].as_str().and_then(|id| id.parse::<u64>().ok()));
    let statuses: Vec<_> = lines
        .iter()
        .filter_map(|line| line["status"].as_u64())
        .collect();
    assert_eq!(statuses, [500, 500, 500, 500, 504, 502, 200].repeat(20));
    assert_eq!(book.in_flight(), 0);
}

/// The text of a response to a stream that breaks off after its first item.
#[cfg(any(feature = "multistatus", feature = "shapes"))]
async fn broken_off(layer: BatchLayer, accept: &'static str) -> String {
    let text = [&get("a", "/ok"), "{\"id\":"].concat();
    let request = with_header(lines(text), "accept", accept);
    let reply = send(layer.streamed(true).layer(Probe::new().1), request).await;
    assert_eq!(reply.status, 207);
    String::from_utf8(reply.body.into()).expect("UTF-8")
}

#[cfg(feature = "multistatus")]
#[tokio::test]
async fn multi_status_describes_why_a_stream_ended_early() {
    let layer = BatchLayer::new("/batch").format(tower_multistatus::MultiStatus::new());
    let xml = broken_off(layer, "application/xml").await;
    let end = "</D:response>\n<D:responsedescription>the envelope is malformed: the JSON ends too \
               early</D:responsedescription></D:multistatus>\n";
    assert!(xml.ends_with(end), "{xml}");
}

#[cfg(feature = "shapes")]
#[tokio::test]
async fn an_array_of_a_shape_ends_with_why_a_stream_ended_early() {
    use tower_multistatus::Json;
    use tower_multistatus::shape::{Member, Output, Shape, Top};

    const ARRAY: Shape = Shape {
        media_types: &["application/vnd.array+json"],
        content_type: "application/vnd.array+json",
        envelope: &[("requests", Top::Items)],
        item: &[("id", Member::Id), ("url", Member::Url)],
        status: http::StatusCode::MULTI_STATUS,
        response: &[],
        result: &[("id", Output::Id), ("status", Output::Status)],
        ..Shape::DEFAULT
    };
    let layer = BatchLayer::new("/batch").format(Json::shaped(&ARRAY));
    let json = broken_off(layer, "application/vnd.array+json").await;
    let mut array: Vec<serde_json::Value> = serde_json::from_str(&json).expect("JSON");
    let error = array.pop().expect("the error");
    assert_eq!(error["error"]["code"], "malformed");
    assert_eq!(array, [json!({ "id": "a", "status": 200 })]);
}
