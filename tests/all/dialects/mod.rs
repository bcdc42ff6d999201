//! The presets, and one batch in every format.

mod callers;
mod formats;
mod google;
mod odata;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::model::parts::{ItemResponse, Part, parse};
use crate::support::{Reply, recorder, requests, send};

/// An envelope of these lines with the boundary `b`.
fn multipart(path: &str, lines: &[&str]) -> Request<Body> {
    Request::post(path)
        .header("host", "api.example")
        .header("content-type", "multipart/mixed; boundary=b")
        .body(Body::from(lines.join("\r\n")))
        .unwrap()
}

/// A part with this request.
fn part(request: &str) -> String {
    format!("--b\r\nContent-Type: application/http\r\n\r\n{request}")
}

/// All responses, including those in change sets.
fn parsed(reply: &Reply) -> Vec<ItemResponse> {
    let parts = parse(reply.header("content-type").unwrap(), &reply.body);
    let responses = |part| match part {
        Part::Response(response) => vec![response],
        Part::ChangeSet(responses) => responses,
    };
    parts.into_iter().flat_map(responses).collect()
}

fn statuses(reply: &Reply) -> Vec<u16> {
    parsed(reply)
        .iter()
        .map(|response| response.status)
        .collect()
}

/// Fails items whose path ends with `fail`, and counts the items in flight.
fn counting(most: &Arc<AtomicUsize>) -> Router {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::clone(most));
    let work = async move |request: Request<Body>| {
        let in_flight = now.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(in_flight, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(
            if request.uri().path().ends_with("slow") {
                90
            } else {
                10
            },
        ))
        .await;
        now.fetch_sub(1, Ordering::SeqCst);
        if request.uri().path().ends_with("fail") {
            StatusCode::CONFLICT
        } else {
            StatusCode::OK
        }
    };
    Router::new().fallback(work)
}

#[tokio::test]
async fn graph_and_odata_report_errors_in_the_form_of_their_clients() {
    let items = json!([{ "id": "1", "method": "TRACE", "url": "/x" }]);
    for layer in [BatchLayer::graph("/batch"), BatchLayer::odata("/batch")] {
        let reply = send(layer.layer(Router::new()), requests(items.clone())).await;
        let message = "the method is not allowed in a batch";
        let expected = json!({ "id": "1", "status": 405, "headers": { "Content-Type": "application/json" },
                               "body": { "error": { "code": "method-not-allowed", "message": message } } });
        assert_eq!(reply.items(), [expected]);
    }
}

#[tokio::test]
async fn urls_of_graph_get_the_service_root_once() {
    for url in [
        "/me",
        "me",
        "/v1.0/me",
        "http://api.example/v1.0/me",
        "http://api.example/me",
    ] {
        let (log, inner) = recorder();
        let items = json!({ "requests": [{ "id": "1", "method": "GET", "url": url }] });
        let mut request = requests(json!([]));
        *request.uri_mut() = "/v1.0/$batch".parse().unwrap();
        *request.body_mut() = Body::from(items.to_string());
        let reply = send(BatchLayer::graph("/v1.0/$batch").layer(inner), request).await;
        assert_eq!(reply.status, StatusCode::OK);
        let host_root = url == "http://api.example/me";
        assert_eq!(
            log.uris(),
            [if host_root { "/me" } else { "/v1.0/me" }],
            "{url}"
        );
    }
}
