//! A custom format, written with the public interface.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::json;
use tower::Layer;
use tower_multistatus::{
    BatchLayer, Decoder, Encoder, Error, ErrorKind, Format, Frames, Limits, Subrequest,
    Subresponse, Summary,
};

use crate::support::{Log, Reply, api, ask_through, requests, send};

/// Items of a line `<id> <method> <url> <length>` and a body of that length. Responses are similar.
#[derive(Debug)]
struct Lines;

impl Format for Lines {
    fn media_types(&self) -> &[&str] {
        &["text/x-lines"]
    }

    fn decoder(&self, _: &Parts, limits: &Limits) -> Option<Result<Box<dyn Decoder>, Error>> {
        Some(Ok(Box::new(Reader {
            waiting: Vec::new(),
            max: limits.max_items(),
        })))
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        Some(Box::new(Writer))
    }
}

/// Buffers an incomplete item.
struct Reader {
    waiting: Vec<u8>,
    max: usize,
}

impl Reader {
    /// The first item and the end of it, or `None` if it is incomplete.
    fn first(&self) -> Result<Option<(Subrequest, usize)>, Error> {
        let Some(line) = self.waiting.iter().position(|byte| *byte == b'\n') else {
            return Ok(None);
        };
        let words: Vec<_> = self.waiting[..line].split(|byte| *byte == b' ').collect();
        let [id, method, url, length] = words[..] else {
            return Err(ErrorKind::Malformed.into());
        };
        let length = str::from_utf8(length)
            .ok()
            .and_then(|text| text.parse().ok());
        let length: usize = length.ok_or(ErrorKind::Malformed)?;
        let Some(body) = self.waiting[line + 1..].get(..length) else {
            return Ok(None);
        };
        let item = Subrequest::new(id.to_vec())?
            .with_method(method)
            .with_url(url.to_vec())
            .with_header(b"content-type", "text/plain")
            .with_body(body.to_vec());
        Ok(Some((item, line + 1 + length)))
    }
}

impl Decoder for Reader {
    fn push(&mut self, chunk: Bytes, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        self.waiting.extend_from_slice(&chunk);
        while let Some((item, end)) = self.first().map_err(|error| error.at_item(found.len()))? {
            if found.len() == self.max {
                return Err(ErrorKind::TooManyItems.into());
            }
            found.push(item);
            self.waiting.drain(..end);
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<Subrequest>) -> Result<(), Error> {
        if self.waiting.is_empty() {
            Ok(())
        } else {
            Err(ErrorKind::Malformed.into())
        }
    }
}

struct Writer;

impl Encoder for Writer {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static("text/x-lines")
    }

    fn begin(&mut self, out: &mut Frames) {
        out.put(b"lines\n");
    }

    fn push(&mut self, response: &Subresponse, out: &mut Frames) {
        let (index, id, url) = (response.index(), response.id(), response.url());
        let (status, length) = (response.status().as_u16(), response.body().len());
        out.put(format!("{index} {id} {url} {status} {length}\n").as_bytes());
        out.put_bytes(response.body().clone());
    }

    fn end(&mut self, summary: &Summary, out: &mut Frames) {
        out.put(format!("{}/{}\n", summary.succeeded(), summary.total()).as_bytes());
    }
}

/// A batch of lines in chunks of this size.
fn in_chunks(envelope: &str, size: usize) -> Request<Body> {
    let chunks: Vec<_> = envelope
        .as_bytes()
        .chunks(size)
        .map(|chunk| Ok::<_, std::io::Error>(Frame::data(Bytes::copy_from_slice(chunk))))
        .collect();
    Request::post("/batch")
        .header("content-type", "text/x-lines")
        .body(Body::new(StreamBody::new(futures_util::stream::iter(
            chunks,
        ))))
        .unwrap()
}

fn layer() -> BatchLayer {
    BatchLayer::new("/batch").format(Lines)
}

async fn ask(envelope: &str) -> (Reply, Log) {
    ask_through(layer(), in_chunks(envelope, usize::MAX)).await
}

const ENVELOPE: &str = "a GET /users/1 0\nb post /echo 9\none\ntwo\n\nc GET //x 0\nd GET /none 0\n";

fn response() -> String {
    let problem = r#"{"type":"about:blank","title":"the URL is not allowed in an item","status":400,"code":"bad-target"}"#;
    let length = problem.len();
    format!(
        "lines\n0 a /users/1 200 8\n{{\"id\":1}}1 b /echo 200 9\none\ntwo\n\n2 c //x 400 {length}\n{problem}3 d /none 404 0\n2/4\n"
    )
}

