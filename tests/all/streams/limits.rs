//! The limits of a stream: items, idle time, and those that do not apply.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;
use tower::Layer;
use tower_multistatus::BatchLayer;

use super::{Lines, channel, get, get_after, lines, summary};
use crate::probe::Probe;
use crate::support::send;

#[tokio::test]
async fn a_stream_has_its_own_maximum_of_items() {
    let upload: String = (0..500).map(|id| get(id, "/ok")).collect();
    let layer = BatchLayer::new("/batch")
        .max_items(10)
        .max_envelope_bytes(2_000);
    let response = Lines::of(layer.layer(Probe::new().1), upload.clone()).await;
    assert_eq!(response.summary_after(500).await, summary(500, 500));

    for max in [1, 7, 499] {
        let (book, probe) = Probe::new();
        let layer = BatchLayer::new("/batch").max_streamed_items(max);
        let response = Lines::of(layer.layer(probe), upload.clone()).await;
        let mut expected = summary(max, max);
        expected["error"] = json!({
            "type": "about:blank", "title": "the batch has too many items", "status": 413,
            "code": "too-many-items", "limit": "max_streamed_items", "max": max,
        });
        assert_eq!(response.summary_after(max).await, expected);
        assert_eq!(book.begun().len(), max);
    }
    let layer = BatchLayer::new("/batch").max_streamed_items(500);
    let response = Lines::of(layer.layer(Probe::new().1), upload).await;
    assert_eq!(response.summary_after(500).await, summary(500, 500));
}

#[tokio::test]
async fn a_buffered_response_to_lines_has_the_ordinary_limits() {
    let request = |count: usize| {
        let upload: String = (0..count).map(|id| get(id, "/ok")).collect();
        let mut request = lines(upload);
        let accept = "application/json".parse().expect("a value");
        request.headers_mut().insert("accept", accept);
        request
    };
    let layer = BatchLayer::new("/batch").max_items(10);
    let reply = send(layer.clone().layer(Probe::new().1), request(10)).await;
    assert_eq!(reply.statuses(), [200; 10]);
    let reply = send(layer.layer(Probe::new().1), request(11)).await;
    assert_eq!(reply.code(), "too-many-items");
    assert_eq!(reply.json()["limit"], "max_items");
    let layer = BatchLayer::new("/batch").max_envelope_bytes(100);
    let reply = send(layer.layer(Probe::new().1), request(10)).await;
    assert_eq!(reply.code(), "envelope-too-large");
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_stops_ends_the_upload_after_the_idle_timeout() {
    let layer = BatchLayer::new("/batch")
        .idle_timeout(Duration::from_secs(7))
        .batch_timeout(Duration::from_secs(1));
    let (upload, body) = channel();
    let begun = Instant::now();
    let mut response = Lines::of(layer.layer(Probe::new().1), body).await;
    for id in 0..5 {
        upload.send(get(id, "/ok").into()).expect("it is read");
        assert_eq!(response.next_item().await, (id.to_string(), 200));
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    let mut expected = summary(5, 5);
    expected["error"] = json!({
        "type": "about:blank", "title": "the upload of the envelope timed out", "status": 408,
        "code": "upload-timeout",
    });
    assert_eq!(response.summary_after(0).await, expected);
    // The reader slept for six seconds after it took the last line.
    assert_eq!(begun.elapsed().as_secs(), 30 + 7);
    assert!(upload.is_closed());
}

#[tokio::test(start_paused = true)]
async fn an_item_that_finishes_extends_the_idle_time() {
    let layer = BatchLayer::new("/batch").idle_timeout(Duration::from_secs(7));
    let (upload, body) = channel();
    let begun = Instant::now();
    let response = Lines::of(layer.layer(Probe::new().1), body).await;
    upload
        .send(get("a", "/sleep/6000").into())
        .expect("it is read");
    upload
        .send(get_after("b", "/sleep/6000", &["a"]).into())
        .expect("it is read");
    let summary = response.summary_after(2).await;
    assert_eq!(
        (&summary["succeeded"], begun.elapsed().as_secs()),
        (&json!(2), 6 + 6 + 7)
    );
}

#[tokio::test(start_paused = true)]
async fn items_that_hang_longer_than_the_idle_timeout_fail() {
    let layer = BatchLayer::new("/batch")
        .idle_timeout(Duration::from_secs(7))
        .item_timeout(None);
    let upload = [
        get("a", "/hang"),
        get("b", "/ok"),
        get_after("c", "/ok", &["a"]),
    ]
    .concat();
    let mut lines = Lines::of(layer.layer(Probe::new().1), upload)
        .await
        .rest()
        .await;
    assert_eq!(lines.pop(), Some(json!({ "summary": summary(3, 1) })));
    let results: Vec<_> = lines
        .iter()
        .map(|line| (&line["id"], &line["status"]))
        .collect();
    let expected = [
        (&json!("b"), &json!(200)),
        (&json!("a"), &json!(504)),
        (&json!("c"), &json!(424)),
    ];
    assert_eq!(results, expected);
}

#[tokio::test(start_paused = true)]
async fn a_stream_lasts_longer_than_the_batch_timeout_but_not_than_the_client_waits() {
    let layer = BatchLayer::new("/batch").batch_timeout(Duration::from_secs(2));
    let upload: String = (0..100).map(|id| get(id, "/sleep/1000")).collect();
    let response = Lines::of(layer.clone().layer(Probe::new().1), upload.clone()).await;
    assert_eq!(response.summary_after(100).await, summary(100, 100));

    let mut request = lines(upload);
    request
        .headers_mut()
        .insert("prefer", "wait=3".parse().expect("a value"));
    let reply = send(layer.layer(Probe::new().1), request).await;
    assert_eq!(reply.header("preference-applied"), Some("wait=3"));
    let body = std::str::from_utf8(&reply.body).expect("UTF-8");
    let count = |status: u16| {
        let line = format!("\"status\":{status},\"headers\"");
        body.matches(&line).count()
    };
    assert_eq!((count(200), count(504)), (24, 76));
    let last = body.lines().last().expect("a line");
    assert_eq!(
        last,
        "{\"summary\":{\"total\":100,\"succeeded\":24,\"failed\":76}}"
    );
}

#[tokio::test]
async fn a_layer_with_admit_reads_the_whole_envelope_first() {
    let (book, probe) = Probe::new();
    let layer = BatchLayer::new("/batch").admit(|admission| match admission.total() {
        0..3 => Ok(()),
        _ => Err(StatusCode::TOO_MANY_REQUESTS),
    });
    let service = layer.layer(probe);
    let upload: String = (0..3).map(|id| get(id, "/ok")).collect();
    let reply = send(service.clone(), lines(upload)).await;
    assert_eq!((reply.status.as_u16(), book.begun().len()), (429, 0));
    let response = Lines::of(service, [get("a", "/ok"), get("b", "/ok")].concat()).await;
    assert_eq!(response.summary_after(2).await, summary(2, 2));
}
