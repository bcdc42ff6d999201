//! A response arrives while the upload goes on, or has stopped.

use std::time::Duration;

use serde_json::json;
use tower_multistatus::BatchLayer;

use super::super::{get, summary};
use super::{Http, in_time, send, serve};

#[tokio::test]
async fn a_response_line_arrives_before_the_next_line_is_sent() {
    in_time(async {
        let server = serve(BatchLayer::new("/batch")).await;
        for http in [Http::One, Http::Two] {
            let mut sent = send(http, server.address).await;
            for id in 0..100 {
                sent.upload.send(get(id, "/ok").into()).expect("it is read");
                assert_eq!(sent.response.next_item().await, (id.to_string(), 200));
            }
            drop(sent.upload);
            assert_eq!(sent.response.summary_after(0).await, summary(100, 100));
        }
    })
    .await;
}

#[tokio::test]
async fn a_writer_that_stops_gets_its_responses_and_the_error() {
    in_time(async {
        let layer = BatchLayer::new("/batch").idle_timeout(Duration::from_millis(200));
        let server = serve(layer).await;
        for http in [Http::One, Http::Two] {
            let sent = send(http, server.address).await;
            let items = [get("a", "/ok"), get("b", "/hang"), get("c", "/ok")].concat();
            sent.upload.send(items.into()).expect("it is read");
            // The start of a line that never ends.
            sent.upload.send("{\"id\":".into()).expect("it is read");
            let mut lines = sent.response.rest().await;
            let mut expected = summary(3, 2);
            expected["error"] = json!({
                "type": "about:blank", "title": "the upload of the envelope timed out",
                "status": 408, "code": "upload-timeout",
            });
            assert_eq!(
                lines.pop(),
                Some(json!({ "summary": expected })),
                "{http:?}"
            );
            let results: Vec<_> = lines
                .iter()
                .map(|line| (&line["id"], &line["status"]))
                .collect();
            let expected = [("a", 200), ("c", 200), ("b", 504)];
            let expected = expected.map(|(id, status)| (json!(id), json!(status)));
            let expected: Vec<_> = expected.iter().map(|(id, status)| (id, status)).collect();
            assert_eq!(results, expected, "{http:?}");
            assert_eq!((server.book.in_flight(), server.book.reserved()), (0, 0));
        }
    })
    .await;
}
