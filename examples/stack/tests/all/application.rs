//! Tests of the whole application.

use std::sync::LazyLock;

use axum::serve::Listener;
use axum_prometheus::PrometheusMetricLayer;
use serde_json::json;
use stack::{Metrics, app, without_delay};
use tokio::net::{TcpListener, TcpStream};

use crate::logs::logged;
use crate::{Server, gets, posts};

/// A process can have one recorder.
static METRICS: LazyLock<Metrics> = LazyLock::new(PrometheusMetricLayer::pair);

const ADA: [(&str, &str); 1] = [("authorization", "Bearer ada")];

#[tokio::test]
async fn items_pass_through_the_same_layers_as_ordinary_requests() {
    let server = Server::of(app(METRICS.clone(), 6)).await;
    let reply = server.batch(&ADA, gets(&["/users/1", "/me"])).await;
    assert_eq!(
        reply.items(),
        [(200, json!({ "id": 1 })), (200, json!({ "name": "Ada" }))]
    );
    assert_eq!(reply.headers["x-request-id"].len(), 36);
    let strangers = server.batch(&[], gets(&["/me"])).await.items();
    assert_eq!(strangers[0].0, 401);

    let reply = server.batch(&ADA, posts(&["/visits"])).await;
    assert_eq!(reply.items(), [(200, json!(1))]);
    let [cookie] = reply.cookies()[..] else {
        panic!("exactly one session: {:?}", reply.cookies());
    };
    let headers = [ADA[0], ("cookie", cookie)];
    assert_eq!(server.send("POST", "/visits", &headers, "").await.body, "2");

    // The limit is 6. Four items and one ordinary request have been counted, so one item is left.
    let reply = server.batch(&ADA, gets(&["/me"; 8])).await;
    let succeeded = reply.items().iter().filter(|item| item.0 == 200).count();
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn metrics_count_items_and_ordinary_requests_by_route() {
    let server = Server::of(app(METRICS.clone(), 100)).await;
    let counted = async |route: &str| {
        let text = server.get("/metrics", &[]).await.body;
        let counted = text.lines().filter(|line| {
            line.starts_with("axum_http_requests_total{")
                && line.contains(&format!("endpoint=\"{route}\""))
        });
        let count = counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        count.sum::<u64>()
    };
    // Other tests count on the same recorder.
    let before = (counted("/users/{id}").await, counted("/batch").await);
    let paths: Vec<_> = (1000..1050).map(|id| format!("/users/{id}")).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    assert_eq!(server.batch(&ADA, gets(&paths)).await.items()[49].0, 200);
    server.get("/users/1050", &ADA).await;
    let after = (counted("/users/{id}").await, counted("/batch").await);
    assert!(after.0 >= before.0 + 51, "{before:?} {after:?}");
    assert!(after.1 > before.1, "{before:?} {after:?}");
    let text = server.get("/metrics", &[]).await.body;
    assert!(!text.contains("/users/10"), "a label for a URL: {text}");
}

#[tokio::test]
async fn an_event_of_a_handler_is_in_the_spans_of_its_item_batch_and_request() {
    let server = Server::of(app(METRICS.clone(), 100)).await;
    server.batch(&ADA, gets(&["/users/7"])).await;
    let text = logged();
    let line = text.lines().find(|line| line.contains("looked up id=7"));
    let line = line.unwrap_or_else(|| panic!("nothing is logged: {text}"));
    assert!(
        line.contains(r#" request{method=POST route="/batch"}:"#),
        "{line}"
    );
    let item =
        r#":batch{items=1}:subrequest{id="0" http.request.method="GET" url.path="/users/7"}"#;
    let item = format!("{item}: stack: looked up id=7");
    assert!(line.ends_with(&item), "{line}");
}

/// The only log line with this text, from after the span of the outer request.
fn line_with(text: &str) -> String {
    let all = logged();
    let lines: Vec<_> = all.lines().filter(|line| line.contains(text)).collect();
    let [line] = lines[..] else {
        panic!("exactly one line has {text:?}: {all}");
    };
    let request = r#" request{method=POST route="/batch"}:"#;
    let (before, line) = line.split_once(request).expect("the span of the request");
    assert!(before.ends_with(" INFO"), "{before}");
    line.to_owned()
}

#[tokio::test]
async fn a_refused_batch_and_a_failed_item_are_logged() {
    let server = Server::of(app(METRICS.clone(), 100)).await;
    let twice = json!([
        { "id": "twice", "method": "GET", "url": "/me" },
        { "id": "twice", "method": "GET", "url": "/me" },
    ]);
    assert_eq!(server.batch(&ADA, twice).await.status, 400);
    let line = line_with("batch refused");
    let refused = r#"batch{http.response.status_code=400 error.type="duplicate-id"}: tower_multistatus: batch refused error.type="duplicate-id" http.response.status_code=400 item=1"#;
    assert!(line.ends_with(refused), "{line}");

    let fails = json!([{ "id": "fails", "method": "BREW", "url": "/me" }]);
    assert_eq!(server.batch(&ADA, fails).await.items()[0].0, 405);
    let line = line_with("item failed");
    let failed = r#"batch{items=1}:subrequest{id="fails" http.request.method="BREW"}: tower_multistatus: item failed error.type="method-not-allowed" http.response.status_code=405"#;
    assert!(line.ends_with(failed), "{line}");
}

#[tokio::test]
async fn connections_send_without_delay() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let _client = TcpStream::connect(address).await.expect("a connection");
    let (stream, _) = without_delay(listener).accept().await;
    assert!(stream.nodelay().expect("the option"));
}
