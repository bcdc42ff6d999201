//! Any bytes as an envelope of another API.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tower_multistatus::BatchLayer;

use crate::exchange::exchange;
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
    let mut indices = HashSet::new();
    for call in &calls {
        assert!(indices.insert(call.index), "dispatched twice");
        // A batch that stops at a failure does not list what it has not run.
        assert!(call.total.is_some_and(|total| total >= results.len()));
    }
    let echoes: Vec<_> = results.iter().filter_map(|result| echoed(result)).collect();
    for (nth, index) in echoes.iter().enumerate() {
        assert!(
            indices.contains(index),
            "a result of an item that has not run"
        );
        assert!(!echoes[..nth].contains(index), "a response occurs twice");
    }
    // Facebook and SCIM can leave out the bodies of successes.
    let leaves_out = path.starts_with("/v19") || path.starts_with("/scim");
    for call in calls.iter().filter(|call| !call.is_head && !leaves_out) {
        assert!(
            echoes.contains(&call.index),
            "no result of item {}",
            call.index
        );
    }
}

/// The index in the response of the inner service, if the result has it as a body.
fn echoed(result: &Value) -> Option<usize> {
    let members = result.as_object()?;
    let mut bodies = ["body", "result", "success", "response", "data"].into_iter();
    bodies.find_map(|name| {
        let body = match members.get(name)? {
            Value::String(text) => {
                let decoded = STANDARD.decode(text).ok();
                let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
                serde_json::from_str(&decoded.unwrap_or_else(|| text.clone())).ok()?
            }
            body => body.clone(),
        };
        let index = body["index"].as_u64()? as usize;
        (body == serde_json::json!({ "index": index })).then_some(index)
    })
}
