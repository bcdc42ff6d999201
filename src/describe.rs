//! The description of a batch endpoint: the response to a `GET` of the batch path, and to `OPTIONS`
//! for the formats that have one.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response};
use serde::Serialize;

use crate::config::Config;
use crate::content_length::content_length;
use crate::subrequest::METHODS;

#[derive(Serialize)]
struct Description<'a> {
    limits: Limits,
    formats: Vec<Format<'a>>,
    methods: Vec<&'a str>,
    headers: Vec<&'a str>,
    protected_headers: Vec<&'a str>,
    inherited_extensions: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    item_request_ids: Option<&'a str>,
}

#[derive(Serialize)]
struct Limits {
    max_items: usize,
    max_streamed_items: usize,
    max_remembered_ids: usize,
    max_envelope_bytes: usize,
    max_item_body_bytes: usize,
    max_response_bytes: usize,
    max_total_response_bytes: usize,
    concurrency: usize,
    item_timeout_seconds: Option<f64>,
    batch_timeout_seconds: Option<f64>,
    idle_timeout_seconds: Option<f64>,
}

#[derive(Serialize)]
struct Format<'a> {
    media_types: &'a [&'a str],
    reads: bool,
    writes: bool,
}

pub(crate) fn describe<B: From<Bytes>>(config: &Config, outer: &Parts) -> Response<B> {
    let limits = &config.limits;
    let description = Description {
        limits: Limits {
            max_items: limits.max_items,
            max_streamed_items: config.max_streamed_items,
            max_remembered_ids: config.max_remembered_ids,
            max_envelope_bytes: limits.max_envelope_bytes,
            max_item_body_bytes: limits.max_item_body_bytes,
            max_response_bytes: limits.max_response_bytes,
            max_total_response_bytes: limits.max_total_response_bytes,
            concurrency: config.concurrency,
            item_timeout_seconds: config.item_timeout.as_ref().map(Duration::as_secs_f64),
            batch_timeout_seconds: config.batch_timeout.as_ref().map(Duration::as_secs_f64),
            idle_timeout_seconds: config.idle_timeout.as_ref().map(Duration::as_secs_f64),
        },
        formats: config
            .formats
            .iter()
            .map(|format| Format {
                media_types: format.media_types(),
                reads: format.decoder(outer, limits).is_some(),
                writes: format.encoder(outer).is_some(),
            })
            .collect(),
        methods: METHODS
            .iter()
            .chain(&config.methods)
            .map(Method::as_str)
            .collect(),
        headers: config.item_headers.accepted_names(),
        protected_headers: config.item_headers.protected(),
        inherited_extensions: config.extensions.names(),
        item_request_ids: config.request_ids.as_ref().map(HeaderName::as_str),
    };
    // Strings, numbers and booleans always serialize.
    json_response(serde_json::to_vec(&description).unwrap_or_default().into())
}

/// Returns the response to OPTIONS if a format has one. A CORS preflight is not for the layer.
pub(crate) fn options<B: From<Bytes>>(config: &Config, outer: &Parts) -> Option<Response<B>> {
    if outer.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut formats = config.formats.iter();
    let document = formats.find_map(|format| format.options(&config.limits))?;
    Some(json_response(document))
}

fn json_response<B: From<Bytes>>(body: Bytes) -> Response<B> {
    let length = content_length(body.len());
    let mut response = Response::new(B::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
