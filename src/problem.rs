//! Problem documents (RFC 9457).

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A problem document with the extension members of this crate.
#[derive(Serialize)]
pub(crate) struct Problem<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) title: &'a str,
    pub(crate) status: u16,
    pub(crate) code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<u64>,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(title: &'a str, status: StatusCode, code: &'a str) -> Self {
        Self {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail: None,
            limit: None,
            max: None,
            pointer: None,
            line: None,
            offset: None,
        }
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        // Strings and numbers always serialize.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}
