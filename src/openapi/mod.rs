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

pub(crate) fn document(config: &Config) -> Value {
    let mut path = Object::new();
    if config.describe {
        path.insert("get".to_owned(), description());
    }
    path.insert("post".to_owned(), batch(config));
    let url = format!("{}{}", config.targets.mount, config.path);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Batch endpoint", "version": env!("CARGO_PKG_VERSION") },
        "paths": { url: path },
        "components": { "schemas": schemas::all(config) },
    })
}

fn description() -> Value {
    json!({
        "summary": "Describe the batch endpoint",
        "responses": { "200": {
            "description": "The limits, formats and methods of the batch endpoint.",
            "content": { "application/json": { "schema": reference("BatchDescription") } },
        } },
    })
}

fn batch(config: &Config) -> Value {
    let mut responses = successes(config);
    responses.extend(refusals::responses(config));
    let mut text = "Runs every item of the envelope as a request of its own. \
                    All responses come in one envelope."
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

/// How the envelopes of a format are described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Json,
    Lines,
    /// By media type alone: its bytes are no JSON, or a user's own.
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

/// A policy is a function of the summary. What it can give is what it gives when all, some and none
/// of the items succeed.
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
                _ => text(media_type, Some(config.limits.max_envelope_bytes)),
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
                        "description": "Lines, each a `BatchResponseLine`; the summary is last.",
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
                "description": "The largest of the items that were refused for load, in seconds.",
                "schema": { "type": "integer", "minimum": 0 },
            } },
            "content": content,
        });
        (status.as_str().to_owned(), response)
    };
    contents.into_iter().map(response).collect()
}

/// Text of at most so many bytes, unless it is JSON that nothing is known of.
fn text(media_type: &str, max: Option<usize>) -> Option<Value> {
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    let schema = || match max {
        // A character takes a byte at least.
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
