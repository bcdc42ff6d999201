//! The response to a refused batch.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, header};

use crate::config::Config;
use crate::content_length::content_length;
use crate::error::Error;
use crate::format::Format;
use crate::media_type::MediaType;
use crate::problem::PROBLEM_JSON;
use crate::status::has_no_body;
use crate::trace;
use crate::watch::Watch;

/// The response that refuses the batch: a problem document, unless clients of the format that the
/// batch is in need another one.
#[cold]
pub(crate) fn refusal<B: From<Bytes>>(
    config: &Config,
    outer: &Parts,
    watch: Option<Box<Watch>>,
    error: Error,
) -> Response<B> {
    trace::refused(&error);
    let status = error.kind.status();
    if let Some(mut watch) = watch {
        watch.refuse(&error, status);
    }
    let problem = || (PROBLEM_JSON, error.problem_document());
    let (content_type, body) = match format_of(config, outer).and_then(|one| one.refusal(&error)) {
        Some(refusal) if !has_no_body(status) => refusal,
        _ => problem(),
    };
    let length = body.len();
    let mut response = Response::new(B::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(extra) = error.headers {
        *headers = *extra;
        headers.remove(header::CONTENT_TYPE);
        headers.remove(header::CONTENT_LENGTH);
    }
    if length > 0 {
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::CONTENT_LENGTH, content_length(length));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// The format that the request names, else the first one of the layer.
fn format_of<'a>(config: &'a Config, outer: &Parts) -> Option<&'a dyn Format> {
    let content_type = outer.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let named = MediaType::parse(content_type.unwrap_or_default());
    let mut formats = config.formats.iter();
    let is_named = |format: &&Arc<dyn Format>| {
        let mut names = format.media_types().iter();
        names.any(|name| named.is(name))
    };
    let format = formats.find(is_named).or(config.formats.first());
    format.map(Arc::as_ref)
}
