//! The schemas of envelopes and items, in the subset of JSON Schema that client generators
//! understand.

use http::Method;
use serde_json::{Value, json};

use super::{Object, Shape, readers, writers};
use crate::config::Config;
use crate::subrequest::{MAX_ID, METHODS};
use crate::target::MAX_TARGET;

/// The schema that the documentation of `BatchLayer::describe` shows.
const DESCRIPTION: &str = include_str!("description.json");

/// The types of any JSON. utoipa cannot read a schema without a type.
const ANYTHING: [&str; 6] = ["object", "array", "string", "number", "boolean", "null"];

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// All schemas that the formats of the layer need.
pub(super) fn all(config: &Config) -> Object {
    let reads = |shape| readers(config).any(|format| Shape::of(format) == shape);
    let (reads_json, reads_lines) = (reads(Shape::Json), reads(Shape::Lines));
    let writes = |shape| writers(config).any(|(format, _)| Shape::of(format) == shape);
    let (writes_json, writes_lines) = (writes(Shape::Json), writes(Shape::Lines));
    let mut schemas = Object::new();
    let mut add = |name: &str, schema| schemas.insert(name.to_owned(), schema);
    add("BatchProblem", problem());
    if reads_json {
        add("BatchRequest", request(config));
    }
    if reads_json || reads_lines {
        add("BatchRequestItem", request_item(config));
    }
    if writes_json {
        add("BatchResponse", response(config));
    }
    if writes_json || writes_lines {
        add("BatchResponseItem", response_item());
    }
    if reads_json || reads_lines || writes_json || writes_lines {
        add("BatchHeaderValue", header_value());
    }
    if writes_lines {
        add("BatchResponseLine", response_line());
        add("BatchResponseSummary", summary());
    }
    if config.describe {
        // This cannot fail: a test parses the same text.
        add(
            "BatchDescription",
            serde_json::from_str(DESCRIPTION).unwrap_or_default(),
        );
    }
    schemas
}

fn request(config: &Config) -> Value {
    let max = config.limits.max_envelope_bytes;
    json!({
        "type": "object",
        "description": format!("A batch. Maximum {max} bytes of JSON."),
        "properties": { "requests": {
            "type": "array",
            "items": reference("BatchRequestItem"),
            "maxItems": config.limits.max_items,
        } },
        "required": ["requests"],
    })
}

fn request_item(config: &Config) -> Value {
    let methods = METHODS.iter().chain(&config.methods).map(Method::as_str);
    let max = config.limits.max_item_body_bytes;
    json!({
        "type": "object",
        "description": "One request of a batch.",
        "properties": {
            "id": {
                "type": "string",
                "description": "The name of the item, unique in the batch.",
                "minLength": 1,
                "maxLength": MAX_ID,
                "pattern": r"^[^\x00-\x1f\x7f-\x9f]+$",
            },
            "method": { "type": "string", "enum": methods.collect::<Vec<_>>() },
            "url": {
                "type": "string",
                "description": format!(
                    "A path and query. Without a leading slash, it is relative to `{}`.",
                    config.targets.base
                ),
                "minLength": 1,
                "maxLength": MAX_TARGET,
            },
            "headers": request_headers(config),
            "body": {
                "type": ANYTHING,
                "description": format!(
                    "JSON as it is, or a string: text for `text/*`, base64 for other types. \
                     Maximum {max} bytes, decoded."
                ),
            },
            "dependsOn": {
                "type": ["array", "null"],
                "description": "Ids of earlier items. All must succeed before this item runs.",
                "items": { "type": "string" },
            },
            "atomicityGroup": if config.change_sets.are_allowed() {
                json!({
                    "type": ["string", "null"],
                    "description": "Items of one group run in order, up to the first that fails.",
                })
            } else {
                json!({ "type": "null", "description": "A batch with groups is refused." })
            },
            "if": { "type": "null", "description": "A batch with conditions is refused." },
        },
        "required": ["id", "method", "url"],
    })
}

fn request_headers(config: &Config) -> Value {
    let named = config.item_headers.allowed().iter();
    let named: Object = named
        .filter(|name| !name.contains('*'))
        .map(|name| (name.clone(), reference("BatchHeaderValue")))
        .collect();
    json!({
        "type": ["object", "null"],
        "description": "Names in any case. Headers that an item may not have are ignored.",
        "properties": named,
        "additionalProperties": reference("BatchHeaderValue"),
    })
}

fn header_value() -> Value {
    json!({
        "description": "One value of a header, or several.",
        "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
    })
}

fn response(config: &Config) -> Value {
    json!({
        "type": "object",
        "description": "The responses to a batch.",
        "properties": { "responses": {
            "type": "array",
            "items": reference("BatchResponseItem"),
            "maxItems": config.limits.max_items,
        } },
        "required": ["responses"],
    })
}

fn response_item() -> Value {
    json!({
        "type": "object",
        "description": "The response to one item.",
        "properties": {
            "id": { "type": "string", "description": "The id of the item." },
            "status": { "type": "integer", "minimum": 200, "maximum": 999 },
            "headers": {
                "type": "object",
                "additionalProperties": reference("BatchHeaderValue"),
            },
            "body": {
                "type": ANYTHING,
                "description":
                    "JSON as it is, or a string of text or base64. `null` if empty.",
            },
            "encoding": {
                "type": "string",
                "description": "How `body` is encoded, if it is neither JSON nor text.",
                "enum": ["base64", "base64url"],
            },
        },
        "required": ["id", "status", "headers", "body"],
    })
}

fn response_line() -> Value {
    json!({ "oneOf": [reference("BatchResponseItem"), reference("BatchResponseSummary")] })
}

fn summary() -> Value {
    let count = json!({ "type": "integer", "minimum": 0 });
    json!({
        "type": "object",
        "description": "The last line. Without it, the response was cut off.",
        "properties": { "summary": {
            "type": "object",
            "properties": {
                "total": count, "succeeded": count, "failed": count,
                "error": reference("BatchProblem"),
            },
            "required": ["total", "succeeded", "failed"],
        } },
        "required": ["summary"],
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Why a batch is refused, or an item failed (RFC 9457).",
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 999 },
            "code": { "type": "string", "description": "The reason, as a stable name." },
            "limit": { "type": "string", "description": "The limit that was exceeded." },
            "max": { "type": "integer", "minimum": 0, "description": "The value of that limit." },
            "detail": { "type": "string", "description": "The error, in a fixed phrase." },
            "line": {
                "type": "integer",
                "minimum": 1,
                "description": "The line of the envelope with the error.",
            },
            "pointer": {
                "type": "string",
                "description": "The item with the error, such as `#/requests/3`.",
            },
            "offset": {
                "type": "integer",
                "minimum": 0,
                "description": "The number of bytes before the error in the envelope.",
            },
        },
        "required": ["type", "title", "status", "code"],
    })
}
