//! The response to a refused batch.

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use crate::content_length::content_length;
use crate::error::Error;
use crate::problem::{PROBLEM_JSON, Problem};
use crate::status::has_no_body;
use crate::trace;

/// The problem document. It is empty if the status does not allow a body.
pub(crate) fn document(error: &Error) -> Bytes {
    let status = error.kind.status();
    if has_no_body(status) {
        return Bytes::new();
    }
    let problem = Problem {
        limit: error.limit.map(|(name, _)| name),
        max: error.limit.map(|(_, max)| max),
        detail: error.detail,
        pointer: error.item.map(|index| format!("#/requests/{index}")),
        offset: error.offset.filter(|_| error.item.is_none()),
        ..Problem::new(error.kind.title(), status, error.kind.code())
    };
    problem.to_bytes()
}

/// The response that refuses the batch.
pub(crate) fn refusal<B: From<Bytes>>(error: Error) -> Response<B> {
    trace::refused(&error);
    let status = error.kind.status();
    let body = document(&error);
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
