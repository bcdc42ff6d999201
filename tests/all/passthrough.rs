//! Requests that are no batch pass through unchanged, and so do their responses.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::support::{gets, recorder, requests, send};

/// The error of a [`Scripted`] body.
#[derive(Debug, Clone, PartialEq)]
struct Torn(u32);

impl std::fmt::Display for Torn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "torn at {}", self.0)
    }
}

impl std::error::Error for Torn {}

/// A step of a body.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Data(&'static str),
    Trailers(&'static str),
    Error(Torn),
    Wait,
}

use Step::{Data, Error, Trailers, Wait};

/// A body that follows a script, and counts its polls.
#[derive(Debug, Clone)]
struct Scripted {
    steps: VecDeque<Step>,
    hint: (u64, Option<u64>),
    polls: Arc<AtomicUsize>,
}

impl Scripted {
    fn new(steps: impl Into<VecDeque<Step>>, hint: (u64, Option<u64>)) -> Self {
        let (steps, polls) = (steps.into(), Arc::default());
        Self { steps, hint, polls }
    }
}

fn trailers(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static(value))])
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = Torn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Torn>>> {
        self.polls.fetch_add(1, SeqCst);
        Poll::Ready(match self.steps.pop_front() {
            Some(Data(data)) => Some(Ok(Frame::data(data.into()))),
            Some(Trailers(value)) => Some(Ok(Frame::trailers(trailers(value)))),
            Some(Error(torn)) => Some(Err(torn)),
            Some(Wait) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.hint.0);
        if let Some(upper) = self.hint.1 {
            hint.set_upper(upper);
        }
        hint
    }
}

/// All observable behaviour of a body: its hint, whether it is at its end, and its frames.
#[derive(Debug, PartialEq)]
struct Seen {
    hint: (u64, Option<u64>),
    ends: Vec<bool>,
    steps: Vec<Step>,
}

async fn see<B: Body<Data = Bytes, Error = Torn>>(body: B) -> Seen {
    let mut body = std::pin::pin!(body);
    let hint = (body.size_hint().lower(), body.size_hint().upper());
    let (mut ends, mut steps) = (vec![body.is_end_stream()], Vec::new());
    loop {
        let step = match body.frame().now_or_never() {
            None => Wait,
            Some(None) => return Seen { hint, ends, steps },
            Some(Some(Err(torn))) => Error(torn),
            Some(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Data(String::from_utf8(data.into()).expect("UTF-8").leak()),
                Err(frame) => {
                    let trailers = frame.into_trailers().expect("trailers");
                    Trailers(trailers["etag"].to_str().expect("text").to_owned().leak())
                }
            },
        };
        ends.push(body.is_end_stream());
        steps.push(step);
    }
}

fn bodies() -> [Scripted; 5] {
    [
        Scripted::new([], (0, Some(0))),
        Scripted::new([Data("one"), Data(""), Data("two")], (6, Some(6))),
        Scripted::new([Wait, Data("a"), Wait, Trailers("t")], (1, None)),
        Scripted::new([Data("a"), Error(Torn(7))], (3, Some(9))),
        Scripted::new([Trailers("only")], (0, None)),
    ]
}

#[tokio::test]
async fn both_bodies_pass_through_unchanged() {
    for body in bodies() {
        let response = body.clone();
        let inner = service_fn(move |request: Request<RequestBody<Scripted>>| {
            let response = response.clone();
            async move {
                let seen = see(request.into_body()).await;
                let mut response = Response::new(response);
                response.extensions_mut().insert(Arc::new(seen));
                Ok::<_, Torn>(response)
            }
        });
        let service = BatchLayer::new("/batch").layer(inner);
        let request = Request::post("/other")
            .body(body.clone())
            .expect("a request");
        let response = service.oneshot(request).await.expect("a response");
        let expected = see(body).await;
        assert_eq!(
            **response
                .extensions()
                .get::<Arc<Seen>>()
                .expect("what was seen"),
            expected
        );
        assert_eq!(see(response.into_body()).await, expected);
    }
}

