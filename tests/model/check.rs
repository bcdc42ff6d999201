//! Runs a batch, and compares what becomes of it with what must.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets};

use super::batch::{Batch, ITEM_TIMEOUT, MAX_BODY, MAX_RESPONSE, PATH, Wire};
use super::exchange::{Exchange, run, send};
use super::predict::{Prediction, predict};
use super::read::{Response, lines, responses};
use super::requests::Dispatched;
use super::responses::Outcome;
use super::service::Scripted;
use super::write::{envelope, request};

/// Runs a batch. Panics if something other than the prediction becomes of it.
pub(crate) fn check(batch: &Batch) {
    check_envelope(batch, &envelope(batch));
}

/// Runs a batch that has this envelope.
pub(crate) fn check_envelope(batch: &Batch, envelope: &[u8]) {
    let prediction = predict(batch);
    let (exchange, calls) = outcome(batch, envelope);
    let items = prediction.items.iter().enumerate();
    let expected = items.filter_map(|(index, item)| Some((index, item.dispatched.clone()?)));
    assert_eq!(calls, expected.collect::<Vec<_>>(), "what was dispatched");
    if prediction.refusal.is_empty() || batch.wire == Wire::Stream {
        assert_accepted(batch, &prediction, &exchange);
    } else {
        let code = code_of_refusal(&exchange);
        assert!(
            prediction.refusal.contains(&*code),
            "{code}, not {:?}",
            prediction.refusal
        );
    }
}

/// The response to this envelope, and the requests that were dispatched, in the order of their
/// items.
pub(crate) fn outcome(batch: &Batch, envelope: &[u8]) -> (Exchange, Vec<(usize, Dispatched)>) {
    let scripts = batch.items.iter().map(|item| item.script.clone());
    let service = Scripted::new(scripts.collect(), batch.readiness.clone());
    let log = service.log();
    let exchange = run(send(layer(batch).layer(service), request(batch, envelope)));
    assert_eq!(log.alive(), 0, "something lives on");
    assert_eq!(exchange.header("cache-control"), Some("no-store"));
    let mut calls = log.calls();
    calls.sort_by_key(|(index, _)| *index);
    (exchange, calls)
}

/// The code of the problem document of a refusal.
pub(crate) fn code_of_refusal(exchange: &Exchange) -> String {
    assert!(exchange.status.is_client_error() || exchange.status.is_server_error());
    assert_eq!(exchange.media_type(), "application/problem+json");
    let problem: Value = serde_json::from_slice(&exchange.body).expect("JSON");
    assert_eq!(problem["status"], exchange.status.as_u16());
    problem["code"].as_str().expect("a code").to_owned()
}

fn layer(batch: &Batch) -> BatchLayer {
    let settings = &batch.settings;
    let layer = BatchLayer::new(PATH)
        .concurrency(settings.concurrency)
        .max_items(settings.max_items)
        .max_streamed_items(settings.max_items)
        .max_item_body_bytes(MAX_BODY)
        .max_response_bytes(MAX_RESPONSE)
        .item_timeout(ITEM_TIMEOUT)
        .batch_timeout(None)
        .idle_timeout(None)
        .continue_on_error(settings.continues);
    let layer = layer.format(tower_multistatus::Multipart::new());
    match settings.runs_groups {
        true => layer.change_sets(ChangeSets::best_effort()),
        false => layer,
    }
}

fn assert_accepted(batch: &Batch, prediction: &Prediction, exchange: &Exchange) {
    assert_eq!(exchange.status, StatusCode::MULTI_STATUS);
    let mut responses = responses(exchange);
    let count = prediction.items.len();
    assert_eq!(responses.len(), count);
    let has_lines = matches!(batch.wire, Wire::Stream | Wire::JsonToLines);
    if has_lines {
        assert_summary(prediction, exchange);
        // They are in the order of completion.
        let position = |response: &Response| {
            batch
                .items
                .iter()
                .position(|item| Some(&item.id) == response.id.as_ref())
        };
        responses.sort_by_key(position);
    }
    let mut retry_after = None;
    for ((item, predicted), response) in batch.items.iter().zip(&prediction.items).zip(&responses) {
        assert_eq!(response.id.as_ref(), Some(&item.id));
        let is_head = item.method.eq_ignore_ascii_case("HEAD");
        assert_response(batch, &predicted.outcome, response, is_head);
        if let Outcome::Response {
            status: 429 | 503,
            headers,
            ..
        } = &predicted.outcome
        {
            let seconds = headers
                .get("retry-after")
                .and_then(|values| values[0].parse().ok());
            retry_after = retry_after.max(seconds);
        }
    }
    let retry_after = retry_after
        .filter(|_| !has_lines)
        .map(|seconds: u64| seconds.to_string());
    assert_eq!(exchange.header("retry-after"), retry_after.as_deref());
}

fn assert_summary(prediction: &Prediction, exchange: &Exchange) {
    let (_, summary) = lines(&exchange.body);
    let succeeded = prediction
        .items
        .iter()
        .filter(|item| item.outcome.is_success())
        .count();
    assert_eq!(summary["total"], prediction.items.len());
    assert_eq!(summary["succeeded"], succeeded);
    assert_eq!(summary["failed"], prediction.items.len() - succeeded);
    match summary["error"]["code"].as_str() {
        Some(code) => assert!(prediction.refusal.contains(code), "{code}"),
        None => assert!(prediction.refusal.is_empty(), "{:?}", prediction.refusal),
    }
}

fn assert_response(batch: &Batch, expected: &Outcome, response: &Response, is_head: bool) {
    let shown = format!("item {:?}", response.id);
    match expected {
        Outcome::Failure((status, code)) => {
            assert_eq!(response.status, *status, "{shown}, {code}");
            let found = response.json()["code"].take();
            // Items that wait for one that has failed may be stopped before they are lost.
            let is_either = *status == 424 && !batch.settings.continues;
            assert!(
                is_head || found == *code || is_either,
                "{shown}: {found}, not {code}"
            );
        }
        Outcome::Response {
            status,
            headers,
            body,
        } => {
            assert_eq!(response.status, *status, "{shown}");
            let found = response.body.as_deref().unwrap_or_default();
            // In JSON, an empty body is `null`.
            let is_same = found == body || body.is_empty() && found == b"null";
            assert!(is_same, "{shown}: {} is not the body", found.escape_ascii());
            let joined = headers
                .iter()
                .map(|(name, values)| (name.clone(), values.join(", ")));
            assert_eq!(joined_headers(response), joined.collect(), "{shown}");
        }
    }
}

fn joined_headers(response: &Response) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in &response.headers {
        let known = joined.entry(name.to_ascii_lowercase()).or_default();
        if !known.is_empty() {
            known.push_str(", ");
        }
        known.push_str(value);
    }
    joined
}
