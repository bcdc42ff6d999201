//! The response to a refused batch.

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use crate::content_length::content_length;
use crate::error::Error;
use crate::problem::PROBLEM_JSON;
use crate::trace;

/// The response that refuses the batch.
pub(crate) fn refusal<B: From<Bytes>>(error: Error) -> Response<B> {
    trace::refused(&error);
    let status = error.kind.status();
    let body = error.problem_document();
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
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(header::CONTENT_LENGTH, content_length(length));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
