//! OData: references, change sets, and where a batch stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::{Request, StatusCode};
use serde_json::json;
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, Multipart};

use super::{counting, multipart, parsed, part, statuses};
use crate::multipart::parts::{Part, parse};
use crate::support::{requests, send};

#[tokio::test(start_paused = true)]
async fn odata_in_multipart_is_sequential_and_stops_at_the_first_failure_unless_asked_not_to() {
    let envelope = || {
        let lines = [
            part("GET slow HTTP/1.1\r\n\r\n"),
            part("GET fail HTTP/1.1\r\n\r\n"),
            part("GET last HTTP/1.1\r\n\r\n"),
        ];
        multipart("/o/$batch", &[&lines[0], &lines[1], &lines[2], "--b--"])
    };
    let most = Arc::new(AtomicUsize::new(0));
    let service = BatchLayer::odata("/o/$batch").layer(counting(&most));
    let reply = send(service.clone(), envelope()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(statuses(&reply), [200, 409]);
    for preference in ["odata.continue-on-error", "continue-on-error=true"] {
        let mut request = envelope();
        request
            .headers_mut()
            .insert("prefer", preference.parse().unwrap());
        let reply = send(service.clone(), request).await;
        assert_eq!(statuses(&reply), [200, 409, 200]);
        assert_eq!(reply.header("preference-applied"), Some(preference));
    }
    let service = BatchLayer::odata("/o/$batch")
        .continue_on_error(true)
        .layer(counting(&most));
    assert_eq!(statuses(&send(service, envelope()).await), [200, 409, 200]);
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn odata_in_json_is_concurrent_and_goes_on() {
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

/// A change set with the boundary `c`, of these requests with ids.
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
    let tell = async |request: Request<Body>| {
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
        .fallback(tell)
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
    let told: Vec<_> = parsed(&reply)
        .iter()
        .map(|a| String::from_utf8(a.body.clone()).unwrap())
        .collect();
    assert_eq!(statuses(&reply), [201, 200, 200, 200, 400]);
    assert_eq!(
        told[1..4],
        ["PATCH /o/P(7)/x \"e\"", "PUT /o/P(7) ", "MERGE /o/$10 "]
    );
}

#[tokio::test]
async fn a_failed_change_set_is_one_part_and_what_worked_is_nested() {
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
    let multipart = || Multipart::new().sequential(true).omit_not_executed(true);
    let shape = async |layer: BatchLayer| {
        let reply = send(layer.layer(store()), envelope()).await;
        let parts = parse(reply.header("content-type").unwrap(), &reply.body);
        let told = |part: &Part| match part {
            Part::Answer(answer) => format!(
                "{} {}",
                answer.content_id.as_deref().unwrap(),
                answer.status
            ),
            Part::ChangeSet(answers) => {
                let each: Vec<_> = answers
                    .iter()
                    .map(|answer| {
                        format!(
                            "{} {}",
                            answer.content_id.as_deref().unwrap(),
                            answer.status
                        )
                    })
                    .collect();
                format!("[{}]", each.join(", "))
            }
        };
        parts.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(shape(odata()).await, ["[1 201, 2 200]", "4 409"]);
    let flat = odata().format(multipart().flatten_change_sets(true));
    assert_eq!(shape(flat).await, ["1 201", "2 200", "4 409"]);
    let wrapped = odata().format(multipart().wrap_failed_change_sets(true));
    assert_eq!(shape(wrapped).await, ["[1 201, 2 200]", "[4 409]"]);
}
