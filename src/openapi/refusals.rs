//! The refusals of a batch by status, each with the document that a client gets.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Object, reference};
use crate::config::Config;
use crate::error::{Error, ErrorKind};

pub(super) fn responses(config: &Config) -> BTreeMap<String, Value> {
    let mut examples = BTreeMap::<StatusCode, Object>::new();
    for refusal in refusals(config) {
        let kind = refusal.kind();
        // This cannot fail, because the layer has written the document.
        let document: Value =
            serde_json::from_slice(&refusal.problem_document()).unwrap_or_default();
        let example = json!({ "summary": refusal.to_string(), "value": document });
        let of_status = examples.entry(kind.status()).or_default();
        of_status.insert(kind.code().to_owned(), example);
    }
    let responses = examples.into_iter().map(|(status, examples)| {
        let response = refused(status, examples);
        (status.as_str().to_owned(), response)
    });
    let mut responses: BTreeMap<_, _> = responses.collect();
    if config.admit.is_some() {
        let problem = json!({ "schema": reference("BatchProblem") });
        let response = json!({
            "description": "The batch was not admitted. No item was dispatched.",
            "content": { "application/problem+json": problem },
        });
        responses.insert("default".to_owned(), response);
    }
    responses
}

fn refused(status: StatusCode, examples: Object) -> Value {
    let headers = match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => json!({ "Accept-Post": {
            "description": "The media types that a batch can have.",
            "schema": { "type": "string" },
        } }),
        _ => json!({}),
    };
    json!({
        "description": "The batch is refused. No item was dispatched.",
        "headers": headers,
        "content": { "application/problem+json": {
            "schema": reference("BatchProblem"),
            "examples": examples,
        } },
    })
}

fn refusals(config: &Config) -> Vec<Error> {
    let limits = &config.limits;
    let mut refusals = vec![
        Error::new(ErrorKind::Malformed),
        Error::new(ErrorKind::DuplicateId).at_item(1),
        Error::new(ErrorKind::UnknownDependency).at_item(1),
        Error::new(ErrorKind::NotAcceptable),
        Error::over(ErrorKind::TooManyItems, "max_items", limits.max_items),
        Error::over(
            ErrorKind::EnvelopeTooLarge,
            "max_envelope_bytes",
            limits.max_envelope_bytes,
        ),
        Error::new(ErrorKind::UnsupportedMediaType),
        Error::new(ErrorKind::Panicked),
        Error::new(ErrorKind::UnsupportedAtomicity).at_item(1),
        Error::new(ErrorKind::NestedBatch),
        Error::new(ErrorKind::TooManyHeaders),
        Error::new(ErrorKind::UploadFailed),
    ];
    if cfg!(feature = "timeout") {
        refusals.push(Error::new(ErrorKind::UploadTimeout));
        if config.admit.is_some() {
            refusals.push(Error::new(ErrorKind::AdmissionTimeout));
        }
    }
    refusals
}
