//! Responses that are written while items run.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};
use tower_multistatus::{BatchLayer, ChangeSets, Order, ResponseBody};

use crate::probe::Probe;
use crate::support::{gets, requests, send};

/// A batch of these items that accepts NDJSON.
fn lines_for(items: Value) -> Request<Body> {
    let mut request = requests(items);
    let accept = "application/x-ndjson".parse().expect("a value");
    request.headers_mut().insert("accept", accept);
    request
}

async fn ask<S>(service: S, items: Value) -> Response<ResponseBody<Body>>
where
    S: Service<Request<Body>, Response = Response<ResponseBody<Body>>, Error: std::fmt::Debug>,
{
    service.oneshot(lines_for(items)).await.expect("a response")
}

/// The next frame as text, if there is one.
async fn frame(body: &mut ResponseBody<Body>) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(600), body.frame()).await;
    let frame = frame.expect("the response goes on")?.expect("no error");
    let bytes = frame.into_data().expect("no trailers");
    Some(String::from_utf8(bytes.into()).expect("UTF-8"))
}

/// All lines, each with the time of its arrival.
async fn timed_lines(mut body: ResponseBody<Body>) -> Vec<(Duration, Value)> {
    let begun = Instant::now();
    let (mut lines, mut rest) = (Vec::new(), String::new());
    while let Some(text) = frame(&mut body).await {
        rest.push_str(&text);
        while let Some((line, after)) = rest.split_once('\n') {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            assert!(line.is_object());
            lines.push((begun.elapsed(), line));
            rest = after.to_owned();
        }
    }
    assert_eq!(rest, "", "the last line has its end");
    lines
}

async fn lines(body: ResponseBody<Body>) -> Vec<Value> {
    let lines = timed_lines(body).await;
    lines.into_iter().map(|(_, line)| line).collect()
}

fn summary(total: usize, succeeded: usize) -> Value {
    let failed = total - succeeded;
    json!({ "summary": { "total": total, "succeeded": succeeded, "failed": failed } })
}

#[tokio::test(start_paused = true)]
async fn a_slow_item_does_not_delay_other_lines() {
    for slow in [0, 50, 99] {
        let mut paths = ["/ok"; 100];
        paths[slow] = "/sleep/100";
        let service = BatchLayer::new("/batch").layer(Probe::new().1);
        let response = ask(service, gets(&paths)).await;
        let mut lines = timed_lines(response.into_body()).await;
        let hundred = Duration::from_millis(100);
        assert_eq!(lines.pop(), Some((hundred, summary(100, 100))));
        let (at, last) = lines.pop().expect("the slow item");
        assert_eq!((at, &last["id"]), (hundred, &json!(slow.to_string())));
        assert_eq!(lines.len(), 99);
        assert!(lines.iter().all(|(at, _)| *at == Duration::ZERO));
    }
}

/// Two items of a group, and one after it.
fn two_and_one(urls: [&str; 3]) -> Value {
    let mut items = gets(&urls);
    for at in 0..2 {
        items[at]["atomicityGroup"] = json!("g");
    }
    items
}

#[tokio::test(start_paused = true)]
async fn lines_of_a_group_without_a_transaction_come_as_its_items_end() {
    let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    let service = layer.layer(Probe::new().1);
    let response = ask(service, two_and_one(["/sleep/10", "/sleep/20", "/ok"])).await;
    let lines = timed_lines(response.into_body()).await;
    let times: Vec<_> = lines.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(times, [0, 10, 30, 30]);
}

#[cfg(feature = "multipart")]
#[tokio::test(start_paused = true)]
async fn a_change_set_is_written_when_its_last_item_has_ended() {
    let layer = BatchLayer::new("/batch")
        .change_sets(ChangeSets::best_effort())
        .format(tower_multistatus::Multipart::new())
        .streamed(true);
    let mut request = requests(two_and_one(["/ok", "/sleep/10", "/sleep/100"]));
    let accept = "multipart/mixed".parse().expect("a value");
    request.headers_mut().insert("accept", accept);
    let response = layer.layer(Probe::new().1).oneshot(request).await;
    let mut body = response.expect("a response").into_body();
    let begun = Instant::now();
    let mut times = Vec::new();
    while let Some(text) = frame(&mut body).await {
        let found = text.matches("HTTP/1.1 200").count();
        times.extend(std::iter::repeat_n(begun.elapsed().as_millis(), found));
    }
    assert_eq!(times, [10, 10, 100]);
}

