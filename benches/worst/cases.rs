//! The worst that a client, or the inner service, can send.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::HeaderMap;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use tower::Service;
use tower_multistatus::{BatchLayer, ChangeSets, MultiStatus, Multipart, RequestBody};

/// Bytes of the envelope, or of the response.
const SIZE: usize = 1 << 20;

const LINES: &str = "application/x-ndjson";
const XML: &str = "application/xml";

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) comment: &'static str,
    pub(crate) make: fn() -> Scene,
}

/// A batch, ready to be sent.
pub(crate) struct Scene {
    pub(crate) layer: BatchLayer,
    pub(crate) inner: Inner,
    /// Those that the batch may have.
    pub(crate) statuses: &'static [u16],
    /// What is the worst of it.
    pub(crate) bytes: usize,
    headers: HeaderMap,
    envelope: Bytes,
    /// Of the chunks in which the envelope comes.
    chunk: usize,
}

impl Scene {
    fn new(content_type: &'static str, envelope: impl Into<Bytes>) -> Self {
        let envelope = envelope.into();
        let layer = BatchLayer::new("/batch")
            .format(Multipart::new())
            .format(MultiStatus::new())
            .change_sets(ChangeSets::best_effort())
            .no_deadline()
            .max_envelope_bytes(2 * SIZE)
            .max_item_body_bytes(2 * SIZE)
            .max_answer_bytes(2 * SIZE)
            .max_total_answer_bytes(16 * SIZE);
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        Self {
            layer,
            inner: Inner(Response::new(Bytes::new())),
            statuses: &[207],
            bytes: envelope.len(),
            headers,
            chunk: envelope.len(),
            envelope,
        }
    }

    fn json(envelope: impl Into<Bytes>) -> Self {
        Self::new("application/json", envelope)
    }

    /// One item with these members.
    fn item(members: &str) -> Self {
        Self::json(format!(
            r#"{{"requests":[{{"id":"a","method":"POST","url":"/",{members}}}]}}"#
        ))
    }

    fn multipart(envelope: impl Into<Bytes>) -> Self {
        Self::new("multipart/mixed; boundary=b", envelope)
    }

    /// Items are bounded by number: these classes need as many as a MiB holds.
    fn of_many_items(mut self) -> Self {
        self.layer = self.layer.max_subrequests(SIZE);
        self
    }

    fn refused(mut self) -> Self {
        self.statuses = &[400];
        self
    }

    fn in_chunks_of(mut self, bytes: usize) -> Self {
        self.chunk = bytes;
        self
    }

