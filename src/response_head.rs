//! The head of the outer response.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Body;

use crate::body::Envelope;
use crate::config::Config;
use crate::content_length::content_length;
use crate::engine::{BatchResponse, BufferedResponse, Inner};
use crate::format::Encoder;
use crate::policy::without_overwritten;
use crate::preferences::Preferences;
use crate::status::has_no_body;
use crate::summary::Summary;

/// The headers of every response. The length is first and the type is second, so that they are
/// found without a search.
static BASE_HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
});

/// The head as far as it is known before any item has run.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    config: Arc<Config>,
    headers: HeaderMap,
}

impl ResponseHead {
    pub(crate) fn new(config: &Arc<Config>, preferences: &Preferences, outer: &HeaderMap) -> Self {
        let mut headers = BASE_HEADERS.clone();
        if let Some(applied) = preferences.applied() {
            headers.insert("preference-applied", applied);
        }
        for name in &config.echoed {
            if let Some(value) = outer.get(name) {
                headers.insert(name, value.clone());
            }
        }
        Self {
            config: Arc::clone(config),
            headers,
        }
    }

    pub(crate) fn streamed<S, B>(self, mut response: BatchResponse<S, B>) -> Response<Envelope>
    where
        S: Inner<B>,
        B: Body<Data = Bytes> + Send + 'static,
    {
        let mut parts = self.parts(response.encoder(), None);
        parts.headers.remove(CONTENT_LENGTH);
        response.set_status(parts.status);
        Response::from_parts(parts, Envelope::Streamed(Box::pin(response)))
    }

    /// The encoder is asked for its headers last, because only now its boundary is certain.
    pub(crate) fn buffered(self, response: BufferedResponse) -> Response<Envelope> {
        let mut parts = self.parts(&*response.encoder, Some(&response.summary));
        let length = content_length(response.frames.len());
        if let Some(first) = parts.headers.values_mut().next() {
            *first = length;
        }
        if let Some(seconds) = response.retry_after {
            parts
                .headers
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for cookie in without_overwritten(&response.cookies) {
            parts.headers.append(SET_COOKIE, cookie);
        }
        if let Some(mut watch) = response.watch {
            watch.put_header(&mut parts.headers);
            watch.set_status(parts.status);
            watch.end(&response.summary);
        }
        Response::from_parts(parts, Envelope::Buffered(response.frames))
    }

    fn parts(mut self, encoder: &dyn Encoder, summary: Option<&Summary>) -> Parts {
        if let Some(second) = self.headers.values_mut().nth(1) {
            *second = encoder.content_type();
        }
        encoder.headers(&mut self.headers);
        let status = encoder.status();
        let (mut parts, ()) = Response::new(()).into_parts();
        let status = status.filter(|status| !has_no_body(*status));
        parts.status = status.unwrap_or_else(|| self.config.status.of(summary));
        parts.headers = self.headers;
        parts
    }
}