#[tokio::test]
async fn the_head_of_a_stream_has_a_type_and_no_length() {
    let service = BatchLayer::new("/batch").layer(Probe::new().1);
    let response = ask(service, gets(&["/ok"])).await;
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
        .collect();
    headers.sort_unstable();
    let expected = [
        ("cache-control", "no-store"),
        ("content-type", "application/x-ndjson"),
        ("incremental", "?1"),
        ("x-content-type-options", "nosniff"),
    ];
    assert_eq!(
        (response.status().as_u16(), &*headers),
        (207, &expected[..])
    );
    let headers = json!({ "Content-Type": "application/json" });
    let line = json!({ "id": "0", "status": 200, "headers": headers, "body": {} });
    assert_eq!(lines(response.into_body()).await, [line, summary(1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_the_whole_response() {
    let (book, probe) = Probe::new();
    let layer = BatchLayer::new("/batch")
        .item_timeout(Duration::from_secs(1))
        .batch_timeout(None);
    let paths = ["/ok", "/sleep/5", "/big/9000", "/fail", "/sleep/900"].repeat(20);
    let mut body = ask(layer.layer(probe), gets(&paths)).await.into_body();
    let mut text = String::new();
    while let Some(more) = frame(&mut body).await {
        text.push_str(&more);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.pop(), Some(summary(100, 80)));
    lines.sort_by_key(|line| line["id"].as_str().and_then(|id| id.parse::<usize>().ok()));
    let statuses: Vec<_> = lines.iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 200, 500, 200].repeat(20));
    assert_eq!(book.begun().len(), 100);
}

#[tokio::test]
async fn a_reader_that_stops_stops_the_items() {
    let (book, probe) = Probe::new();
    let service = BatchLayer::new("/batch").layer(probe);
    let mut body = ask(service, gets(&["/big/40000"; 100])).await.into_body();
    assert_eq!(book.begun().len(), 0, "nothing runs before it is read");
    let mut text = frame(&mut body).await.expect("a frame");
    assert_eq!(book.begun().len(), 1, "a full frame waits for its reader");
    while let Some(more) = frame(&mut body).await {
        text.push_str(&more);
    }
    assert_eq!(text.lines().count(), 101);
}

#[tokio::test(start_paused = true)]
async fn a_streamed_envelope_has_the_items_of_the_buffered_one() {
    let paths = [
        "/sleep/9",
        "/ok",
        "/panic",
        "/yield/3",
        "/cut-body",
        "/big/9000",
        "/fail",
    ];
    let mut items = gets(&paths.repeat(3));
    items[8]["dependsOn"] = json!(["2"]);
    items[9]["dependsOn"] = json!(["0", "1"]);
    let mut sets = Vec::new();
    for streamed in [false, true] {
        let layer = BatchLayer::new("/batch").streamed(streamed);
        let reply = send(layer.layer(Probe::new().1), requests(items.clone())).await;
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("content-length").is_some(), !streamed);
        let items = reply.items();
        assert_eq!(items.len(), 21);
        sets.push(items.iter().map(Value::to_string).collect::<BTreeSet<_>>());
    }
    assert_eq!(sets[0].len(), 21);
    assert_eq!(sets[0], sets[1]);
}

/// The ids of the lines, without the summary.
fn ids(lines: &[Value]) -> Vec<String> {
    lines
        .iter()
        .filter_map(|line| line["id"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn in_request_order_at_most_the_concurrency_is_held() {
    for concurrency in [1, 2, 4, 8] {
        let (book, probe) = Probe::new();
        let layer = BatchLayer::new("/batch")
            .order(Order::Request)
            .concurrency(concurrency);
        let mut paths = ["/ok"; 100];
        paths[0] = "/gate";
        let body = ask(layer.layer(probe), gets(&paths)).await.into_body();
        let reading = tokio::spawn(lines(body));
        tokio::task::yield_now().await;
        assert_eq!(book.begun().len(), concurrency);
        book.open_gate();
        let lines = reading.await.expect("no panic");
        let expected: Vec<_> = (0..100).map(|id| id.to_string()).collect();
        assert_eq!(ids(&lines), expected);
        assert_eq!(lines.last(), Some(&summary(100, 100)));
    }
}

#[tokio::test(start_paused = true)]
async fn in_request_order_items_with_a_failed_dependency_delay_no_other() {
    let mut items = gets(&[
        "/sleep/5", "/fail", "/ok", "/ok", "/ok", "/ok", "/ok", "/ok",
    ]);
    for lost in 3..7 {
        items[lost]["dependsOn"] = json!(["1"]);
    }
    let layer = BatchLayer::new("/batch")
        .order(Order::Request)
        .concurrency(2);
    let response = ask(layer.layer(Probe::new().1), items).await;
    let lines = timed_lines(response.into_body()).await;
    let statuses: Vec<_> = lines
        .iter()
        .map(|(_, line)| line["status"].as_u64())
        .collect();
    let expected = [200, 500, 200, 424, 424, 424, 424, 200].map(Some);
    assert_eq!(statuses, [&expected[..], &[None]].concat());
    assert_eq!(lines[8], (Duration::from_millis(5), summary(8, 3)));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_while_streaming_leaves_a_complete_envelope() {
    let paths = ["/ok", "/hang", "/sleep/500", "/hang-body", "/hang", "/ok"];
    // In request order, a finished response that waits for a hanging item takes the place of a
    // further item.
    for (order, begun) in [(Order::Request, 3), (Order::Completion, 4)] {
        let (book, probe) = Probe::new();
        let layer = BatchLayer::new("/batch")
            .batch_timeout(Duration::from_secs(1))
            .concurrency(2);
        let response = ask(layer.order(order).layer(probe), gets(&paths)).await;
        let mut lines = timed_lines(response.into_body()).await;
        assert_eq!(lines.pop(), Some((Duration::from_secs(1), summary(6, 2))));
        lines.sort_by_key(|(_, line)| line["id"].to_string());
        let statuses: Vec<_> = lines
            .iter()
            .map(|(_, line)| line["status"].clone())
            .collect();
        assert_eq!(statuses, [200, 504, 200, 504, 504, 504]);
        assert_eq!(lines[5].1["body"]["code"], "deadline");
        assert_eq!((book.in_flight(), book.begun().len()), (0, begun));
    }
}

#[tokio::test]
async fn an_item_that_panics_has_a_line() {
    let service = BatchLayer::new("/batch")
        .concurrency(1)
        .layer(Probe::new().1);
    let items = gets(&["/ok", "/panic", "/panic-body", "/panic-call", "/ok"]);
    let lines = lines(ask(service, items).await.into_body()).await;
    assert_eq!(ids(&lines), ["0", "1", "2", "3", "4"]);
    let problem = json!({ "type": "about:blank", "title": "the service panicked",
                          "status": 500, "code": "panicked" });
    for panicked in &lines[1..4] {
        assert_eq!(
            (&panicked["status"], &panicked["body"]),
            (&json!(500), &problem)
        );
    }
    assert_eq!(lines[5], summary(5, 2));
}
