//! The warning about a layer inside `Router::layer`, whose items are all 404.

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tower::Layer;
use tower_multistatus::BatchLayer;
use tracing::Level;

use super::TARGET;
use super::recording::{Noted, Recording};
use crate::support::{gets, requests, send};

fn api() -> Router {
    Router::new()
        .route("/hello", get(async || "hello"))
        .route("/gone", get(async || (http::StatusCode::NOT_FOUND, "gone")))
}

fn warnings(recording: &Recording) -> Vec<Noted> {
    let mut events = recording.events();
    events.retain(|event| event.level == Some(Level::WARN));
    events
}

#[tokio::test]
async fn a_layer_inside_router_layer_warns_once_of_items_that_are_all_404() {
    let (recording, _guard) = Recording::start();
    let layer = BatchLayer::new("/batch");
    let app = api().layer(layer.clone());
    for app in [app.clone(), app, api().layer(layer)] {
        let reply = send(app, requests(gets(&["/hello", "/hello"]))).await;
        assert_eq!(reply.statuses(), [404, 404]);
    }
    let message = "every item is 404: `Router::layer` wraps each route, so items reach one route only; \
                   mount the layer beside the router with `route_service`";
    let expected = Noted {
        target: TARGET.to_owned(),
        level: Some(Level::WARN),
        parent: Some("batch".to_owned()),
        fields: [("message", message), ("items", "2")]
            .map(|(name, value)| (name, value.to_owned()))
            .into(),
        ..Noted::default()
    };
    assert_eq!(recording.events(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn the_404_warning_ignores_items_that_did_not_run() {
    let late = get(async || {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        http::StatusCode::NOT_FOUND
    });
    let api = api().route("/late", late);
    let item = |id: &str, url: &str, on: &[&str]| {
        let mut item = json!({ "id": id, "method": "GET", "url": url });
        item["dependsOn"] = json!(on);
        item
    };
    let layer = || BatchLayer::new("/batch").concurrency(2);
    for (layer, last) in [
        (layer(), item("c", "/hello", &["a"])),
        (layer().continue_on_error(false), item("c", "/hello", &[])),
    ] {
        let (recording, _guard) = Recording::start();
        let items = json!([item("a", "/late", &[]), item("b", "/late", &[]), last]);
        let reply = send(layer.layer(api.clone()), requests(items)).await;
        assert_eq!(reply.statuses(), [404, 404, 424]);
        let warned = warnings(&recording);
        let items: Vec<_> = warned.iter().map(|event| &*event.fields["items"]).collect();
        assert_eq!(items, ["2"]);
    }
}

#[tokio::test]
async fn the_404_warning_ignores_404s_of_the_layer() {
    let (recording, _guard) = Recording::start();
    for layer in [
        BatchLayer::new("/batch").mounted_at("/v1"),
        BatchLayer::new("/batch").filter(|_| Err(http::StatusCode::NOT_FOUND)),
    ] {
        let reply = send(layer.layer(api()), requests(gets(&["/hello", "/hello"]))).await;
        assert_eq!(reply.statuses(), [404, 404]);
    }
    assert_eq!(warnings(&recording), []);
}

#[tokio::test]
async fn the_404_warning_needs_404s_of_the_router_for_all_items() {
    let (recording, _guard) = Recording::start();
    let head = json!([
        { "id": "a", "method": "HEAD", "url": "/gone" },
        { "id": "b", "method": "HEAD", "url": "/gone" },
    ]);
    let batch = |urls: &[&str]| requests(gets(urls));
    for (request, expected) in [
        (batch(&["/nowhere"]), &[404][..]),
        (batch(&["/nowhere", "/nowhere", "/hello"]), &[404, 404, 200]),
        (batch(&["/gone", "/gone"]), &[404, 404]),
        (requests(head), &[404, 404]),
    ] {
        let service = BatchLayer::new("/batch").layer(api());
        assert_eq!(send(service, request).await.statuses(), expected);
    }
    assert_eq!(recording.events(), []);
}
