//! The refusals of a batch by status, each with the document that a client gets.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Object, reference};
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::problem::PROBLEM_JSON;

/// Examples of documents by their codes, by media type.
type Contents = BTreeMap<String, Object>;

pub(super) fn responses(config: &Config) -> BTreeMap<String, Value> {
    let mut statuses = BTreeMap::<StatusCode, Contents>::new();
    for refusal in refusals(config) {
        let kind = refusal.kind();
        let contents = statuses.entry(kind.status()).or_default();
        for (media_type, document) in documents(config, &refusal) {
            // This cannot fail, because the layer has written the document.
            let document: Value = serde_json::from_slice(&document).unwrap_or_default();
            let example = json!({ "summary": refusal.to_string(), "value": document });
            let examples = contents.entry(media_type).or_default();
            examples.insert(kind.code().to_owned(), example);
        }
    }
    let responses = statuses.into_iter().map(|(status, contents)| {
        let response = refused(status, contents);
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

/// The documents of a refusal with their types: those of formats that write their own, and a
/// problem document for any other.
fn documents(config: &Config, refusal: &Error) -> BTreeMap<String, Bytes> {
    let problem = || (PROBLEM_JSON, refusal.problem_document());
    let of_formats = config.formats.iter().map(|format| format.refusal(refusal));
    let documents = of_formats.map(|document| document.unwrap_or_else(problem));
    let named = documents.filter_map(|(media_type, document)| {
        let media_type = media_type.to_str().ok()?.to_owned();
        Some((media_type, document))
    });
    named.collect()
}

fn refused(status: StatusCode, contents: Contents) -> Value {
    let headers = match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => json!({ "Accept-Post": {
            "description": "The media types that a batch can have.",
            "schema": { "type": "string" },
        } }),
        _ => json!({}),
    };
    let content = contents.into_iter().map(|(media_type, examples)| {
        let content = match PROBLEM_JSON == media_type {
            true => json!({ "schema": reference("BatchProblem"), "examples": examples }),
            false => json!({ "examples": examples }),
        };
        (media_type, content)
    });
    json!({
        "description": "The batch is refused. No item was dispatched.",
        "headers": headers,
        "content": content.collect::<Object>(),
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
    if refuses_other_sites(config) {
        refusals.push(Error::new(ErrorKind::CrossSite));
    }
    if cfg!(feature = "timeout") {
        refusals.push(Error::new(ErrorKind::UploadTimeout));
        if config.admit.is_some() {
            refusals.push(Error::new(ErrorKind::AdmissionTimeout));
        }
    }
    refusals
}

/// Whether a format refuses envelopes of one of its types that come from another site.
fn refuses_other_sites(config: &Config) -> bool {
    config.formats.iter().any(|format| {
        format.media_types().iter().any(|media_type| {
            let request = Request::post("/")
                .header(CONTENT_TYPE, *media_type)
                .header("sec-fetch-site", "cross-site");
            let Ok(request) = request.body(()) else {
                return false;
            };
            let decoder = format.decoder(&request.into_parts().0, &config.limits);
            matches!(decoder, Some(Err(error)) if error.kind() == ErrorKind::CrossSite)
        })
    })
}
