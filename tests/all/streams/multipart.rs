//! Multipart envelopes whose items run while later ones are still to arrive.

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, Multipart};

use crate::probe::Probe;
use crate::support::{read, send};

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