    /// One GET whose outer headers are the worst.
    fn with_headers(headers: HeaderMap) -> Self {
        let mut scene = Self::json(r#"{"requests":[{"id":"a","method":"GET","url":"/"}]}"#);
        scene.bytes = bytes_of(&headers);
        scene.headers.extend(headers);
        scene
    }

    /// One GET to which this is the response.
    fn responded(headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        let mut scene = Self::json(r#"{"requests":[{"id":"a","method":"GET","url":"/"}]}"#);
        let mut response = Response::new(body.into());
        scene.bytes = bytes_of(&headers) + response.body().len();
        *response.headers_mut() = headers;
        scene.inner = Inner(response);
        scene
    }

    fn body(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::responded(one("content-type", content_type), body)
    }

    fn accepting(mut self, accept: &'static str) -> Self {
        self.headers
            .insert("accept", HeaderValue::from_static(accept));
        self
    }

    pub(crate) fn request(&self) -> Request<Chunks> {
        let chunks = Chunks(self.envelope.clone(), self.chunk.max(1));
        let mut request = Request::post("/batch").body(chunks).expect("a request");
        request.headers_mut().clone_from(&self.headers);
        request
    }
}

fn bytes_of(headers: &HeaderMap) -> usize {
    let lines = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    lines.sum()
}

fn one(name: &'static str, value: impl AsRef<[u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(value.as_ref()).expect("a value");
    headers.insert(name, value);
    headers
}

/// A header whose value goes on like this for so many bytes.
fn long(name: &'static str, piece: &[u8], bytes: usize) -> HeaderMap {
    one(name, piece.repeat(bytes / piece.len()))
}

/// Many names of headers.
fn many_headers(mut headers: HeaderMap, prefix: &str) -> HeaderMap {
    for index in 0..2_000 {
        let name = format!("{prefix}{index}").parse::<http::HeaderName>();
        headers.insert(name.expect("a name"), HeaderValue::from_static("v"));
    }
    headers
}

/// As many as make the size.
fn fill(one: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(SIZE + 1024);
    for index in 0.. {
        text += &one(index);
        if text.len() >= SIZE {
            break;
        }
    }
    text
}

fn repeat(piece: &str) -> String {
    piece.repeat(SIZE / piece.len())
}

/// Items that wait for all before them, or for all groups before them.
fn waiting(is_grouped: bool) -> Scene {
    let mut items = String::new();
    let mut earlier = String::new();
    for index in 0.. {
        let group = match is_grouped {
            true => format!(r#","atomicityGroup":"g{index}""#),
            false => String::new(),
        };
        let on = earlier.trim_end_matches(',');
        items += &format!(
            "{{\"id\":\"{index}\",\"method\":\"GET\",\"url\":\"/\",\"dependsOn\":[{on}]{group}}},"
        );
        earlier += &match is_grouped {
            true => format!("\"g{index}\","),
            false => format!("\"{index}\","),
        };
        if items.len() >= SIZE {
            break;
        }
    }
    Scene::json(format!(
        r#"{{"requests":[{}]}}"#,
        items.trim_end_matches(',')
    ))
    .of_many_items()
}

/// Items, one after the other.
fn items(one: impl Fn(usize) -> String) -> Scene {
    let items = fill(|index| one(index) + ",");
    Scene::json(format!(
        r#"{{"requests":[{}]}}"#,
        items.trim_end_matches(',')
    ))
    .of_many_items()
}

const REQUEST: &str = "Content-Type: application/http\n\nGET /a HTTP/1.1\n\n";

fn parts(one: impl Fn(usize) -> String) -> Scene {
    Scene::multipart(fill(one) + "\n--b--").of_many_items()
}

macro_rules! cases {
    ($($name:literal, $comment:literal => $make:expr;)*) => {
        pub(crate) const CASES: &[Case] = &[$(Case { name: $name, comment: $comment, make: || $make }),*];
    };
}

#[rustfmt::skip]
cases! {
    "members", "unknown members of an item" => Scene::item(&(fill(|at| format!(r#""{at:x}":0,"#)) + r#""x":0"#));
    "escaped-members", "the same, escaped" => Scene::item(&(fill(|at| format!(r#""\n{at:x}":0,"#)) + r#""x":0"#));
    "header-names", "names of headers without values" => Scene::item(&format!(r#""headers":{{{}"x":""}}"#, fill(|at| format!(r#""{at:x}":[],"#))));
    "header-values", "values of one header" => Scene::item(&format!(r#""headers":{{"x":[{}""]}}"#, repeat("\"\",")));
    "waiting", "items that wait for all before them" => waiting(false);
    "waiting-groups", "items that wait for all groups before them" => waiting(true);
    "repeated", "one dependency, repeated" => Scene::json(format!(r#"{{"requests":[{{"id":"a"}},{{"id":"b","dependsOn":[{}"a"]}}]}}"#, repeat("\"a\","))).refused();
    "groups", "groups of one item" => items(|at| format!(r#"{{"id":"{at}","method":"GET","url":"/","atomicityGroup":"g{at}"}}"#));
    "one-group", "one group of all items" => items(|at| format!(r#"{{"id":"{at}","method":"GET","url":"/","atomicityGroup":"g"}}"#));
    "items", "items as short as can be" => items(|at| format!(r#"{{"id":"{at}","method":"GET","url":"/"}}"#));
    "bad-items", "items with an id and nothing else" => items(|at| format!(r#"{{"id":"{at}"}}"#));
    "escapes", "a text of escapes" => Scene::item(&format!(r#""headers":{{"content-type":"text/plain"}},"body":"{}""#, repeat(r"\n")));
    "base64", "a body in base64, with line breaks" => Scene::item(&format!(r#""headers":{{"content-type":"image/png"}},"body":"{}""#, repeat(r"QUJD\r\n")));
    "numbers", "a body of numbers" => Scene::item(&format!(r#""body":[{}0]"#, repeat("0,")));
    "blanks", "white space" => Scene::item(&format!(r#""body":[{}0]"#, repeat("\t")));
    "chunks", "JSON, a byte at a time" => Scene::item(&format!(r#""body":"{}""#, repeat("x"))).in_chunks_of(1);
    "line-starts", "lines that begin as a delimiter" => parts(|at| if at == 0 { format!("--b\n{REQUEST}") } else { "\n--b-".to_owned() } );
    "multipart-chunks", "multipart, a byte at a time, with the longest boundary" => {
        let boundary = "-".repeat(70);
        let body = format!("--{boundary}\n{REQUEST}{}\n--{boundary}--", repeat("\n-------------"));
        let mut scene = Scene::multipart(body).in_chunks_of(1);
        scene.headers = one("content-type", format!("multipart/mixed; boundary={boundary}"));
        scene
    };
    "change-sets", "change sets of one item" => parts(|_| format!("--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n{REQUEST}--c--\n"));
    "no-members", "change sets without items" => parts(|_| "--b\nContent-Type:multipart/mixed;boundary=c\n\n--c--\n".to_owned());
    "parts", "parts as short as can be" => parts(|_| format!("--b\n{REQUEST}"));
    "folded", "folded header lines" => Scene::multipart(format!("--b\n{}X: 1\n{}\n\n--b--", REQUEST.trim_end(), repeat(" x\n")));
    "lines", "header lines of a request" => Scene::multipart(format!("--b\n{}\n{}\n--b--", REQUEST.trim_end(), repeat("X:1\n")));
    "spaces", "a target of spaces" => Scene::multipart(format!("--b\nContent-Type: application/http\n\nGET /{}x\n\n--b--", repeat(" ")));
    "connection", "a Connection that names nothing, and many headers" => Scene::with_headers(many_headers(long("connection", b"a,", 400_000), "x"));
    "connection-names", "a Connection that names a header again and again" => Scene::with_headers(many_headers(long("connection", b"x1,", 400_000), "x"));
    "accept", "an Accept of many ranges" => Scene::with_headers(long("accept", b"*/*,", 400_000));
    "prefer", "a Prefer of many preferences" => Scene::with_headers(long("prefer", b"a,", 400_000));
    "underscores", "many outer headers with an underscore, and items that bring some" => {
        let headers: String = (0..60).map(|at| format!(r#""x{at}":"","#)).collect();
        let mut scene = items(|at| format!(r#"{{"id":"{at}","method":"GET","url":"/","headers":{{{}}}}}"#, headers.trim_end_matches(',')));
        scene.layer = scene.layer.filter(|_| Err(http::StatusCode::FORBIDDEN));
        scene.headers.extend((0..90).map(|at| {
            let name = format!("a_{at}").parse::<http::HeaderName>();
            (name.expect("a name"), HeaderValue::from_static("v"))
        }));
        scene
    };
    "told-connection", "a response's Connection, and many headers" => Scene::responded(many_headers(long("connection", b"a,", 400_000), "x"), "");
    "told-latin1", "a response's header beyond ASCII" => Scene::responded(long("x", b"\x85", SIZE), "");
    "told-controls", "a response of control characters" => Scene::body("text/plain", repeat("\x01"));
    "told-quotes", "a response of quotes" => Scene::body("text/plain", repeat("\""));
    "told-separators", "a response of line separators" => Scene::body("text/plain", repeat("\u{2028}"));
    "told-binary", "a binary response" => Scene::body("image/png", repeat("\x01"));
    "told-exponents", "a response of numbers with large exponents" => Scene::body("application/json", format!("[{}0]", repeat("1e300,")));
    "told-digits", "a response of one long number" => Scene::body("application/json", format!("0.{}", repeat("9")));
    "told-escapes", "a response of surrogate pairs" => Scene::body("application/json", format!("\"{}\"", repeat("\\ud83d\\ude00")));
    "told-lines", "a response of many lines, on one" => Scene::body("application/json", format!("[{}0]", repeat("0,\n"))).accepting(LINES);
    "told-xml", "a response of angle brackets, as XML" => Scene::body("text/plain", repeat("<")).accepting(XML);
    "told-xml-binary", "a binary response, as XML" => Scene::body("image/png", repeat("\x01")).accepting(XML);
    "told-part", "a response of near delimiters, as multipart" => Scene::body("text/plain", repeat("\r\n--batchresponse_")).accepting("multipart/mixed");
}

/// Responds at once, always the same.
#[derive(Clone, Debug)]
pub(crate) struct Inner(Response<Bytes>);

impl Service<Request<RequestBody<Chunks>>> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<RequestBody<Chunks>>) -> Self::Future {
        ready(Ok(self.0.clone().map(Full::new)))
    }
}

/// An envelope that comes in chunks of so many bytes.
#[derive(Debug)]
pub(crate) struct Chunks(Bytes, usize);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.1.min(self.0.len());
        match length {
            0 => Poll::Ready(None),
            _ => Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length))))),
        }
    }
}