#[tokio::test]
async fn no_byte_is_read_unless_the_inner_service_polls_for_it() {
    let body = Scripted::new([Data("a")], (1, None));
    let polls = Arc::clone(&body.polls);
    let inner = service_fn(async |request: Request<RequestBody<Scripted>>| {
        drop(request);
        Ok::<_, Torn>(Response::new(Scripted::new([], (0, None))))
    });
    let service = BatchLayer::new("/batch").layer(inner);
    let request = Request::put("/batch").body(body).expect("a request");
    service.oneshot(request).await.expect("a response");
    assert_eq!(polls.load(SeqCst), 0);
}

#[tokio::test]
async fn heads_pass_through_unchanged() {
    let inner = service_fn(async |request: Request<RequestBody<Scripted>>| {
        let (received, body) = request.into_parts();
        drop(body);
        let mut response = Response::new(Scripted::new([], (0, None)));
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        *response.version_mut() = Version::HTTP_2;
        let headers = response.headers_mut();
        headers.append("set-cookie", HeaderValue::from_static("a=1"));
        headers.append("set-cookie", HeaderValue::from_static("b=2"));
        headers.append("connection", HeaderValue::from_static("close"));
        response.extensions_mut().insert(received);
        Ok::<_, Torn>(response)
    });
    let layer = BatchLayer::new("/batch").when(|parts| parts.uri.query() != Some("plain"));
    let service = layer.layer(inner);
    // Requests that are almost a batch.
    let requests = [
        ("GET", "/batch"),
        ("OPTIONS", "/batch"),
        ("DELETE", "/batch"),
        ("post", "/batch"),
        ("POST", "/batch?plain"),
        ("POST", "/batch/"),
        ("POST", "/Batch"),
        ("POST", "/%62atch"),
        ("POST", "//batch"),
        ("POST", "/batch/1"),
        ("OPTIONS", "*"),
        ("CONNECT", "api.example:443"),
        ("GET", "https://api.example/users?a=%20&b#"),
    ];
    for (method, uri) in requests {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let (mut parts, ()) = Request::new(()).into_parts();
        (parts.method, parts.uri) = (method, uri.parse().expect("a URI"));
        parts.version = Version::HTTP_10;
        parts
            .headers
            .append("connection", HeaderValue::from_static("x-hop"));
        parts
            .headers
            .append("x-hop", HeaderValue::from_bytes(b"\xE9").expect("a value"));
        parts.headers.append("x-hop", HeaderValue::from_static("2"));
        parts.extensions.insert("an extension");
        let body = Scripted::new([], (0, None));
        let request = Request::from_parts(parts.clone(), body);
        let response = service.clone().oneshot(request).await.expect("a response");

        let received = response
            .extensions()
            .get::<http::request::Parts>()
            .expect("the head");
        assert_eq!(
            (&received.method, &received.uri),
            (&parts.method, &parts.uri)
        );
        assert_eq!(
            (&received.version, &received.headers),
            (&parts.version, &parts.headers)
        );
        assert_eq!(received.extensions.get::<&str>(), Some(&"an extension"));
        assert_eq!(received.extensions.len(), 1, "nothing is added");
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
        assert_eq!(response.version(), Version::HTTP_2);
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
            .collect();
        assert_eq!(
            headers,
            [
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("connection", "close")
            ]
        );
    }
}

#[tokio::test]
async fn other_requests_and_items_reach_the_same_service() {
    let (log, inner) = recorder();
    let service = BatchLayer::new("/batch").concurrency(1).layer(inner);
    let item = json!([{ "id": "a", "method": "put", "url": "/a?b", "body": [1, 2] }]);
    send(service.clone(), requests(item)).await;
    let received = log.only();
    assert_eq!(
        (received.method, received.uri.as_str()),
        (Method::PUT, "/a?b")
    );
    assert_eq!(received.headers["content-length"], "5");
    assert_eq!(received.body, "[1,2]");
    let plain = Request::get("/b").body(axum::body::Body::empty());
    send(service.clone(), plain.expect("a request")).await;
    send(service, requests(gets(&["/c", "/d"]))).await;
    assert_eq!(log.uris(), ["/a?b", "/b", "/c", "/d"]);
}
