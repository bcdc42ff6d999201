//! Atomicity groups, and multipart envelopes, in streams.

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use serde_json::json;
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, Multipart};

use super::{Lines, get, get_after, summary};
use crate::probe::Probe;
use crate::support::{read, send};

fn member(id: &str, url: &str, group: &str) -> String {
    let item = json!({ "id": id, "method": "GET", "url": url, "atomicityGroup": group });
    format!("{item}\n")
}

#[tokio::test(start_paused = true)]
async fn members_of_a_group_run_in_order_whenever_they_arrive() {
    let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    let upload = [
        member("a", "/sleep/30", "g"),
        member("b", "/sleep/20", "g"),
        member("c", "/fail", "h"),
        member("d", "/ok", "h"),
        get_after("e", "/ok", &["g"]),
        get_after("f", "/ok", &["h"]),
        get("i", "/ok"),
    ];
    for is_split in [false, true] {
        let (book, probe) = Probe::new();
        let chunks = if is_split {
            upload.to_vec()
        } else {
            vec![upload.concat()]
        };
        let chunks = chunks
            .into_iter()
            .map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk)));
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let mut lines = Lines::of(layer.clone().layer(probe), body)
            .await
            .rest()
            .await;
        assert_eq!(lines.pop(), Some(json!({ "summary": summary(7, 4) })));
        lines.sort_by_key(|line| line["id"].as_str().map(str::to_owned));
        let statuses: Vec<_> = lines
            .iter()
            .filter_map(|line| line["status"].as_u64())
            .collect();
        assert_eq!(statuses, [200, 200, 500, 424, 200, 424, 200]);
        let begun = book.begun();
        let at = |name: &str| begun.iter().position(|other| other == name);
        assert!(at("a") < at("b") && at("b") < at("e"), "{begun:?}");
    }
}

#[tokio::test]
async fn groups_that_are_not_adjacent_or_not_supported_end_the_upload() {
    let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    let cases = [
        (
            layer.clone(),
            member("a", "/ok", "g"),
            get("x", "/ok"),
            "malformed",
        ),
        (layer, get("g", "/ok"), get("x", "/ok"), "duplicate-id"),
        (
            BatchLayer::new("/batch"),
            get("a", "/ok"),
            get("x", "/ok"),
            "unsupported-atomicity",
        ),
    ];
    for (layer, first, second, code) in cases {
        let upload = [first, second, member("b", "/ok", "g")].concat();
        let response = Lines::of(layer.layer(Probe::new().1), upload).await;
        let summary = response.summary_after(2).await;
        assert_eq!(summary["error"]["code"], code);
        assert_eq!(summary["error"]["line"], 3);
        assert!(summary["error"]["pointer"].is_null());
    }
}

const MULTIPART: &str = concat!(
    "--b\r\nContent-Type: application/http\r\n\r\nGET /ok HTTP/1.1\r\n\r\n\r\n",
    "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n",
    "--c\r\nContent-Type: application/http\r\nContent-ID: x\r\n\r\nGET /ok HTTP/1.1\r\n\r\n\r\n",
    "--c\r\nContent-Type: application/http\r\nContent-ID: y\r\n\r\nGET /ok HTTP/1.1\r\n\r\n\r\n",
    "--c--\r\n",
    "--b\r\nContent-Type: application/http\r\n\r\nGET /fail HTTP/1.1\r\n\r\n\r\n",
    "--b--\r\n",
);

fn multipart(body: Body) -> Request<Body> {
    Request::post("/batch")
        .header("content-type", "multipart/mixed; boundary=b")
        .body(body)
        .expect("a request")
}

fn layer() -> BatchLayer {
    BatchLayer::new("/batch")
        .format(Multipart::new().streamed_requests(true))
        .change_sets(ChangeSets::best_effort())
        .streamed(true)
        .max_items(1)
}

/// The envelope with its random boundaries replaced.
fn without_boundaries(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).expect("UTF-8");
    let mut result = String::new();
    for (position, piece) in text.split("response_").enumerate() {
        result.push_str(if position > 0 {
            piece.split_at(32).1
        } else {
            piece
        });
    }
    result
}

#[tokio::test]
async fn a_streamed_multipart_envelope_has_the_response_of_a_buffered_one() {
    let buffered = BatchLayer::new("/batch")
        .format(Multipart::new())
        .change_sets(ChangeSets::best_effort());
    let buffered = send(buffered.layer(Probe::new().1), multipart(MULTIPART.into())).await;
    let expected = without_boundaries(&buffered.body);
    assert_eq!(expected.matches("HTTP/1.1 200 OK").count(), 3);
    for split in 0..=MULTIPART.len() {
        let (first, second) = MULTIPART.split_at(split);
        let chunks = [first, second].map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk)));
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let reply = send(layer().layer(Probe::new().1), multipart(body)).await;
        assert_eq!(
            without_boundaries(&reply.body),
            expected,
            "split at {split}"
        );
    }
}

#[tokio::test]
async fn a_multipart_stream_that_is_cut_off_ends_with_the_error_as_a_part() {
    let cut = MULTIPART.strip_suffix("--b--\r\n").expect("a delimiter");
    let reply = send(layer().layer(Probe::new().1), multipart(cut.into())).await;
    let body = without_boundaries(&reply.body);
    let (items, error) = body.rsplit_once("HTTP/1.1 ").expect("a part");
    assert_eq!(items.matches("HTTP/1.1 200 OK").count(), 3);
    assert!(error.starts_with("400 Bad Request\r\nContent-Type: application/problem+json\r\n"));
    assert!(error.contains("the close delimiter is missing"), "{error}");
    assert!(error.ends_with("--\r\n"));
}

#[tokio::test]
async fn a_part_of_a_stream_is_limited() {
    let body = format!(
        "--b\r\nContent-Type: application/http\r\n\r\nPUT /ok HTTP/1.1\r\n\r\n{}",
        "x".repeat(3_000)
    );
    let layer = layer().max_envelope_bytes(2_000);
    let service = layer.layer(Probe::new().1);
    let response = tower::ServiceExt::oneshot(service, multipart(body.into())).await;
    let reply = read(response.expect("a response")).await;
    assert!(without_boundaries(&reply.body).contains("\"code\":\"envelope-too-large\""));
}