#[tokio::test]
async fn a_custom_format_reads_and_writes_buffered_and_streamed() {
    for size in 1..=ENVELOPE.len() {
        for streamed in [false, true] {
            let service = layer().streamed(streamed).layer(api());
            let reply = send(service, in_chunks(ENVELOPE, size)).await;
            assert_eq!(reply.status, StatusCode::MULTI_STATUS);
            assert_eq!(reply.header("content-type"), Some("text/x-lines"));
            assert_eq!(reply.header("content-length").is_none(), streamed);
            assert_eq!(reply.body, response(), "{size} {streamed}");
        }
    }
}

#[tokio::test]
async fn a_refusal_of_a_custom_format_is_a_problem_and_dispatches_nothing() {
    for (envelope, expected) in [
        (
            "a GET /1 0\nb GET /2\n",
            r##"{"type":"about:blank","title":"the envelope is malformed","status":400,"code":"malformed","pointer":"#/requests/1"}"##,
        ),
        (
            "a GET /1 0\n GET /2 0\n",
            r##"{"type":"about:blank","title":"the envelope is malformed","status":400,"code":"malformed","detail":"an id must be 1 to 256 bytes of UTF-8 without control characters","pointer":"#/requests/1"}"##,
        ),
        (
            "a GET /1 0\nb GET /2 7\nshort",
            r#"{"type":"about:blank","title":"the envelope is malformed","status":400,"code":"malformed"}"#,
        ),
        (
            "a GET /1 0\na GET /2 0\n",
            r##"{"type":"about:blank","title":"two items have the same id","status":400,"code":"duplicate-id","pointer":"#/requests/1"}"##,
        ),
    ] {
        let (reply, log) = ask(envelope).await;
        assert_eq!(reply.body, expected);
        assert_eq!((reply.status.as_u16(), log.len()), (400, 0));
    }
}

/// Reads like [`Lines`], but does not check the number of items.
#[derive(Debug)]
struct Uncounted;

impl Format for Uncounted {
    fn media_types(&self) -> &[&str] {
        Lines.media_types()
    }

    fn decoder(&self, _: &Parts, _: &Limits) -> Option<Result<Box<dyn Decoder>, Error>> {
        let (waiting, max) = (Vec::new(), usize::MAX);
        Some(Ok(Box::new(Reader { waiting, max })))
    }

    fn encoder(&self, envelope: &Parts) -> Option<Box<dyn Encoder>> {
        Lines.encoder(envelope)
    }
}

#[tokio::test]
async fn too_many_items_are_refused_even_if_a_format_does_not_count() {
    for layer in [layer(), layer().format(Uncounted)] {
        for (max, status, dispatched) in [(2, 207, 2), (1, 413, 0)] {
            let layer = layer.clone().max_items(max);
            let batch = in_chunks("a GET /1 0\nb GET /2 0\n", 5);
            let (reply, log) = ask_through(layer, batch).await;
            assert_eq!((reply.status.as_u16(), log.len()), (status, dispatched));
        }
    }
}

/// Reads and writes nothing. Notes the limits that it gets.
#[derive(Debug)]
struct Curious(Arc<Mutex<Option<Limits>>>);

impl Format for Curious {
    fn media_types(&self) -> &[&str] {
        Lines.media_types()
    }

    fn decoder(&self, _: &Parts, limits: &Limits) -> Option<Result<Box<dyn Decoder>, Error>> {
        *self.0.lock().expect("the limits") = Some(*limits);
        None
    }

    fn encoder(&self, _: &Parts) -> Option<Box<dyn Encoder>> {
        None
    }
}

#[tokio::test]
async fn a_custom_format_gets_the_limits_of_the_layer() {
    let seen = Arc::<Mutex<Option<Limits>>>::default();
    let layer = BatchLayer::new("/batch")
        .max_items(2)
        .max_envelope_bytes(3)
        .max_item_body_bytes(4)
        .max_response_bytes(5)
        .max_total_response_bytes(6)
        .format(Curious(Arc::clone(&seen)));
    let (reply, _) = ask_through(layer, in_chunks("", 1)).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let limits = seen.lock().expect("the limits").expect("it was asked");
    let all = [
        limits.max_items(),
        limits.max_envelope_bytes(),
        limits.max_item_body_bytes(),
        limits.max_response_bytes(),
        limits.max_total_response_bytes(),
    ];
    assert_eq!(all, [2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn a_custom_format_can_be_read_and_json_written_and_vice_versa() {
    let mut batch = in_chunks("a GET /1 0\n", 3);
    let json = HeaderValue::from_static("application/json");
    batch.headers_mut().insert("accept", json);
    let (reply, _) = ask_through(layer(), batch).await;
    assert_eq!(reply.statuses(), [200]);

    let items = json!([{ "id": "a", "method": "GET", "url": "/1" }]);
    let mut batch = requests(items);
    let lines = HeaderValue::from_static("text/x-lines");
    batch.headers_mut().insert("accept", lines);
    let (reply, _) = ask_through(layer(), batch).await;
    assert_eq!(reply.body, "lines\n0 a /1 200 2\n{}1/1\n");
}
