//! What the requests of one batch have in common.

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};

use super::settings::Settings;
use crate::policy::is_inherited;

/// Requests with equal keys can be in one batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct BatchKey {
    origin: Origin,
    version: Version,
    /// The headers that must not differ within a batch.
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The server of a request, as far as the request names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    host: Option<HeaderValue>,
}

impl BatchKey {
    /// The key of a request without headers.
    pub(super) fn new(request: &Parts) -> Self {
        Self {
            origin: Origin {
                scheme: request.uri.scheme().cloned(),
                authority: request.uri.authority().cloned(),
                host: request.headers.get(HOST).cloned(),
            },
            version: request.version,
            headers: Vec::new(),
        }
    }

    /// Adds a header that must not differ.
    pub(super) fn add(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.push((name, value));
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The head of the request that sends a batch, without the headers about its body.
    pub(super) fn batch_head(&self, settings: &Settings) -> Parts {
        let (mut head, ()) = http::Request::new(()).into_parts();
        let mut uri = Uri::default().into_parts();
        uri.scheme.clone_from(&self.origin.scheme);
        uri.authority.clone_from(&self.origin.authority);
        uri.path_and_query = Some(settings.path.clone());
        head.uri = Uri::from_parts(uri).unwrap_or_default();
        head.method = http::Method::POST;
        head.version = self.version;
        head.headers.clone_from(&settings.batch_headers);
        self.put_headers(&mut head.headers);
        head
    }

    /// Adds the headers that are not those of items. A server gives them to each item.
    pub(super) fn put_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            if is_inherited(name.as_str()) {
                headers.append(name, value.clone());
            }
        }
    }
}
