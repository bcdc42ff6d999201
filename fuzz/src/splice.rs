//! Any response of an inner service: the envelope can be read, the responses before and after it
//! are unchanged, and it is itself.

use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, MultiStatus, Multipart, RequestBody};

use crate::exchange::{call_of, echo};
use crate::input::{Input, split_at};
use crate::model::Dice;
use crate::model::exchange::{Exchange, Upload, post, run, send};
use crate::model::passed_on::{Headers, passed_on};
use crate::model::read::{Response as Item, responses};

/// The maximum number of header fields of a response.
const MAX_HEADERS: usize = 1000;

/// Writes the response in an envelope of JSON.
pub(crate) fn json(data: &[u8]) {
    let (sent, item) = spliced(data, "application/json");
    assert_json(&sent, &item, |body| body.trim_ascii().to_vec());
}

/// Writes the response in a line of JSON.
pub(crate) fn ndjson(data: &[u8]) {
    let (sent, item) = spliced(data, "application/x-ndjson");
    // What some clients take for the end of a line. CR and LF can only be between tokens.
    assert_json(&sent, &item, |body| {
        let text = std::str::from_utf8(body).expect("UTF-8").trim_ascii();
        let text = text
            .replace(['\r', '\n'], "")
            .replace('\u{2028}', "\\u2028");
        text.replace('\u{2029}', "\\u2029")
            .replace('\u{85}', "\\u0085")
            .into()
    });
}

/// Writes the response in a part.
pub(crate) fn multipart(data: &[u8]) {
    let (sent, item) = spliced(data, "multipart/mixed");
    assert_body(&sent, item.body.as_deref());
    let mut headers = Headers::new();
    for (name, value) in item.headers {
        let values = headers.entry(name.to_ascii_lowercase()).or_default();
        values.push(value);
    }
    assert_eq!(headers, passed_on(sent.headers()));
}

/// Writes the response in XML.
pub(crate) fn multistatus(data: &[u8]) {
    let (sent, item) = spliced(data, "application/xml");
    assert_body(&sent, item.body.as_deref());
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values.dedup();
    values
}

fn assert_json(sent: &Response<Bytes>, item: &Item, as_written: impl Fn(&[u8]) -> Vec<u8>) {
    let headers = item.headers.iter();
    let written = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let joined = passed_on(sent.headers()).into_iter();
    let joined = joined.map(|(name, values)| (name, values.join(", ")));
    assert_eq!(sorted(written.collect()), sorted(joined.collect()));
    let body = item.body.as_deref();
    match is_json_body(sent.headers(), sent.body()) && !is_bodiless(sent) {
        true => assert_same(body, Some(&as_written(sent.body()))),
        // `null` is how an item without a body has none.
        false if is_bodiless(sent) || sent.body().is_empty() => {
            assert!(matches!(body, None | Some(b"null")));
        }
        false => assert_body(sent, body),
    }
}

/// Asserts that the body is the one that was sent, byte for byte.
fn assert_body(sent: &Response<Bytes>, body: Option<&[u8]>) {
    let expected = (!is_bodiless(sent) && !sent.body().is_empty()).then_some(&sent.body()[..]);
    assert_same(body, expected);
}

fn assert_same(body: Option<&[u8]>, expected: Option<&[u8]>) {
    let shown = |body: Option<&[u8]>| body.map(|body| body.escape_ascii().to_string());
    assert!(
        body == expected,
        "{:.200?} and not {:.200?}",
        shown(body),
        shown(expected)
    );
}

/// Whether a JSON envelope has this body as JSON: by its type, and by a strict parser.
fn is_json_body(headers: &HeaderMap, body: &[u8]) -> bool {
    let content_type = headers
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    let essence = essence.unwrap_or_default().trim_matches([' ', '\t']);
    let essence = essence.to_ascii_lowercase();
    let is_json = essence == "application/json" || essence.ends_with("+json");
    let is_encoded = headers.contains_key("content-encoding");
    is_json && !is_encoded && serde_json::from_slice::<Value>(body).is_ok()
}

fn is_bodiless(sent: &Response<Bytes>) -> bool {
    matches!(sent.status().as_u16(), 204 | 205 | 304)
}

/// The response of the input, and the item that a client reads.
fn spliced(data: &[u8], accept: &str) -> (Response<Bytes>, Item) {
    let mut input = Input::new(data);
    let streamed = input.dice.one_in(2);
    let sent = response(&mut input.dice, input.rest);
    let exchange = batch(&sent, accept, streamed);
    assert!(exchange.status.is_success());
    let mut items = responses(&exchange);
    items.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(items.len(), 3);
    for index in [0, 2] {
        let item = &items[index];
        assert_eq!(
            item.body.as_deref(),
            Some(echo(index).as_bytes()),
            "a neighbour has changed"
        );
        assert_eq!(item.status, 200);
    }
    let item = items.swap_remove(1);
    if sent.status().is_informational() || sent.headers().len() > MAX_HEADERS {
        assert_eq!(item.status, 502);
        return (failed(&item), item);
    }
    assert_eq!(item.status, sent.status().as_u16());
    (sent, item)
}

/// The response that the layer has put in the place of one that cannot be a final response.
fn failed(item: &Item) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(item.body.clone().unwrap_or_default()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    let problem = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert("content-type", problem);
    response
}

const CONTENT_TYPES: [&str; 9] = [
    "application/json",
    "text/plain",
    "application/octet-stream",
    "application/problem+json; charset=utf-8",
    "text/html; charset=iso-8859-1",
    "application/x-www-form-urlencoded",
    "application/soap+xml",
    "multipart/mixed; boundary=b",
    "application/http",
];

/// A response: lines of headers up to an empty line, then the body.
fn response(dice: &mut Dice<'_>, mut rest: &[u8]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let status = dice.pick(&[200, 404, 204, 304, 100, 599, 205, 301, 999, 206]);
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let typed = dice.below(CONTENT_TYPES.len() + 1);
    let headers = response.headers_mut();
    if let Some(content_type) = CONTENT_TYPES.get(typed) {
        headers.insert("content-type", HeaderValue::from_static(content_type));
    }
    while headers.len() < 2000 {
        let (line, after) = split_at(rest, b'\n');
        rest = after;
        let (name, value) = split_at(line, b':');
        let name = HeaderName::from_bytes(name);
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) else {
            break;
        };
        headers.append(name, value);
    }
    *response.body_mut() = Bytes::copy_from_slice(rest);
    response
}

/// A batch of three items, of which the second gets this response.
fn batch(sent: &Response<Bytes>, accept: &str, streamed: bool) -> Exchange {
    let sent = sent.clone();
    let service = service_fn(move |request: Request<RequestBody<Upload>>| {
        let index = call_of(&request).index;
        let response = match index {
            1 => sent.clone(),
            _ => neighbour(index),
        };
        ready(Ok::<_, Infallible>(response.map(Full::new)))
    });
    let layer = BatchLayer::new("/batch")
        .format(Multipart::new())
        .format(MultiStatus::new());
    let layer = layer.streamed(streamed);
    let items: Vec<_> = (0..3)
        .map(|id| json!({ "id": id.to_string(), "method": "GET", "url": "/" }))
        .collect();
    let envelope = json!({ "requests": items }).to_string();
    let headers = [
        ("content-type", &b"application/json"[..]),
        ("accept", accept.as_bytes()),
    ];
    run(send(
        layer.layer(service),
        post("/batch", &headers, vec![envelope.into()]),
    ))
}

fn neighbour(index: usize) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(echo(index)));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}
