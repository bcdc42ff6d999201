//! Any `Content-Type` and any `Accept`.

use http::StatusCode;
use tower_multistatus::{BatchLayer, MultiStatus, Multipart};

use crate::exchange::exchange;
use crate::input::{Input, split_at};
use crate::model::exchange::post;
use crate::oracle::assert_refused;

const READ: [&str; 6] = [
    "application/json",
    "application/x-ndjson",
    "application/jsonl",
    "application/ndjson",
    "multipart/mixed",
    "multipart/batch",
];

/// The first line is for the dice, the next one `Content-Type`, and the others are `Accept`.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (content_type, accept) = split_at(input.rest, b'\n');
    let mut headers = vec![("content-type", content_type)];
    if input.dice.one_in(2) {
        headers.push(("content-encoding", b"gzip"));
    }
    if !accept.is_empty() {
        headers.extend(
            accept
                .split(|byte| *byte == b'\n')
                .map(|value| ("accept", value)),
        );
    }
    let layer = BatchLayer::new("/batch")
        .format(Multipart::new())
        .format(MultiStatus::new());
    let envelope = b"{\"requests\":[]}";
    let request = post("/batch", &headers, vec![envelope[..].into()]);
    let accepted: Vec<_> = request
        .headers()
        .get_all("accept")
        .iter()
        .cloned()
        .collect();
    let has_type = request.headers().contains_key("content-type");
    let outcome = exchange(layer, request);
    let exchange = &outcome.0;
    let text = String::from_utf8_lossy(content_type).to_ascii_lowercase();
    let essence = text.split(';').next().unwrap_or_default();
    let is_read = has_type && READ.contains(&essence.trim_matches([' ', '\t']));
    if exchange.status != StatusCode::MULTI_STATUS {
        assert_refused(&outcome);
        if exchange.status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE {
            return assert!(accepted.len() > 900);
        }
        let is_unsupported = exchange.status == StatusCode::UNSUPPORTED_MEDIA_TYPE;
        assert_eq!(exchange.headers.contains_key("accept-post"), is_unsupported);
        return assert!(is_read || is_unsupported);
    }
    assert!(is_read, "a type that no format reads");
    assert_ne!(
        headers.get(1).map(|(name, _)| *name),
        Some("content-encoding")
    );
    let written = exchange.media_type();
    // A client that sends multipart means the items by `Accept`.
    if !essence.contains("multipart") && !accepted.is_empty() {
        let accepts = |value: &http::HeaderValue| {
            value.to_str().is_ok_and(|value| may_accept(value, written))
        };
        let none_is_text = accepted.iter().all(is_empty_or_unreadable);
        assert!(
            none_is_text || accepted.iter().any(accepts),
            "{written} is not accepted"
        );
    }
}

/// Whether a value of `Accept` names this type, or a range that it is in.
fn may_accept(accept: &str, written: &str) -> bool {
    let accept = accept.to_ascii_lowercase();
    let (kind, _) = written.split_once('/').expect("a type");
    // Every name of a format stands for what it writes, which is the first one.
    let names: &[&str] = match written {
        "application/x-ndjson" => &[
            "application/x-ndjson",
            "application/jsonl",
            "application/ndjson",
        ],
        "multipart/mixed" => &["multipart/mixed", "multipart/batch"],
        "application/xml" => &["application/xml", "text/xml"],
        _ => &["application/json"],
    };
    accept.contains("*/*")
        || accept.contains(&format!("{kind}/*"))
        || names.iter().any(|name| accept.contains(name))
}

/// Whether a value says nothing: it is not ASCII, or has only separators.
fn is_empty_or_unreadable(value: &http::HeaderValue) -> bool {
    // Separators in quoted strings do not separate. Such values are not looked at.
    let Some(text) = value.to_str().ok().filter(|text| !text.contains('"')) else {
        return true;
    };
    text.split(',').all(|range| {
        let essence = range.split(';').next().unwrap_or_default();
        essence.trim_matches([' ', '\t']).is_empty()
    })
}
