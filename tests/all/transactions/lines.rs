//! Groups in NDJSON, which holds their lines back.

use serde_json::{Value, json};
use tower::Layer;

use super::{Store, member, post, results, service};
use crate::support::{requests, send};

#[tokio::test(start_paused = true)]
async fn the_lines_of_a_group_are_sent_after_its_end() {
    let store = Store::default();
    let items = json!([
        member("g", "/add/a"),
        member("g", "/slow/b"),
        member("g", "/fail/c"),
        post("/add/d"),
    ]);
    let mut request = requests(items);
    let accept = "application/x-ndjson".parse().expect("a value");
    request.headers_mut().insert("accept", accept);
    let reply = send(store.layer().layer(service(&store)), request).await;
    let lines = reply
        .body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let mut lines: Vec<Value> = lines
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect();
    let summary = lines.pop().expect("a summary");
    assert_eq!(
        summary,
        json!({ "summary": { "total": 4, "succeeded": 1, "failed": 3 } })
    );
    let expected = [
        "/add/d 201",
        "/add/a 424 rolled-back",
        "/slow/b 424 rolled-back",
        "/fail/c 409",
    ];
    assert_eq!(results(&lines), expected);
}
