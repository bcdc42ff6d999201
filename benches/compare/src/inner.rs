//! The inner service. Its behaviour depends on the URL. It records each call.

use std::future::Future;
use std::io;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use tower::Service;

use crate::body::{Steps, chunks};
use crate::random::Random;
use crate::reply::by_name;
use crate::settings::{Readiness, Settings};

/// An extension that items can inherit.
#[derive(Clone, Debug)]
pub(crate) struct Tag;

/// The recorded calls, in order.
pub(crate) type Calls = Arc<Mutex<Vec<String>>>;

/// Reads what the layer reports about an item to its handler.
type Info = fn(&Extensions) -> Option<String>;

pub(crate) struct Inner {
    calls: Calls,
    salt: u64,
    readiness: Readiness,
    /// Only clones apply `readiness`: the first instance is always ready, so that batches reach the
    /// layer.
    is_clone: bool,
    info: Info,
}

impl Inner {
    pub(crate) fn new(settings: &Settings, info: Info) -> Self {
        Self {
            calls: Calls::default(),
            salt: settings.salt,
            readiness: settings.readiness,
            is_clone: false,
            info,
        }
    }

    pub(crate) fn calls(&self) -> Calls {
        Arc::clone(&self.calls)
    }

    fn random_for(&self, uri: &Uri) -> Random {
        // FNV-1a.
        let hash = uri
            .to_string()
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
            });
        Random::new(hash ^ self.salt)
    }
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self {
            calls: self.calls(),
            is_clone: true,
            ..*self
        }
    }
}

impl<B> Service<Request<B>> for Inner
where
    B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
{
    type Response = Response<Steps>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response<Steps>>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.readiness {
            _ if !self.is_clone => Poll::Ready(Ok(())),
            Readiness::AtOnce => Poll::Ready(Ok(())),
            Readiness::Fails => Poll::Ready(Err(io::Error::other("not ready"))),
            Readiness::Later => {
                self.readiness = Readiness::AtOnce;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut random = self.random_for(request.uri());
        let fault = random.below(100);
        if fault == 0 {
            resume_unwind(Box::new("planned"));
        }
        let (calls, info) = (Arc::clone(&self.calls), self.info);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let hint = body.size_hint();
            let body = match body.collect().await {
                Ok(body) => format!("{:?} {:?}", body.trailers().cloned(), body.to_bytes()),
                Err(error) => error.to_string(),
            };
            let headers = by_name(&parts.headers).into_iter();
            let headers: Vec<_> = headers
                .map(|(name, value)| format!("{name}: {}", value.escape_ascii()))
                .collect();
            calls.lock().expect("the calls").push(format!(
                "{} {} {:?} {:?} {hint:?} {body} {:?} {:?}",
                parts.method,
                parts.uri,
                parts.version,
                headers,
                parts.extensions.get::<Tag>(),
                info(&parts.extensions),
            ));
            match fault {
                1 => resume_unwind(Box::new("planned")),
                2..5 => return Err(io::Error::other("broken")),
                5..8 => std::future::pending().await,
                8..16 => tokio::task::yield_now().await,
                16..26 => {
                    let millis = random.pick(&[1, 2, 3, 5, 19, 50]);
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                }
                _ => {}
            }
            Ok(response(&mut random))
        })
    }
}

const STATUSES: &[u16] = &[
    200, 200, 200, 200, 200, 200, 200, 200, 201, 202, 204, 205, 206, 302, 304, 400, 404, 404, 409,
    412, 418, 429, 429, 500, 503, 599, 102, 999,
];

