//! One span per batch, one child span per item, and only the necessary values from the client.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderValue, Request};
use http_body_util::BodyExt;
use serde_json::json;
use tower::{Layer, ServiceExt};
use tower_multistatus::{BatchLayer, ItemHeaders};
use tracing::Level;

use crate::probe::Probe;
use crate::support::{gets, requests, send};

mod events;
mod not_found;
pub(crate) mod recording;
mod service_faults;

use recording::{Noted, Recording};

/// The target of all spans and events of the layer.
const TARGET: &str = "tower_multistatus";

/// The fields of an item's span, without its duration, which must be a number.
fn item(noted: &Noted) -> (String, String, String, String) {
    assert_eq!(
        (
            noted.target.as_str(),
            noted.name.as_str(),
            noted.parent.as_deref()
        ),
        (TARGET, "subrequest", Some("batch"))
    );
    let milliseconds: f64 = noted.fields["duration_ms"].parse().expect("a number");
    assert!(milliseconds >= 0.0);
    assert!(noted.is_closed);
    let field = |name: &str| noted.fields.get(name).cloned().unwrap_or_default();
    assert!(noted.fields.len() <= 6, "no other field");
    (
        field("id"),
        field("http.request.method"),
        field("url.path"),
        field("http.response.status_code"),
    )
}

