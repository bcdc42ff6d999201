//! Any bytes as the response of a server to a batch of the client half. Each caller gets an
//! outcome, and no caller that of another.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_multistatus::{
    BatchClientLayer, Batched, ClientBody, ItemId, Json, Multipart, NdJson, Retry,
};

use crate::input::Input;
use crate::model::exchange::run as run_future;

type Reply = Response<UnsyncBoxBody<Bytes, BoxError>>;

const CONTENT_TYPES: [&str; 4] = [
    "application/json",
    "application/x-ndjson",
    "multipart/mixed; boundary=b",
    "application/json",
];

/// The outcome of a caller: its response, and whether it came with a batch.
type Outcome = Option<(StatusCode, Bytes, bool)>;

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let format = input.dice.below(CONTENT_TYPES.len());
    let layer = BatchClientLayer::new("/batch");
    let layer = match format {
        0 => layer.format(Json::new()),
        1 => layer.format(NdJson::new()),
        2 => layer.format(Multipart::new().match_by_position(input.dice.one_in(2))),
        _ => layer.format(Json::new().base64_forms_and_xml(true)),
    };
    let layer = match input.dice.one_in(2) {
        true => layer.retry(Retry::idempotent(1, Duration::from_secs(1))),
        false => layer,
    };
    let status = input.dice.pick(&[200, 207, 202, 413, 400, 503, 301]);
    let method = input.dice.pick(&[Method::GET, Method::POST]);
    let is_broken = input.dice.one_in(2);
    let content_type = input.text.unwrap_or(CONTENT_TYPES[format].as_bytes());
    let chunks = input.chunks();
    let sent = Arc::new(Mutex::new(0));
    let server = service_fn({
        let (sent, content_type) = (
            Arc::clone(&sent),
            HeaderValue::from_bytes(content_type).ok(),
        );
        move |request: Request<ClientBody>| {
            let reply = match request.uri().path() {
                "/batch" => {
                    *sent.lock().expect("the number") += 1;
                    let mut reply = Response::new(hostile(chunks.clone(), is_broken));
                    *reply.status_mut() = StatusCode::from_u16(status).expect("a status");
                    if let Some(value) = &content_type {
                        reply.headers_mut().insert("content-type", value.clone());
                    }
                    reply
                }
                path => alone(path),
            };
            async move { Ok::<Reply, BoxError>(reply) }
        }
    });
    let outcomes = run_future(async {
        let client = layer.layer(server);
        let calls = ["a", "b", "c"].map(|id| {
            let request = Request::builder().uri(format!("/{id}")).method(&method);
            let id = ItemId::new(id).expect("an id");
            let request = request.extension(id).body(Full::<Bytes>::default());
            let client = client.clone();
            async move {
                let response = client.oneshot(request.expect("a request")).await.ok()?;
                let is_batched = response.extensions().get::<Batched>().is_some();
                let (head, body) = response.into_parts();
                let body = body.collect().await.ok()?.to_bytes();
                Some((head.status, body, is_batched))
            }
        });
        join_all(calls).await
    });
    let sent = *sent.lock().expect("the number");
    assert!((1..=2).contains(&sent), "{sent} batches");
    assert!(
        sent == 1 || method == Method::GET,
        "what is not idempotent was sent twice"
    );
    for (id, outcome) in ["a", "b", "c"].into_iter().zip(&outcomes) {
        // A refusal is that of the batch, for each caller.
        if (200..300).contains(&status) {
            assert_own(format, input.rest, id, outcome);
        }
    }
}

/// The body of the hostile response.
fn hostile(chunks: Vec<Bytes>, is_broken: bool) -> UnsyncBoxBody<Bytes, BoxError> {
    let frames = chunks.into_iter().map(|chunk| Ok(Frame::data(chunk)));
    let end = is_broken.then(|| Err(BoxError::from("the connection was reset")));
    StreamBody::new(stream::iter(frames.chain(end))).boxed_unsync()
}

/// The response to a request that is sent alone.
fn alone(path: &str) -> Reply {
    let body = Full::new(Bytes::from(format!("alone {path}")));
    Response::new(body.map_err(|never| match never {}).boxed_unsync())
}

/// Asserts that a response is that of this caller: it was sent alone, or the envelope has exactly
/// one with this id and status.
fn assert_own(format: usize, envelope: &[u8], id: &str, outcome: &Outcome) {
    let Some((status, body, is_batched)) = outcome else {
        return;
    };
    if !is_batched {
        return assert!(
            *body == format!("alone /{id}") || !status.is_success(),
            "{body:?}"
        );
    }
    let texts: Vec<&[u8]> = match format {
        // The envelope is read independently only if it is JSON.
        2 => return,
        1 => envelope.split(|byte| *byte == b'\n').collect(),
        _ => {
            let envelope: Result<Envelope<'_>, _> = serde_json::from_slice(envelope);
            let responses = envelope.expect("an envelope of JSON").responses;
            let texts = responses.into_iter().map(|text| text.get().as_bytes());
            texts.collect()
        }
    };
    let responses = texts
        .into_iter()
        .filter_map(|text| serde_json::from_slice(text).ok());
    let mut own = responses.filter(|response: &Named| response.id == id);
    let is_own = own.any(|own| own.status.to_string().trim_matches('"') == status.as_str());
    assert!(is_own, "{status} is not that of {id}");
}

/// An envelope. Other members, whose values are not looked at, are ignored.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    responses: Vec<&'a RawValue>,
}

/// What of a response says whose it is.
#[derive(Deserialize)]
struct Named {
    id: String,
    status: Value,
}
