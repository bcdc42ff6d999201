//! The head of the outer response.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Body;

use crate::body::Envelope;
use crate::config::Config;
use crate::engine::{Answer, Inner, Whole};
use crate::format::{Encoder, Frames};
use crate::policy::Summary;
use crate::preferences::Preferences;

/// What is known of it before any item has run.
#[derive(Debug)]
pub(crate) struct Head {
    config: Arc<Config>,
    headers: HeaderMap,
}

impl Head {
    pub(crate) fn new(config: &Arc<Config>, preferences: &Preferences, outer: &HeaderMap) -> Self {
        let mut headers = HeaderMap::with_capacity(6);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
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

    pub(crate) fn streamed<S, B>(self, answer: Answer<S, B>) -> Response<Envelope>
    where
        S: Inner<B>,
        B: Body<Data = Bytes> + Send + 'static,
    {
        let mut response = self.response(answer.encoder(), None);
        *response.body_mut() = Envelope::Streamed(Box::pin(answer));
        response
    }

    /// The encoder is asked last: only now it is sure of its boundary.
    pub(crate) fn whole(self, whole: Whole) -> Response<Envelope> {
        let mut response = self.response(&*whole.encoder, Some(&whole.summary));
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.frames.len()));
        if let Some(seconds) = whole.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for cookie in whole.cookies {
            headers.append(SET_COOKIE, cookie);
        }
        *response.body_mut() = Envelope::Whole(whole.frames);
        response
    }

    fn response(mut self, encoder: &dyn Encoder, summary: Option<&Summary>) -> Response<Envelope> {
        self.headers.insert(CONTENT_TYPE, encoder.content_type());
        encoder.headers(&mut self.headers);
        let status = encoder.status();
        let mut response = Response::new(Envelope::Whole(Frames::default()));
        *response.status_mut() = status.unwrap_or_else(|| self.config.status.of(summary));
        *response.headers_mut() = self.headers;
        response
    }
}
