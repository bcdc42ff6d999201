//! Turns the result of a call into the response of the item.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, StatusCode, request};

use super::call::{CallError, Unsent};
use crate::item_error::ItemError;
use crate::panics::catch;
use crate::policy;
use crate::rules::Rules;
use crate::subrequest::Subrequest;
use crate::subresponse::{Subresponse, error_response, is_success};
use crate::trace::{ItemSpan, item_failed};

/// The response of an item, and the cookies to set on the outer response.
pub(super) struct ItemResponse {
    pub(super) subresponse: Subresponse,
    pub(super) cookies: Vec<HeaderValue>,
}

impl ItemResponse {
    /// Creates a response from that of the inner service.
    #[inline(always)]
    pub(super) fn from_inner(
        rules: &Rules,
        index: usize,
        item: &mut Subrequest,
        mut parts: Parts,
        mut body: Bytes,
    ) -> Self {
        if !parts.extensions.is_empty() {
            keep_route(item, &mut parts.extensions);
        }
        let cookies = policy::filter_response_headers(&mut parts.headers, rules.config.set_cookie);
        if rules.is_minimal && is_success(parts.status) {
            body = Bytes::new();
        }
        let subresponse = subresponse(rules, index, item, (parts.status, parts.headers, body));
        Self {
            subresponse,
            cookies,
        }
    }

    /// Creates a response from an error.
    pub(super) fn from_error(
        rules: &Rules,
        index: usize,
        item: &mut Subrequest,
        error: ItemError,
    ) -> Self {
        let is_head = item.method() == Some(&Method::HEAD);
        let (status, mut headers, body) = error_response(error, rules.config.item_errors, is_head);
        let extras = item.extras.as_mut();
        let mut cookies = Vec::new();
        if let Some(mut given) = extras.and_then(|extras| extras.rejection_headers.take()) {
            given.remove(CONTENT_TYPE);
            given.remove(CONTENT_LENGTH);
            cookies = policy::filter_response_headers(&mut given, rules.config.set_cookie);
            headers.extend(*given);
        }
        let mut subresponse = subresponse(rules, index, item, (status, headers, body));
        subresponse.error = Some(error);
        Self {
            subresponse,
            cookies,
        }
    }
}

#[cold]
fn keep_route(item: &mut Subrequest, extensions: &mut Extensions) {
    if let Some(times) = item.times_mut() {
        times.route = extensions.remove();
    }
}

#[inline(always)]
fn subresponse(
    rules: &Rules,
    index: usize,
    item: &mut Subrequest,
    (status, headers, body): (StatusCode, HeaderMap, Bytes),
) -> Subresponse {
    Subresponse {
        is_head: item.method() == Some(&Method::HEAD),
        is_committed: false,
        id: std::mem::take(&mut item.id),
        url: std::mem::take(&mut item.url),
        index,
        status,
        headers,
        body,
        extras: item.extras.take(),
        error: None,
        error_style: rules.config.item_errors,
    }
}

/// The data of an item that the layer stores while the inner service runs.
#[derive(Debug, Default)]
pub(super) struct ItemContext {
    pub(super) span: ItemSpan,
    /// The head of the dispatched request, if `map_error` needs it.
    pub(super) parts: Option<Box<request::Parts>>,
}

impl ItemContext {
    pub(super) fn new<B>(rules: &Rules, request: &Unsent<B>, span: ItemSpan) -> Self {
        let is_wanted = rules.config.map_error.is_some();
        let request = request.get().filter(|_| is_wanted);
        Self {
            span,
            parts: request.map(|request| Box::new(copy_parts(request))),
        }
    }
}

impl From<ItemSpan> for ItemContext {
    fn from(span: ItemSpan) -> Self {
        Self { span, parts: None }
    }
}

/// Copies the head of a request without its extensions.
fn copy_parts<B>(request: &Request<B>) -> request::Parts {
    let mut copy = Request::new(());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    copy.into_parts().0
}

/// Turns the error of a call into that of the item, and logs it. The inner error's own text goes to
/// the log only.
pub(super) fn item_error_of(
    rules: &Rules,
    failure: CallError,
    item: Option<&request::Parts>,
) -> ItemError {
    let (cause, error) = match failure {
        CallError::Item(error) | CallError::NotSent(error) => {
            item_failed(error, None);
            return error;
        }
        CallError::NotReady(cause) => (cause, ItemError::NotReady),
        CallError::Failed(cause) => (cause, ItemError::CallFailed),
    };
    let error = match (&rules.config.map_error, item) {
        (Some(map_error), Some(item)) => match catch(|| map_error(&**cause, item)) {
            Some(Some(status)) if !status.is_informational() => ItemError::MappedError(status),
            Some(_) => error,
            None => ItemError::Panicked,
        },
        _ => error,
    };
    item_failed(error, Some(&**cause));
    error
}
