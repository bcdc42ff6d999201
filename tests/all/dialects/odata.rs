//! The preset for OData: references, change sets, and stopping at a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, Multipart, NdJson};

use super::{counting, multipart, parsed, part, statuses};
use crate::model::parts::{Part, parse};
use crate::support::{Reply, requests, send, with_header};

/// A batch of three items, of which the second fails.
fn failing() -> Request<Body> {
    let lines = ["slow", "fail", "last"].map(|url| part(&format!("GET {url} HTTP/1.1\r\n\r\n")));
    multipart("/o/$batch", &[&lines[0], &lines[1], &lines[2], "--b--"])
}

fn failing_json() -> Request<Body> {
    let item = |id: &str, url: &str| json!({ "id": id, "method": "GET", "url": url });
    let mut request = requests(json!([
        item("1", "slow"),
        item("2", "fail"),
        item("3", "last")
    ]));
    *request.uri_mut() = "/o/$batch".parse().unwrap();
    request
}

#[tokio::test(start_paused = true)]
async fn odata_in_multipart_is_sequential_and_continues_after_a_failure() {
    let most = Arc::new(AtomicUsize::new(0));
    let service = BatchLayer::odata("/o/$batch").layer(counting(&most));
    let reply = send(service.clone(), failing()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(statuses(&reply), [200, 409, 200]);
    for preference in ["odata.continue-on-error", "continue-on-error=true"] {
        let reply = send(
            service.clone(),
            with_header(failing(), "prefer", preference),
        )
        .await;
        assert_eq!(statuses(&reply), [200, 409, 200]);
        assert_eq!(reply.header("preference-applied"), Some(preference));
    }
    let tables = BatchLayer::odata("/o/$batch").format(Multipart::new().sequential(true));
    let reply = send(tables.layer(counting(&most)), failing()).await;
    assert_eq!(statuses(&reply), [200, 409, 200]);
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn odata_stops_at_a_failure_by_preference_or_setting_in_each_format() {
    let most = Arc::new(AtomicUsize::new(0));
    let layer = || BatchLayer::odata("/o/$batch").concurrency(1);
    let lines = || layer().format(NdJson::new());
    let stopping = |layer: BatchLayer| layer.continue_on_error(false).layer(counting(&most));
    let going_on = |layer: BatchLayer| layer.layer(counting(&most));
    let accept = |request| with_header(request, "accept", "application/x-ndjson");
    for preference in [
        "continue-on-error=false",
        "odata.continue-on-error=false",
        "odata.continue-on-error=\"false\"",
    ] {
        let preferring = |request| with_header(request, "prefer", preference);
        let reply = send(going_on(layer()), preferring(failing())).await;
        // Items that did not run are omitted.
        assert_eq!(statuses(&reply), [200, 409]);
        assert_eq!(reply.header("preference-applied"), Some(preference));
        let reply = send(going_on(layer()), preferring(failing_json())).await;
        assert_eq!(reply.statuses(), [200, 409, 424]);
        assert_eq!(reply.header("preference-applied"), Some(preference));
        for request in [failing(), failing_json()] {
            let reply = send(going_on(lines()), preferring(accept(request))).await;
            assert_eq!(line_statuses(&reply), [200, 409, 424]);
            assert_eq!(reply.header("preference-applied"), Some(preference));
        }
    }
    let reply = send(stopping(layer()), failing()).await;
    assert_eq!(statuses(&reply), [200, 409]);
    let reply = send(stopping(layer()), failing_json()).await;
    assert_eq!(reply.statuses(), [200, 409, 424]);
    let reply = send(stopping(lines()), accept(failing_json())).await;
    assert_eq!(line_statuses(&reply), [200, 409, 424]);
    let reply = send(
        stopping(layer()),
        with_header(failing(), "prefer", "continue-on-error"),
    )
    .await;
    assert_eq!(statuses(&reply), [200, 409, 200]);
}

/// The statuses of all NDJSON lines except the summary.
fn line_statuses(reply: &Reply) -> Vec<u64> {
    let text = std::str::from_utf8(&reply.body).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|line| line["status"].as_u64()).collect()
}

#[tokio::test(start_paused = true)]
async fn odata_in_json_is_concurrent_and_continues_after_a_failure() {
    let most = Arc::new(AtomicUsize::new(0));
    let service = BatchLayer::odata("/batch").layer(counting(&most));
    let item = |id: &str, url: &str| json!({ "id": id, "method": "get", "url": url });
    let items = json!([
        item("1", "slow"),
        item("2", "fail"),
        item("3", "/last"),
        item("4", "a b")
    ]);
    let reply = send(service, requests(items)).await;
    assert_eq!(reply.statuses(), [200, 409, 200, 200]);
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

/// A change set of these requests with ids, and the boundary `c`.
fn change_set(requests: &[(&str, &str)]) -> String {
    let parts: String = requests
        .iter()
        .map(|(id, request)| {
            format!(
                "--c\r\nContent-Type: application/http\r\nContent-ID: {id}\r\n\r\n{request}\r\n"
            )
        })
        .collect();
    format!("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{parts}--c--\r\n")
}

fn store() -> Router {
    let create = async || {
        (
            StatusCode::CREATED,
            [("location", "/o/P(7)"), ("etag", "\"e\"")],
        )
    };
    let describe = async |request: Request<Body>| {
        let if_match = request
            .headers()
            .get("if-match")
            .map_or("", |value| value.to_str().unwrap());
        format!("{} {} {if_match}", request.method(), request.uri())
    };
    Router::new()
        .route("/o/P", post(create))
        .route(
            "/o/fail",
            get(async || "").patch(async || StatusCode::CONFLICT),
        )
        .fallback(describe)
}

#[tokio::test]
async fn references_reach_inside_and_across_change_sets() {
    let sets = [
        change_set(&[
            ("1", "POST P HTTP/1.1\r\n\r\n"),
            ("2", "PATCH $1/x HTTP/1.1\r\nIf-Match: $1\r\n\r\n"),
        ]),
        change_set(&[
            ("3", "PUT $1 HTTP/1.1\r\n\r\n"),
            ("4", "MERGE $10 HTTP/1.1\r\n\r\n"),
        ]),
    ];
    let after = part("GET $1/../../admin HTTP/1.1\r\n\r\n");
    let request = multipart("/o/$batch", &[&sets[0], &sets[1], &after, "--b--"]);
    let layer = BatchLayer::odata("/o/$batch").change_sets(ChangeSets::best_effort());
    let reply = send(layer.layer(store()), request).await;
    let reported: Vec<_> = parsed(&reply)
        .iter()
        .map(|a| String::from_utf8(a.body.clone()).unwrap())
        .collect();
    assert_eq!(statuses(&reply), [201, 200, 200, 200, 400]);
    assert_eq!(
        reported[1..4],
        ["PATCH /o/P(7)/x \"e\"", "PUT /o/P(7) ", "MERGE /o/$10 "]
    );
}

#[tokio::test]
async fn a_failed_change_set_is_one_part_and_a_successful_one_is_nested() {
    let sets = [
        change_set(&[
            ("1", "POST P HTTP/1.1\r\n\r\n"),
            ("2", "DELETE x HTTP/1.1\r\n\r\n"),
        ]),
        change_set(&[
            ("3", "POST P HTTP/1.1\r\n\r\n"),
            ("4", "PATCH fail HTTP/1.1\r\n\r\n"),
            ("5", "POST P HTTP/1.1\r\n\r\n"),
        ]),
    ];
    let envelope = || multipart("/o/$batch", &[&sets[0], &sets[1], "--b--"]);
    let odata = || BatchLayer::odata("/o/$batch").change_sets(ChangeSets::best_effort());
    let multipart_of =
        |first: &str, second: &str| multipart("/o/$batch", &[first, second, "--b--"]);
    let multipart = || Multipart::new().sequential(true).omit_not_executed(true);
    let shape = async |layer: BatchLayer| {
        let reply = send(layer.layer(store()), envelope()).await;
        let parts = parse(reply.header("content-type").unwrap(), &reply.body);
        let reported = |part: &Part| match part {
            Part::Response(response) => format!(
                "{} {}",
                response.content_id.as_deref().unwrap(),
                response.status
            ),
            Part::ChangeSet(responses) => {
                let each: Vec<_> = responses
                    .iter()
                    .map(|response| {
                        format!(
                            "{} {}",
                            response.content_id.as_deref().unwrap(),
                            response.status
                        )
                    })
                    .collect();
                format!("[{}]", each.join(", "))
            }
        };
        parts.iter().map(reported).collect::<Vec<_>>()
    };
    assert_eq!(shape(odata()).await, ["[1 201, 2 200]", "4 409"]);
    let flat = odata().format(multipart().flatten_change_sets(true));
    assert_eq!(shape(flat).await, ["1 201", "2 200", "4 409"]);
    let wrapped = odata().format(multipart().wrap_failed_change_sets(true));
    assert_eq!(shape(wrapped).await, ["[1 201, 2 200]", "[4 409]"]);
    // What is not executed has no part, whether failed change sets are wrapped or not.
    let first = part("PATCH fail HTTP/1.1\r\n\r\n");
    for is_wrapped in [false, true] {
        let format = multipart().wrap_failed_change_sets(is_wrapped);
        let layer = odata().continue_on_error(false).format(format);
        let envelope = multipart_of(&first, &sets[1]);
        let reply = send(layer.layer(store()), envelope).await;
        let parts = parse(reply.header("content-type").unwrap(), &reply.body);
        assert_eq!(parts.len(), 1, "{is_wrapped} {parts:?}");
    }
}
