//! The shapes of well-known APIs.

use serde_json::Value;

use super::shape::ItemResult;

mod facebook;
mod jive;
mod kinto;
mod parse;
mod plain;
mod salesforce;
mod scim;
mod servicenow;
mod wordpress;

/// What an error is called: the title of one of the layer's own, or the reason of its status.
fn title(result: &ItemResult<'_>) -> &'static str {
    let reason = result.status.canonical_reason();
    result.title.or(reason).unwrap_or("the item failed")
}

/// Whether the body is a JSON object with one of these members.
fn has_member(body: &[u8], names: &[&str]) -> bool {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => names.iter().any(|name| members.contains_key(*name)),
        _ => false,
    }
}