const HEADERS: &[(&str, &[u8])] = &[
    ("etag", b"\"e\""),
    ("location", b"/r/77?x=1"),
    ("location", b"http://api.example/v1/r/78"),
    ("location", b"r/79"),
    ("set-cookie", b"a=1; Path=/"),
    ("set-cookie", b"b=2; Path=/; HttpOnly"),
    ("set-cookie", b"a=3; Path=/"),
    ("connection", b"x-hop, close"),
    ("x-hop", b"1"),
    ("keep-alive", b"timeout=5"),
    ("transfer-encoding", b"chunked"),
    ("content-encoding", b"gzip"),
    ("content-length", b"17"),
    ("access-control-allow-origin", b"*"),
    ("www-authenticate", b"Bearer, Basic realm=\"a\\\"b\""),
    ("x-multi", b"1"),
    ("x-multi", b"two, three"),
    ("x-latin", b"caf\xe9 \x85"),
    ("x-quote", b"\"\\\t<&>"),
    ("x-ms-thing_of-mine", b""),
    ("odata-version", b"4.01"),
    ("odata-entityid", b"r/9"),
    ("retry-after", b"7"),
    ("retry-after", b"120"),
    ("retry-after", b"Fri, 31 Dec 1999 23:59:59 GMT"),
    ("content-id", b"<9>"),
    ("cache-control", b"no-cache"),
    ("date", b"Fri, 31 Dec 1999 23:59:59 GMT"),
];

/// Content types, each with bodies for it.
const BODIES: &[(&str, &[&[u8]])] = &[
    (
        "application/json",
        &[
            b"{}",
            b"{\"id\":1,\"name\":\"a\"}",
            b" [1, 2.5e3,\n -0, true, null, \"x\\u0041\\ud83d\\ude00\"]\r\n",
            b"{\"a\":1e999}",
            b"12345678901234567890.10",
            b"{\"a\":1,}",
            b"\"\\ud800\"",
            b"\"\xff\"",
            b"\"\xe2\x80\xa8 \x7f \xc2\x85\"",
            b"{\"deep\":[[[[[[[[[[[[{\"a\":[{}]}]]]]]]]]]]]]}",
            b"",
            b"nul",
            b"1 2",
            b"\xef\xbb\xbf{}",
        ],
    ),
    (
        "application/problem+json; charset=utf-8",
        &[b"{\"status\":4}", b"{'a'}"],
    ),
    (
        "text/plain",
        &[
            b"hello",
            b"\x00\x01\x1f\"\\/<>&\r\n",
            b"\xff\xfe",
            "ünï\u{2028}".as_bytes(),
        ],
    ),
    ("text/plain; charset=iso-8859-1", &[b"caf\xe9", b"plain"]),
    (
        "application/x-www-form-urlencoded",
        &[b"a=b&c=%20", b"\xc3"],
    ),
    (
        "application/xml",
        &[b"<a>]]></a>", b"<?xml version=\"1.0\"?><a/>"],
    ),
    (
        "image/png",
        &[b"\x89PNG\r\n\x1a\n\x00", b"", b"x", b"\r\n--b--\r\n"],
    ),
    ("application/atom+xml;type=entry", &[b"<entry/>", b"\x01"]),
    ("bad", &[b"x"]),
    ("", &[b"no type", b"\xff", b"{}", b""]),
];

fn response(random: &mut Random) -> Response<Steps> {
    let mut headers = HeaderMap::new();
    let (content_type, bodies) = if random.one_in(2) {
        BODIES[0]
    } else {
        random.pick(BODIES)
    };
    if !content_type.is_empty() {
        headers.append("content-type", content_type.parse().expect("a value"));
    }
    for _ in 0..random.below(5) {
        let (name, value) = random.pick(HEADERS);
        headers.append(name, http::HeaderValue::from_bytes(value).expect("a value"));
    }
    let body = random.pick(bodies);
    let body = match random.below(60) {
        0 => body.repeat(random.pick(&[50, 1000])),
        1 => b"["
            .iter()
            .chain(&b"12, ".repeat(3000))
            .chain(b"1]")
            .copied()
            .collect(),
        _ => body.to_vec(),
    };
    let steps = chunks(body.into(), true, random);
    let mut response = Response::new(Steps::new(steps, random.one_in(2)));
    *response.status_mut() = StatusCode::from_u16(random.pick(STATUSES)).expect("a status");
    *response.headers_mut() = headers;
    response
}