fn row(id: &str, method: &str, path: &str, status: u16) -> (String, String, String, String) {
    (
        id.to_owned(),
        method.to_owned(),
        path.to_owned(),
        status.to_string(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_a_span_and_each_item_a_child_of_it() {
    for streamed in [false, true] {
        let (recording, _guard) = Recording::start();
        let items = json!([
            { "id": "a", "method": "get", "url": "/ok?token=x" },
            { "id": "b", "method": "POST", "url": "fail" },
            { "id": "c", "method": "GET", "url": "/ok", "dependsOn": ["b"] },
            { "id": "d", "method": "GET", "url": "http://api.example/panic?x#y" },
            { "id": "e", "method": "GET", "url": "/panic" },
            { "id": "f", "method": "GET", "url": "/hang" },
            { "id": "g", "method": "BREW", "url": "/ok" },
            { "id": "h", "method": "GET", "url": "http://user:password@other.example/ok" },
        ]);
        let service = BatchLayer::new("/batch")
            .streamed(streamed)
            .layer(Probe::new().1);
        send(service, requests(items)).await;
        let mut spans = recording.spans();
        let batch = spans.remove(0);
        let fields = [("failed", "7"), ("items", "8"), ("succeeded", "1")];
        let expected = Noted {
            target: TARGET.to_owned(),
            name: "batch".to_owned(),
            level: Some(Level::INFO),
            parent: None,
            fields: fields.map(|(name, value)| (name, value.to_owned())).into(),
            is_closed: true,
        };
        assert_eq!(batch, expected);
        let mut items: Vec<_> = spans.iter().map(item).collect();
        items.sort_unstable();
        let expected = [
            row("a", "GET", "/ok", 200),
            row("b", "POST", "/fail", 500),
            row("c", "GET", "/ok", 424),
            // Items without a request have no path.
            row("d", "GET", "", 400),
            row("e", "GET", "/panic", 500),
            row("f", "GET", "/hang", 504),
            row("g", "BREW", "", 405),
            row("h", "GET", "", 400),
        ];
        assert_eq!(items, expected);
    }
}

#[tokio::test]
async fn events_of_a_handler_are_in_the_span_of_its_item() {
    let (recording, _guard) = Recording::start();
    let handler = get(async || {
        tracing::info!("first");
        tokio::task::yield_now().await;
        tracing::info!("second");
    });
    let service = BatchLayer::new("/batch").layer(Router::new().route("/", handler));
    send(service, requests(gets(&["/", "/"]))).await;
    let mut said: Vec<_> = recording
        .events()
        .into_iter()
        .map(|event| {
            (
                event.parent.expect("a span"),
                event.fields["message"].clone(),
            )
        })
        .collect();
    said.sort_unstable();
    let expected = [
        ("0", "first"),
        ("0", "second"),
        ("1", "first"),
        ("1", "second"),
    ];
    assert_eq!(
        said,
        expected.map(|(id, said)| (format!("subrequest {id}"), said.to_owned()))
    );
}

#[tokio::test]
async fn the_duration_of_an_item_is_in_milliseconds() {
    let (recording, _guard) = Recording::start();
    let handler = get(async || {
        // Busy waiting, because the layer does not measure the clock of the test runtime.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(3) {
            std::hint::spin_loop();
        }
    });
    let service = BatchLayer::new("/batch").layer(Router::new().route("/", handler));
    let begun = Instant::now();
    send(service, requests(gets(&["/"]))).await;
    let most = begun.elapsed().as_secs_f64() * 1000.0;
    let took: f64 = recording.spans()[1].fields["duration_ms"]
        .parse()
        .expect("a number");
    assert!((3.0..=most).contains(&took), "{took} of {most}");
}

#[tokio::test]
async fn a_stream_exits_its_span_between_two_frames() {
    let (_recording, _guard) = Recording::start();
    let service = BatchLayer::new("/batch")
        .streamed(true)
        .layer(Probe::new().1);
    let response = service
        .oneshot(requests(gets(&["/ok", "/yield/2"])))
        .await
        .expect("a response");
    let mut body = response.into_body();
    while body.frame().await.is_some() {
        assert!(tracing::Span::current().is_none());
    }
}

#[tokio::test]
async fn values_from_a_client_are_escaped_and_truncated() {
    let (recording, _guard) = Recording::start();
    let id = format!("\u{2028}\"{}", "\u{202e}".repeat(80));
    let path = format!("/{}", "p".repeat(300));
    let method = "M".repeat(300);
    let items = json!([
        { "id": id, "method": "GET", "url": path },
        { "id": "b", "method": method, "url": "/ok" },
        { "id": "c\\d", "method": "GET", "url": "/ok" },
    ]);
    send(
        BatchLayer::new("/batch").layer(Probe::new().1),
        requests(items),
    )
    .await;
    let spans = recording.spans();
    let (first, second) = (&spans[1].fields, &spans[2].fields);
    let shown = format!("\\u{{2028}}\\\"{}", "\\u{202e}".repeat(80));
    assert_eq!(first["id"], shown[..128]);
    assert_eq!(first["url.path"], path[..128]);
    assert_eq!(second["http.request.method"], method[..128]);
    assert_eq!(spans[3].fields["id"], "c\\\\d");
}

#[tokio::test]
async fn no_other_content_of_a_batch_is_logged() {
    let (recording, _guard) = Recording::start();
    let items = json!([{
        "id": "a", "method": "PUT", "url": "/ok?secret", "body": "secret",
        "headers": { "x-value": "secret", "cookie": "secret", "content-type": "text/secret" },
    }]);
    let mut request: Request<Body> = requests(items);
    request
        .headers_mut()
        .insert("authorization", "secret".parse().expect("a value"));
    *request.uri_mut() = "/batch?secret".parse().expect("a URI");
    let service = BatchLayer::new("/batch").layer(Probe::new().1);
    send(service.clone(), request).await;
    let secret = json!([{ "id": "a", "secret": "secret", "dependsOn": ["secret"] }]);
    send(service, requests(secret)).await;
    let (spans, events) = (recording.spans(), recording.events());
    assert_eq!(
        (spans.len(), events.len()),
        (3, 3),
        "a batch, its item, and the refused batch"
    );
    let text = format!("{spans:?}{events:?}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn an_ignored_header_is_an_event_with_a_reason() {
    let (recording, _guard) = Recording::start();
    let long = format!("x-{}", "x".repeat(300));
    let items = json!([
        { "id": "a", "method": "GET", "url": "/ok", "headers": { "accept": "a/b", "X_Tenant": "evil" } },
        { "id": "b", "method": "GET", "url": "/ok", "headers": { long.clone(): "evil" } },
        { "id": "c", "method": "GET", "url": "/ok", "headers": { "Range": "evil" } },
        { "id": "d", "method": "GET", "url": "/ok", "headers": { "user-agent": "evil" } },
        { "id": "e", "method": "GET", "url": "/ok", "headers": { "max-forwards": "evil" } },
        { "id": "f", "method": "GET", "url": "/ok", "headers": { "tracestate": "evil" } },
        { "id": "g", "method": "GET", "url": "/ok", "headers": { "x-request-id": "evil" } },
    ]);
    let mut request = requests(items);
    request
        .headers_mut()
        .insert("user-agent", HeaderValue::from_static("outer"));
    let layer = BatchLayer::new("/batch").item_headers(ItemHeaders::guarded().protect(["range"]));
    let layer = layer.item_request_ids("x-request-id");
    send(layer.layer(Probe::new().1), request).await;
    let expected = [
        ("a", "x_tenant", "not allowed by `ItemHeaders`"),
        ("b", &long[..128], "not allowed by `ItemHeaders`"),
        ("c", "range", "protected by `ItemHeaders`"),
        ("d", "user-agent", "the outer request has one"),
        ("e", "max-forwards", "never accepted from an item"),
        ("f", "tracestate", "the trace is the outer request's"),
        ("g", "x-request-id", "made by `item_request_ids`"),
    ];
    let expected = expected.map(|(id, name, reason)| Noted {
        target: TARGET.to_owned(),
        name: String::new(),
        level: Some(Level::DEBUG),
        parent: Some(format!("subrequest {id}")),
        fields: [
            ("message", "header of an item ignored"),
            ("name", name),
            ("reason", reason),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into(),
        is_closed: false,
    });
    assert_eq!(recording.events(), expected);
}

#[tokio::test]
async fn the_traceparent_of_an_item_is_a_link_of_its_span() {
    let (recording, _guard) = Recording::start();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let items = json!([
        { "id": "a", "method": "GET", "url": "/ok", "headers": { "Traceparent": traceparent } },
        { "id": "b", "method": "GET", "url": "/ok", "headers": { "traceparent": "\"".repeat(300) } },
        { "id": "c", "method": "GET", "url": "/ok" },
    ]);
    let mut request = requests(items);
    let outer = HeaderValue::from_static("outer");
    request.headers_mut().insert("traceparent", outer);
    let layer = BatchLayer::new("/batch");
    send(layer.layer(Probe::new().1), request).await;
    let links: Vec<_> = recording
        .spans()
        .iter()
        .map(|span| span.fields.get("link.traceparent").cloned())
        .collect();
    let escaped = "\\\"".repeat(64);
    let expected = [None, Some(traceparent.to_owned()), Some(escaped), None];
    assert_eq!(links, expected);
}
