//! What the server says of an item, and what the client does.

use std::time::Duration;

use tower::Layer;
use tower_multistatus::{ItemErrors, Retry};

use super::verdicts::{mixed, says};
use super::*;

/// A server whose item `/a` has this status and header until it was called as often, and that
/// counts its calls.
fn busy(status: u16, retry_after: &'static str, times: usize) -> (Arc<Mutex<Vec<String>>>, Router) {
    let calls = Arc::new(Mutex::new(Vec::<String>::new()));
    let log = Arc::clone(&calls);
    let api = Router::new().fallback(move |request: Request<Body>| {
        let mut log = log.lock().expect("the log");
        log.push(format!("{} {}", request.method(), request.uri()));
        let calls = log.iter().filter(|line| line.ends_with("/a")).count();
        let mut response = Response::new(Body::from("done"));
        if request.uri() == "/a" && calls <= times {
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            let value = http::HeaderValue::from_static(retry_after);
            response.headers_mut().insert("retry-after", value);
        }
        std::future::ready(response)
    });
    (calls, api)
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_too_early_is_sent_again_and_the_others_are_not() {
    for status in [429, 503] {
        let (calls, api) = busy(status, "2", 2);
        let retry = Retry::idempotent(2, Duration::from_secs(2));
        let connection = Wire::default().to_server(BatchLayer::new("/batch"), api);
        let client = layer().retry(retry).layer(connection);
        let start = tokio::time::Instant::now();
        // A second caller of `/a`, so that it is not alone when it is sent again.
        let all = fetch_all(&client, [get("/a"), get("/a"), get("/b")]).await;
        assert_eq!(shown(&all), ["200 done"; 3], "{status}");
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        let expected = ["GET /a", "GET /a", "GET /b", "GET /a", "GET /a"];
        assert_eq!(*calls.lock().unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_is_not_sent_again_beyond_what_retry_says() {
    let two = |method: &Method| [request(method.clone(), "/a"), request(method.clone(), "/a")];
    let retry = Retry::idempotent(1, Duration::from_secs(2));
    for (layer, method, status, retry_after, expected_calls) in [
        (layer(), Method::GET, 429, "1", 2),
        (layer().retry(retry), Method::POST, 429, "1", 2),
        (layer().retry(retry), Method::GET, 500, "1", 2),
        (layer().retry(retry), Method::GET, 503, "3", 2),
        (layer().retry(retry), Method::GET, 503, "soon", 2),
        (layer().retry(retry), Method::GET, 503, "1", 4),
    ] {
        let (calls, api) = busy(status, retry_after, 9);
        let connection = Wire::default().to_server(BatchLayer::new("/batch"), api);
        let client = layer.layer(connection);
        for outcome in fetch_all(&client, two(&method)).await {
            let reply = outcome.unwrap();
            assert_eq!(reply.status.as_u16(), status);
            assert_eq!(reply.header("retry-after"), Some(retry_after));
        }
        let shown = format!("{method} {status} {retry_after}");
        assert_eq!(calls.lock().unwrap().len(), expected_calls, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_fails_in_the_batch_has_that_response() {
    let wire = Wire::default();
    let server = BatchLayer::new("/batch")
        .item_errors(ItemErrors::problem())
        .filter(|item| match item.uri.path() {
            "/no" => Err(StatusCode::FORBIDDEN),
            _ => Ok(()),
        });
    let client = layer().layer(wire.to_server(server, echo()));
    let outcomes = fetch_all(&client, [get("/a"), get("/no")]).await;
    let codes: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().unwrap().status)
        .collect();
    assert_eq!(codes, [200, 403]);
    assert_eq!(outcomes[1].as_ref().unwrap().code(), "rejected");
}

/// The outcome of three requests if the server changes the responses in this way.
async fn with_items(
    change: impl Fn(&mut Vec<Value>) + Clone + Send + Sync + 'static,
) -> Vec<String> {
    let wire = Wire::default();
    let client = layer().layer(says(&wire, move |sent| {
        let mut items = echoed(sent);
        change(&mut items);
        responses(&items)
    }));
    let outcomes = fetch_all(&client, mixed()).await;
    assert_eq!(wire.lines(), ["POST /batch"]);
    shown(&outcomes)
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_missing_twice_or_unknown_fails_only_its_caller() {
    let fine = ["200 /a", "200 /b", "200 /c"];
    assert_eq!(with_items(|_| {}).await, fine);
    assert_eq!(with_items(|items| items.reverse()).await, fine);
    let missing = ["200 /a", "MissingResponse", "200 /c"];
    assert_eq!(with_items(|items| drop(items.remove(1))).await, missing);
    for id in [
        json!("x"),
        json!(""),
        json!(2),
        json!(null),
        json!("2 "),
        json!("02"),
    ] {
        assert_eq!(
            with_items(move |items| items[1]["id"] = id.clone()).await,
            missing
        );
    }
    let twice = with_items(|items| {
        let second = items[1].clone();
        items[0] = second;
    });
    assert_eq!(
        twice.await,
        ["MissingResponse", "AmbiguousResponse", "200 /c"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_invalid_fails_only_its_caller() {
    for (member, value) in [
        ("status", json!("200")),
        ("status", json!(99)),
        ("status", json!(101)),
        ("status", json!(1000)),
        ("status", json!(200.0)),
        ("status", json!(null)),
        ("headers", json!([])),
        ("headers", json!({ "a b": "c" })),
        ("headers", json!({ "a": 1 })),
        ("headers", json!({ "a": "\n" })),
        ("headers", json!({ "a": ["b", null] })),
        ("headers", json!({ "content-type": "image/png" })),
        ("encoding", json!("gzip")),
        ("encoding", json!("base64")),
        ("body", json!({})),
    ] {
        let outcomes = with_items(move |items| {
            items[1]["body"] = json!("not base64");
            items[1][member] = value.clone();
        });
        assert_eq!(outcomes.await, ["200 /a", "UnreadableResponse", "200 /c"]);
    }
}
