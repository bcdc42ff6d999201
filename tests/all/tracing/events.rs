//! Events for refused batches and failed items.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};
use tracing::{Level, Span};

use super::TARGET;
use super::recording::{Noted, Recording};
use crate::probe::Probe;
use crate::support::{gets, recorder, requests, send};

fn event(level: Level, parent: Option<&str>, fields: &[(&'static str, &str)]) -> Noted {
    Noted {
        target: TARGET.to_owned(),
        name: String::new(),
        level: Some(level),
        parent: parent.map(str::to_owned),
        fields: fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
        is_closed: false,
    }
}

fn refused(level: Level, code: &str, status: &str, item: Option<&str>) -> Noted {
    let fields = [
        ("message", "batch refused"),
        ("error.type", code),
        ("http.response.status_code", status),
    ];
    let mut noted = event(level, Some("batch"), &fields);
    noted
        .fields
        .extend(item.map(|item| ("item", item.to_owned())));
    noted
}

pub(super) fn failed(
    level: Level,
    id: &str,
    code: &str,
    status: &str,
    error: Option<&str>,
) -> Noted {
    let parent = format!("subrequest {id}");
    let fields = [
        ("message", "item failed"),
        ("error.type", code),
        ("http.response.status_code", status),
    ];
    let mut noted = event(level, Some(&parent), &fields);
    noted
        .fields
        .extend(error.map(|error| ("error", error.to_owned())));
    noted
}

pub(super) async fn events_of(layer: BatchLayer, request: Request<Body>) -> Vec<Noted> {
    let (recording, _guard) = Recording::start();
    send(layer.layer(Probe::new().1), request).await;
    recording.events()
}

#[tokio::test]
async fn every_refusal_is_an_event() {
    let layer = || BatchLayer::new("/batch");
    let two = || requests(gets(&["/ok", "/ok"]));
    let mut xml = two();
    let xml_type = "application/xml".parse().expect("a value");
    xml.headers_mut().insert("content-type", xml_type);
    let mut brotli = two();
    let brotli_only = "application/brotli".parse().expect("a value");
    brotli.headers_mut().insert("accept", brotli_only);
    let mut get = two();
    *get.method_mut() = http::Method::GET;
    let twice = requests(json!([
        { "id": "secret", "method": "GET", "url": "/ok" },
        { "id": "secret", "method": "GET", "url": "/ok" },
    ]));
    let info = Level::INFO;
    for (layer, request, expected) in [
        (
            layer(),
            xml,
            refused(info, "unsupported-media-type", "415", None),
        ),
        (
            layer(),
            brotli,
            refused(info, "not-acceptable", "406", None),
        ),
        (
            layer().max_items(1),
            two(),
            refused(info, "too-many-items", "413", None),
        ),
        (
            layer().max_envelope_bytes(9),
            two(),
            refused(info, "envelope-too-large", "413", None),
        ),
        (
            layer(),
            twice,
            refused(info, "duplicate-id", "400", Some("1")),
        ),
        (
            layer().admit(|_| Err(StatusCode::TOO_MANY_REQUESTS)),
            two(),
            refused(info, "not-admitted", "429", None),
        ),
        (
            layer().admit(|_| -> Result<(), StatusCode> { panic!("of the hook") }),
            two(),
            refused(Level::WARN, "panicked", "500", None),
        ),
        (
            layer().when(|_| panic!("of the hook")),
            two(),
            refused(Level::WARN, "panicked", "500", None),
        ),
        (
            layer().exclusive(true),
            get,
            refused(info, "method-not-allowed", "405", None),
        ),
    ] {
        assert_eq!(events_of(layer, request).await, [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_the_layer_fails_is_an_event_of_its_span() {
    let items = json!([
        { "id": "a", "method": "GET", "url": "/panic" },
        { "id": "b", "method": "GET", "url": "/ok", "dependsOn": ["a"] },
        { "id": "c", "method": "BREW", "url": "/ok" },
        { "id": "d", "method": "GET", "url": "/no" },
        { "id": "e", "method": "GET", "url": "/hang" },
        { "id": "f", "method": "GET", "url": "/ok" },
    ]);
    let layer = BatchLayer::new("/batch").filter(|item| match item.uri.path() {
        "/no" => Err(StatusCode::FORBIDDEN),
        _ => Ok(()),
    });
    let mut events = events_of(layer, requests(items)).await;
    events.sort_by(|one, other| one.parent.cmp(&other.parent));
    let expected = [
        failed(Level::WARN, "a", "panicked", "500", None),
        failed(Level::INFO, "b", "failed-dependency", "424", None),
        failed(Level::INFO, "c", "method-not-allowed", "405", None),
        failed(Level::INFO, "d", "rejected", "403", None),
        failed(Level::INFO, "e", "item-timeout", "504", None),
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn a_response_that_does_not_fit_is_an_event_of_its_batch() {
    let (recording, _guard) = Recording::start();
    let service = service_fn(async |_: Request<RequestBody<Body>>| {
        Ok::<_, std::convert::Infallible>(Response::new(Body::from("x".repeat(500))))
    });
    let layer = BatchLayer::new("/batch")
        .concurrency(1)
        .max_total_response_bytes(1000);
    let reply = send(layer.layer(service), requests(gets(&["/", "/"]))).await;
    assert_eq!(reply.statuses(), [200, 507]);
    let fields = [
        ("message", "item failed"),
        ("error.type", "total-too-large"),
        ("http.response.status_code", "507"),
        ("item", "1"),
    ];
    assert_eq!(
        recording.events(),
        [event(Level::INFO, Some("batch"), &fields)]
    );
}

/// An error with a source, one that panics, or one with a long text.
#[derive(Debug)]
enum Trouble {
    Query(std::io::Error),
    Panics,
    Long,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(_) => f.write_str("the query isn't done"),
            Self::Panics => panic!("of the error"),
            Self::Long => f.write_str(&"l".repeat(4000)),
        }
    }
}

impl Error for Trouble {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Query(source) => Some(source),
            _ => None,
        }
    }
}

fn troubled() -> impl tower::Service<
    Request<RequestBody<Body>>,
    Response = Response<Body>,
    Error = Trouble,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    service_fn(
        async |request: Request<RequestBody<Body>>| match request.uri().path() {
            "/query" => Err(Trouble::Query(std::io::Error::other("line 1\nline 2"))),
            "/panics" => Err(Trouble::Panics),
            "/long" => Err(Trouble::Long),
            _ => Ok(Response::new(Body::empty())),
        },
    )
}

#[tokio::test]
async fn an_inner_error_is_logged_with_its_sources_and_hidden_from_the_client() {
    let (recording, _guard) = Recording::start();
    let items = requests(gets(&["/query", "/panics", "/long", "/"]));
    let reply = send(BatchLayer::new("/batch").layer(troubled()), items).await;
    assert_eq!(reply.statuses(), [500, 500, 500, 200]);
    assert!(!String::from_utf8_lossy(&reply.body).contains("line"));
    let warned = |id: &str, error| failed(Level::WARN, id, "call-failed", "500", error);
    assert_eq!(
        recording.events(),
        [
            warned("0", Some("the query isn't done: line 1\\nline 2")),
            warned("1", None),
            warned("2", Some(&"l".repeat(1024))),
        ]
    );
}

#[tokio::test]
async fn map_error_gets_the_dispatched_request_inside_the_span_of_its_item() {
    let (recording, _guard) = Recording::start();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seen_by_hook = Arc::clone(&seen);
    let layer = BatchLayer::new("/batch").map_error(move |error, item| {
        tracing::info!("mapped");
        let name = Span::current().metadata().map(|metadata| metadata.name());
        let row = (
            error.to_string(),
            item.method.to_string(),
            item.uri.to_string(),
            item.headers["accept"].clone(),
            item.extensions.is_empty(),
            name,
        );
        seen_by_hook.lock().expect("the rows").push(row);
        Some(StatusCode::BAD_GATEWAY)
    });
    let items: Value = json!([
        { "id": "a", "method": "put", "url": "/query?x=1", "headers": { "accept": "a/b" }, "body": 1 },
    ]);
    let reply = send(layer.layer(troubled()), requests(items)).await;
    assert_eq!(reply.statuses(), [502]);
    let expected = (
        "the query isn't done".to_owned(),
        "PUT".to_owned(),
        "/query?x=1".to_owned(),
        http::HeaderValue::from_static("a/b"),
        true,
        Some("subrequest"),
    );
    assert_eq!(*seen.lock().expect("the rows"), [expected]);
    let events = recording.events();
    let parents: Vec<_> = events.iter().map(|event| event.parent.as_deref()).collect();
    assert_eq!(parents, [Some("subrequest a"); 2]);
    let error = Some("the query isn't done: line 1\\nline 2");
    assert_eq!(
        events[1],
        failed(Level::WARN, "a", "call-failed", "502", error)
    );
}

#[tokio::test]
async fn an_item_that_succeeds_is_no_event() {
    let (recording, _guard) = Recording::start();
    send(
        BatchLayer::new("/batch").layer(recorder().1),
        requests(gets(&["/", "/"])),
    )
    .await;
    assert_eq!(recording.events(), []);
}
