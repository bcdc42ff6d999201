//! A stream of any bytes to a faulty service: each item that has started has one response, however
//! the upload goes on, and whenever its reader leaves.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::{BoxError, Layer, ServiceExt};
use tower_multistatus::{BatchLayer, ChangeSets};

use crate::input::Input;
use crate::model::exchange::{Upload, run as run_future};
use crate::model::faults::script;
use crate::model::read::{Response, lines};
use crate::model::service::Scripted;

/// How an upload ends.
#[derive(Clone, Copy)]
enum End {
    Ends,
    Breaks,
    Hangs,
    /// Empty chunks without end, some time apart.
    EmptyChunks,
}

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let remembered = input.dice.pick(&[10_000, 0, 1, 3]);
    let layer = BatchLayer::new("/batch")
        .concurrency(1 + input.dice.below(8))
        .max_remembered_ids(remembered)
        .max_response_bytes(2000)
        .item_timeout(Duration::from_secs(1))
        .idle_timeout(Duration::from_secs(3))
        .continue_on_error(!input.dice.one_in(4))
        .change_sets(ChangeSets::best_effort());
    let end = input
        .dice
        .pick(&[End::Ends, End::Breaks, End::Hangs, End::EmptyChunks]);
    let pause = Duration::from_millis(input.dice.pick(&[0, 0, 1, 700, 4000]));
    let frames = input.dice.pick(&[usize::MAX, usize::MAX, 0, 1, 2, 5]);
    let count = 1 + input.dice.below(8);
    let scripts = (0..count).map(|_| script(&mut input.dice)).collect();
    let service = Scripted::new(scripts, Vec::new());
    let log = service.log();
    let body = upload(input.chunks(), pause, end);
    let request = Request::post("/batch").header("content-type", "application/x-ndjson");
    let request = request.body(body).expect("a request");
    let envelope = run_future(read(layer.layer(service), request, frames));
    assert_eq!(log.alive(), 0, "something lives on");
    let mut started = HashSet::new();
    let calls = log.calls();
    assert!(
        calls.iter().all(|(index, _)| started.insert(*index)),
        "an item has started twice"
    );
    if let Some(envelope) = envelope {
        assert_whole(&envelope, started.len(), remembered > 100);
    }
}

/// The upload, with a pause before each chunk.
fn upload(chunks: Vec<Bytes>, pause: Duration, end: End) -> Upload {
    let mut chunks = chunks.into_iter();
    let next = move |()| {
        let chunk = chunks.next();
        async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let frame = match (chunk, end) {
                (Some(chunk), _) => Ok(Frame::data(chunk)),
                (None, End::Ends) => return None,
                (None, End::Breaks) => Err(BoxError::from("the connection was reset")),
                (None, End::Hangs) => std::future::pending().await,
                (None, End::EmptyChunks) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    Ok(Frame::data(Bytes::new()))
                }
            };
            Some((frame, ()))
        }
    };
    StreamBody::new(stream::unfold((), next)).boxed_unsync()
}

/// Reads at most this number of frames. Returns all bytes if the response has ended.
async fn read(
    service: tower_multistatus::Batch<Scripted>,
    request: Request<Upload>,
    frames: usize,
) -> Option<Vec<u8>> {
    let response = service.oneshot(request).await.expect("a response");
    assert_eq!(response.status(), 207);
    let mut body = pin!(response.into_body());
    let mut envelope = Vec::new();
    for _ in 0..frames {
        match body.frame().await {
            Some(frame) => envelope.extend(frame.expect("a frame").into_data().expect("data")),
            None => return Some(envelope),
        }
    }
    None
}

/// Asserts that the lines are a whole stream of at least this number of items. Once an id is
/// forgotten, another item can have it.
fn assert_whole(envelope: &[u8], started: usize, has_unique_ids: bool) {
    let (responses, summary) = lines(envelope);
    let mut ids = HashSet::new();
    let is_new = |response: &Response| ids.insert(response.id.clone());
    let mut known = responses.iter();
    let is_unique = known.all(is_new);
    assert!(is_unique || !has_unique_ids, "an item has two responses");
    assert!(
        responses.len() >= started,
        "an item that has started has no response"
    );
    let succeeded = responses
        .iter()
        .filter(|response| response.status < 400)
        .count();
    assert_eq!(summary["total"], responses.len());
    assert_eq!(summary["succeeded"], succeeded);
    assert_eq!(summary["failed"], responses.len() - succeeded);
}
