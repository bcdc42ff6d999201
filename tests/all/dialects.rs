//! The presets, and one batch in every format.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, Multipart};

use crate::multipart::parts::{Answer, Part, parse};
use crate::support::{Asked, Reply, recorder, requests, send};

/// An envelope with the boundary `b`, of these lines.
fn multipart(path: &str, lines: &[&str]) -> Request<Body> {
    Request::post(path)
        .header("host", "api.example")
        .header("content-type", "multipart/mixed; boundary=b")
        .body(Body::from(lines.join("\r\n")))
        .unwrap()
}

/// A part that holds this request.
fn part(request: &str) -> String {
    format!("--b\r\nContent-Type: application/http\r\n\r\n{request}")
}

/// All answers, those in change sets too.
fn parsed(reply: &Reply) -> Vec<Answer> {
    let parts = parse(reply.header("content-type").unwrap(), &reply.body);
    let answers = |part| match part {
        Part::Answer(answer) => vec![answer],
        Part::ChangeSet(answers) => answers,
    };
    parts.into_iter().flat_map(answers).collect()
}

fn statuses(reply: &Reply) -> Vec<u16> {
    parsed(reply).iter().map(|answer| answer.status).collect()
}

fn seen(asked: Vec<Asked>) -> Vec<(String, Option<String>, Vec<u8>)> {
    let content_type = |asked: &Asked| {
        asked
            .header("content-type")
            .first()
            .map(|v| (*v).to_owned())
    };
    let mut seen: Vec<_> = asked
        .iter()
        .map(|asked| {
            let line = format!("{} {}", asked.method, asked.uri);
            (line, content_type(asked), asked.body.to_vec())
        })
        .collect();
    seen.sort();
    seen
}

#[tokio::test]
async fn a_batch_has_the_same_effect_and_answers_in_every_format() {
    let layer = || BatchLayer::new("/batch").format(Multipart::new());
    let json_headers = json!({ "content-type": "application/json" });
    let items = json!([
        { "id": "1", "method": "GET", "url": "/a?x=1" },
        { "id": "2", "method": "POST", "url": "/b", "headers": json_headers, "body": { "n": 1 } },
        { "id": "3", "method": "DELETE", "url": "/c" },
        { "id": "4", "method": "TRACE", "url": "/d" },
    ]);
    let envelope = [
        &part("GET /a?x=1 HTTP/1.1\r\n\r\n"),
        &part("POST /b HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"n\":1}"),
        &part("DELETE /c HTTP/1.1\r\n\r\n"),
        &part("TRACE /d HTTP/1.1\r\n\r\n"),
        "--b--",
    ];
    let mut lines = requests(items.clone());
    lines
        .headers_mut()
        .insert("accept", "application/x-ndjson".parse().unwrap());

    let (json_log, inner) = recorder();
    let json_reply = send(layer().layer(inner), requests(items)).await;
    let (lines_log, inner) = recorder();
    let lines_reply = send(layer().layer(inner), lines).await;
    let (multipart_log, inner) = recorder();
    let multipart_reply = send(layer().layer(inner), multipart("/batch", &envelope)).await;

    let effect = seen(json_log.all());
    assert_eq!(effect.len(), 3);
    assert_eq!(seen(lines_log.all()), effect);
    assert_eq!(seen(multipart_log.all()), effect);

    let told: BTreeMap<String, (u64, Value)> = json_reply
        .items()
        .iter()
        .map(|item| {
            (
                item["id"].as_str().unwrap().to_owned(),
                (item["status"].as_u64().unwrap(), item["body"].clone()),
            )
        })
        .collect();
    let lines: BTreeMap<_, _> = std::str::from_utf8(&lines_reply.body)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line.get("summary").is_none())
        .map(|item| {
            (
                item["id"].as_str().unwrap().to_owned(),
                (item["status"].as_u64().unwrap(), item["body"].clone()),
            )
        })
        .collect();
    assert_eq!(lines, told);
    let parts: BTreeMap<_, _> = (1..)
        .zip(parsed(&multipart_reply))
        .map(|(at, answer)| {
            let body = serde_json::from_slice(&answer.body).unwrap();
            (at.to_string(), (u64::from(answer.status), body))
        })
        .collect();
    assert_eq!(parts, told);
}

/// Fails what it is told to, and counts what is in flight at once.
fn counting(most: &Arc<AtomicUsize>) -> Router {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::clone(most));
    let work = async move |request: Request<Body>| {
        let in_flight = now.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(in_flight, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(
            match request.uri().path().ends_with("slow") {
                true => 90,
                false => 10,
            },
        ))
        .await;
        now.fetch_sub(1, Ordering::SeqCst);
        match request.uri().path().ends_with("fail") {
            true => StatusCode::CONFLICT,
            false => StatusCode::OK,
        }
    };
    Router::new().fallback(work)
}

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

