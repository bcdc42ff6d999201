//! The batch endpoint as an OpenAPI document.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};

use http::request::Parts;
use http::{Request, StatusCode};
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::format::{Format, Json, NdJson};
use crate::preferences::PREFER;
use crate::summary::Summary;

mod refusals;
mod schemas;

use schemas::reference;

/// A JSON object.
type Object = Map<String, Value>;

/// Returns the OpenAPI document of the batch endpoint.
pub(crate) fn document(config: &Config) -> Value {
    let mut path = Object::new();
    if config.describe {
        path.insert("get".to_owned(), get_operation());
    }
    path.insert("post".to_owned(), post_operation(config));
    let url = format!("{}{}", config.targets.mount, config.path);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Batch endpoint", "version": env!("CARGO_PKG_VERSION") },
        "paths": { url: path },
        "components": { "schemas": schemas::all(config) },
    })
}

fn get_operation() -> Value {
    json!({
        "summary": "Describe the batch endpoint",
        "responses": { "200": {
            "description": "The limits, formats and methods of the batch endpoint.",
            "content": { "application/json": { "schema": reference("BatchDescription") } },
        } },
    })
}

fn post_operation(config: &Config) -> Value {
    let mut responses = successes(config);
    responses.extend(refusals::responses(config));
    let mut text = "Runs each item of the envelope as a request of its own. \
                    One envelope has all responses."
        .to_owned();
    if config.when.is_some() {
        text += " The service decides which requests to this path are batches.";
    }
    json!({
        "summary": "Send a batch of requests",
        "description": text,
        "parameters": [{
            "name": PREFER.as_str(),
            "in": "header",
            "required": false,
            "description": "Preferences (RFC 7240): `continue-on-error`, `return=minimal`, `wait`.",
            "schema": { "type": "string" },
        }],
        "requestBody": { "required": true, "content": requests(config) },
        "responses": responses,
    })
}

/// The kinds of formats that the document distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Json,
    Lines,
    /// A format of which only the media types are known. It is not JSON, or not of this crate.
    Opaque,
}

impl Shape {
    fn of(format: &dyn Format) -> Self {
        let format: &dyn Any = format;
        if format.is::<Json>() {
            Self::Json
        } else if format.is::<NdJson>() {
            Self::Lines
        } else {
            Self::Opaque
        }
    }
}

/// The formats that read.
fn readers(config: &Config) -> impl Iterator<Item = &dyn Format> {
    let formats = config.formats.iter().map(AsRef::as_ref);
    let outer = plain_request();
    formats.filter(move |format: &&dyn Format| format.decoder(&outer, &config.limits).is_some())
}

/// The formats that write, each with the statuses that the outer response can have.
fn writers(config: &Config) -> impl Iterator<Item = (&dyn Format, BTreeSet<StatusCode>)> {
    let formats = config.formats.iter().map(AsRef::as_ref);
    formats.filter_map(move |format: &dyn Format| Some((format, statuses(config, format)?)))
}

/// The statuses that the outer response can have in a format that writes. A policy is a function of
/// the summary, so these are its results if all, some and none of the items succeed.
fn statuses(config: &Config, format: &dyn Format) -> Option<BTreeSet<StatusCode>> {
    let encoder = format.encoder(&plain_request())?;
    let is_streamed = config.streamed.unwrap_or_else(|| encoder.is_streamed());
    Some(match encoder.status() {
        Some(status) => BTreeSet::from([status]),
        None if is_streamed => BTreeSet::from([config.status.of(None)]),
        None => [&[true][..], &[true, false], &[false]]
            .map(|items| config.status.of(Some(&Summary::of(items))))
            .into(),
    })
}

fn plain_request() -> Parts {
    Request::new(()).into_parts().0
}

fn requests(config: &Config) -> Object {
    let mut content = Object::new();
    for format in readers(config) {
        for media_type in format.media_types() {
            let schema = match Shape::of(format) {
                Shape::Json => Some(reference("BatchRequest")),
                Shape::Lines => Some(json!({
                    "type": "string",
                    "description": "Lines, each a `BatchRequestItem`.",
                })),
                Shape::Opaque => text(media_type, Some(config.limits.max_envelope_bytes)),
            };
            content.insert((*media_type).to_owned(), media(schema));
        }
    }
    content
}

fn successes(config: &Config) -> BTreeMap<String, Value> {
    let mut contents = BTreeMap::<StatusCode, Object>::new();
    for (format, statuses) in writers(config) {
        for status in statuses {
            let content = contents.entry(status).or_default();
            for media_type in format.media_types() {
                let schema = match Shape::of(format) {
                    Shape::Json => Some(reference("BatchResponse")),
                    Shape::Lines => Some(json!({
                        "type": "string",
                        "description":
                            "Lines, each a `BatchResponseLine`. The last one is the summary.",
                    })),
                    Shape::Opaque => text(media_type, None),
                };
                content.insert((*media_type).to_owned(), media(schema));
            }
        }
    }
    let response = |(status, content): (StatusCode, Object)| {
        let response = json!({
            "description": "The responses to all items, each with a status of its own.",
            "headers": { "Retry-After": {
                "description": "Seconds: the largest `Retry-After` of the items with 429 or 503.",
                "schema": { "type": "integer", "minimum": 0 },
            } },
            "content": content,
        });
        (status.as_str().to_owned(), response)
    };
    contents.into_iter().map(response).collect()
}

/// The schema of an envelope that is text of at most `max` bytes. There is none for JSON of an
/// unknown kind.
fn text(media_type: &str, max: Option<usize>) -> Option<Value> {
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    let schema = || match max {
        // A character takes at least one byte.
        Some(max) => json!({ "type": "string", "maxLength": max }),
        None => json!({ "type": "string" }),
    };
    (!is_json).then(schema)
}

fn media(schema: Option<Value>) -> Value {
    match schema {
        Some(schema) => json!({ "schema": schema }),
        None => json!({}),
    }
}
