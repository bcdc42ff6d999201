//! Any bytes as an envelope of another API.

use serde_json::Value;
use tower_multistatus::BatchLayer;

use crate::exchange::{echo, exchange};
use crate::input::Input;
use crate::model::exchange::post;
use crate::oracle::assert_not_run;

/// A preset: its path, its layer, and where its envelope has the results.
type Preset = (
    &'static str,
    fn(&str) -> BatchLayer,
    &'static [&'static str],
);

const PRESETS: [Preset; 8] = [
    ("/v1/batch", BatchLayer::kinto, &["responses"]),
    ("/wp-json/batch/v1", BatchLayer::wordpress, &["responses"]),
    (
        "/services/data/v60.0/composite/batch",
        BatchLayer::salesforce,
        &["results"],
    ),
    (
        "/api/now/v1/batch",
        BatchLayer::servicenow,
        &["serviced_requests", "unserviced_requests"],
    ),
    ("/parse/batch", BatchLayer::parse, &[]),
    ("/v19.0/", BatchLayer::facebook, &[]),
    ("/scim/v2/Bulk", BatchLayer::scim, &["Operations"]),
    ("/api/core/v3/executeBatch", BatchLayer::jive, &[]),
];

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (path, layer, results) = input.dice.pick(&PRESETS);
    let layer = layer(path).concurrency(1 + input.dice.below(8));
    let content_type = input.text.unwrap_or(b"application/json");
    let headers = [("content-type", content_type)];
    let (exchange, calls) = exchange(layer, post(path, &headers, input.chunks()));
    let envelope: Value = serde_json::from_slice(&exchange.body).expect("JSON");
    if !exchange.status.is_success() {
        return assert_not_run(&exchange, &calls);
    }
    assert_eq!(exchange.header("cache-control"), Some("no-store"));
    let results: Vec<_> = match results {
        [] => envelope.as_array().expect("results").iter().collect(),
        names => {
            let arrays = names.iter().filter_map(|name| envelope[*name].as_array());
            arrays.flatten().collect()
        }
    };
    for (nth, call) in calls.iter().enumerate() {
        assert!(calls[..nth].iter().all(|other| other.index != call.index));
        // A batch that stops at a failure does not list what it has not run.
        assert!(call.total.is_some_and(|total| total >= results.len()));
        assert!(call.index < results.len());
    }
    // Members that a client chooses, such as ids, are not looked at.
    let echoes = results.iter().filter(|result| has_echo(result)).count();
    assert!(
        echoes <= calls.len(),
        "a result of an item that has not run"
    );
}

/// Whether a member of this result is a response of the inner service.
fn has_echo(result: &Value) -> bool {
    let Some(members) = result.as_object() else {
        return false;
    };
    let mut bodies = ["body", "result", "success", "response", "data"].into_iter();
    bodies.any(|name| match members.get(name) {
        Some(Value::Object(body)) => body.len() == 1 && body.contains_key("index"),
        Some(Value::String(body)) => body.starts_with(&echo(0)[..8]),
        _ => false,
    })
}