#[tokio::test(start_paused = true)]
async fn googles_run_concurrently_and_are_answered_in_the_order_of_the_request() {
    let most = Arc::new(AtomicUsize::new(0));
    let service = BatchLayer::google("/batch/demo/v1").layer(counting(&most));
    let with_id = |id: &str, path: &str| {
        format!(
            "--b\r\nContent-Type: application/http\r\nContent-ID: {id}\r\n\r\nGET {path}\r\n\r\n"
        )
    };
    let lines = [
        with_id("<x + 1>", "/demo/slow"),
        with_id("y", "/demo/fail"),
        with_id("<z>", "/demo/last"),
    ];
    let request = multipart(
        "/batch/demo/v1",
        &[&lines[0], &lines[1], &lines[2], "--b--"],
    );
    let reply = send(service, request).await;
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("multipart/mixed; boundary=batch_")
    );
    let ids: Vec<_> = parsed(&reply)
        .into_iter()
        .map(|answer| (answer.content_id, answer.status))
        .collect();
    let expected = [
        ("<response-x + 1>", 200),
        ("response-y", 409),
        ("<response-z>", 200),
    ];
    assert_eq!(
        ids,
        expected.map(|(id, status)| (Some(id.to_owned()), status))
    );
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn googles_items_have_their_own_authorization_and_no_compression() {
    let (log, inner) = recorder();
    let request = "GET /a HTTP/1.1\r\nAuthorization: Bearer own\r\nX-Goog-User-Project: p\r\nAccept-Encoding: gzip\r\n\
                   User-Agent: own\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";
    let mut outer = multipart("/b", &[&part(request), "--b--"]);
    outer
        .headers_mut()
        .insert("authorization", "Bearer outer".parse().unwrap());
    outer
        .headers_mut()
        .insert("user-agent", "outer".parse().unwrap());
    send(BatchLayer::google("/b").layer(inner), outer).await;
    let asked = log.only();
    assert_eq!(asked.header("authorization"), ["Bearer own"]);
    assert_eq!(asked.header("user-agent"), ["own"]);
    assert_eq!(asked.header("x-goog-user-project"), ["p"]);
    assert_eq!(asked.header("accept-encoding"), [""; 0]);
    assert_eq!(asked.header("x-forwarded-for"), [""; 0]);
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

#[tokio::test]
async fn graph_and_odata_tell_errors_as_their_clients_read_them() {
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
async fn graphs_urls_stand_in_the_service_root_once() {
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

/// What reads and what writes, if every format is there: content type in, `Accept`, content type out or status.
#[cfg(feature = "multistatus")]
#[tokio::test]
async fn content_type_in_and_accept_say_the_format_out() {
    const JSON: &str = "application/json";
    const LINES: &str = "application/x-ndjson";
    const XML: &str = "application/xml; charset=\"utf-8\"";
    const PARTS: &str = "multipart/mixed";
    let types = [
        JSON,
        "multipart/mixed; boundary=b",
        "multipart/batch; boundary=b",
        LINES,
        "application/xml",
        "text/plain",
    ];
    let table: [(Option<&str>, [&str; 2]); 12] = [
        // Accept, then what it gives for JSON and for multipart.
        (None, [JSON, PARTS]),
        (Some("*/*"), [JSON, PARTS]),
        (Some("application/*"), [JSON, PARTS]),
        (Some("application/json"), [JSON, PARTS]),
        (Some("application/json;q=0"), ["406", PARTS]),
        (Some("application/x-ndjson"), [LINES, LINES]),
        (Some("application/jsonl, */*;q=0.1"), [LINES, LINES]),
        (Some("application/xml"), [XML, XML]),
        (Some("text/xml"), [XML, XML]),
        (Some("multipart/mixed"), [PARTS, PARTS]),
        (Some("image/png"), ["406", PARTS]),
        (
            Some("application/json;q=0.2, application/xml;q=0.5"),
            [XML, XML],
        ),
    ];
    for content_type in types {
        for (accept, expected) in table {
            let (_, inner) = recorder();
            let body = match content_type {
                JSON => r#"{"requests":[]}"#,
                _ => "--b--",
            };
            let mut request = Request::post("/batch").header("content-type", content_type);
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            let layer = BatchLayer::new("/batch").format(Multipart::new());
            let reply = send(layer.layer(inner), request.body(Body::from(body)).unwrap()).await;
            let expected = match content_type {
                JSON => expected[0],
                other if other.starts_with("multipart/") => expected[1],
                _ => "415",
            };
            let got = match reply.status {
                StatusCode::MULTI_STATUS => reply.header("content-type").unwrap().to_owned(),
                status => status.as_u16().to_string(),
            };
            assert!(
                got.starts_with(expected),
                "{content_type}, {accept:?}: {got}"
            );
        }
    }
}
