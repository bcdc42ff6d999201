//! Multipart envelopes in both directions.

mod boundaries;
mod change_sets;
mod chunks;
mod details;
mod encodings;
mod framing;
mod ids;
mod negotiation;
mod requests;
mod writing;

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use tower::Layer;
use tower_multistatus::{BatchLayer, Error, Format, ItemHeaders, Limits, Multipart, Subrequest};

use crate::model::parts::{ItemResponse, Part, parse};
use crate::support::{Log, Received, Reply, recorder, send};

fn layer() -> BatchLayer {
    BatchLayer::new("/v1/batch")
        .format(Multipart::new())
        // Show all headers that were read.
        .item_headers(ItemHeaders::all_but_protected())
}

fn envelope(content_type: &str, chunks: &[&[u8]]) -> Request<Body> {
    let chunks: Vec<_> = chunks
        .iter()
        .map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk)))
        .collect();
    Request::post("/v1/batch")
        .header("host", "api.example")
        .header("content-type", content_type)
        .body(Body::from_stream(stream::iter(chunks)))
        .expect("a request")
}

/// Sends an envelope. Returns the inner requests and the reply.
async fn replay(content_type: &str, body: impl AsRef<[u8]>) -> (Log, Reply) {
    let (log, inner) = recorder();
    let reply = send(
        layer().concurrency(1).layer(inner),
        envelope(content_type, &[body.as_ref()]),
    )
    .await;
    (log, reply)
}

/// Sends parts of these requests with the boundary `b`. Returns the inner requests and the
/// statuses.
async fn parts(requests: &[&str]) -> (Vec<Received>, Vec<u16>) {
    let parts = requests
        .iter()
        .map(|request| format!("--b\r\nContent-Type: application/http\r\n\r\n{request}\r\n"));
    let body = parts.collect::<String>() + "--b--\r\n";
    let (log, reply) = replay("multipart/mixed; boundary=b", body).await;
    (log.all(), statuses(&reply))
}

/// The responses of a reply without change sets.
pub(crate) fn responses_of(reply: &Reply) -> Vec<ItemResponse> {
    let content_type = reply.header("content-type").expect("a content type");
    let parts = parse(content_type, &reply.body).into_iter();
    parts
        .map(|part| match part {
            Part::Response(response) => response,
            Part::ChangeSet(_) => panic!("there is no change set"),
        })
        .collect()
}

fn statuses(reply: &Reply) -> Vec<u16> {
    let responses = responses_of(reply).into_iter();
    responses.map(|response| response.status).collect()
}

/// The inner request of a part with this request.
async fn only(request: &str) -> Received {
    let (mut received, statuses) = parts(&[request]).await;
    assert_eq!(statuses, [200], "{request:?}");
    received.remove(0)
}

async fn is_refused(content_type: &str, body: impl AsRef<[u8]>) {
    let body = body.as_ref();
    let (log, reply) = replay(content_type, body).await;
    let what = body.escape_ascii();
    assert_eq!(
        reply.status,
        StatusCode::BAD_REQUEST,
        "{content_type} {what}"
    );
    assert_eq!(reply.json()["code"], "malformed", "{content_type} {what}");
    assert_eq!(log.len(), 0, "{content_type} {what}");
}

/// Decodes these chunks.
fn decode(content_type: &str, chunks: &[&[u8]]) -> Result<Vec<Subrequest>, Error> {
    let (outer, _) = envelope(content_type, &[]).into_parts();
    let decoder = Multipart::new().decoder(&outer, &Limits::default());
    let (mut decoder, mut found) = (decoder.expect("it reads")?, Vec::new());
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk), &mut found)?;
    }
    decoder.end(&mut found)?;
    Ok(found)
}
