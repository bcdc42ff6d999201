//! The head of the outer response.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;

use crate::body::Envelope;
use crate::config::Config;
use crate::engine::{Answer, Inner, Whole};
use crate::negotiate::Negotiated;

/// What is known before any item has run.
#[derive(Debug)]
pub(crate) struct Head {
    config: Arc<Config>,
    status: Option<StatusCode>,
    headers: HeaderMap,
}

impl Head {
    pub(crate) fn new(config: &Arc<Config>, agreed: &Negotiated, outer: &HeaderMap) -> Self {
        let mut headers = HeaderMap::with_capacity(6);
        headers.insert(CONTENT_TYPE, agreed.encoder.content_type());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(applied) = agreed.preferences.applied() {
            headers.insert("preference-applied", applied);
        }
        agreed.encoder.headers(&mut headers);
        for name in &config.echoed {
            if let Some(value) = outer.get(name) {
                headers.insert(name, value.clone());
            }
        }
        Self {
            config: Arc::clone(config),
            status: agreed.encoder.status(),
            headers,
        }
    }

    pub(crate) fn streamed<S, B>(self, answer: Answer<S, B>) -> Response<Envelope>
    where
        S: Inner<B>,
        B: Body<Data = Bytes> + Send + 'static,
    {
        let status = self.status.unwrap_or_else(|| self.config.status.of(None));
        self.response(status, Envelope::Streamed(Box::pin(answer)))
    }

    pub(crate) fn whole(mut self, whole: Whole) -> Response<Envelope> {
        let summary = &whole.summary;
        let status = self
            .status
            .unwrap_or_else(|| self.config.status.of(Some(summary)));
        let length: usize = whole.frames.iter().map(Bytes::len).sum();
        self.headers
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(seconds) = whole.retry_after {
            self.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for cookie in whole.cookies {
            self.headers.append(SET_COOKIE, cookie);
        }
        self.response(status, Envelope::Whole(whole.frames))
    }

    fn response(self, status: StatusCode, body: Envelope) -> Response<Envelope> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = self.headers;
        response
    }
}
