//! What the requests of one batch have in common.

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Uri, Version};

use super::entry::Travel;
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
    /// The key of a request, with its headers that must not differ.
    pub(super) fn of<B>(request: &Request<B>, travel: Travel) -> Self {
        let common = travel.common(request.headers());
        Self {
            origin: Origin {
                scheme: request.uri().scheme().cloned(),
                authority: request.uri().authority().cloned(),
                host: request.headers().get(HOST).cloned(),
            },
            version: request.version(),
            headers: common
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        }
    }

    /// Whether this is the key of the request, which it is not if the host names differ in case.
    pub(super) fn is_of<B>(&self, request: &Request<B>, travel: Travel) -> bool {
        let (uri, origin) = (request.uri(), &self.origin);
        let own = self.headers.iter().map(|(name, value)| (name, value));
        // The header `Host` is one of those that must not differ.
        uri.scheme() == origin.scheme.as_ref()
            && uri.authority().map(Authority::as_str)
                == origin.authority.as_ref().map(Authority::as_str)
            && request.version() == self.version
            && travel.common(request.headers()).eq(own)
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
        // A server gives them to each item.
        for (name, value) in &self.headers {
            if is_inherited(name.as_str()) {
                head.headers.append(name, value.clone());
            }
        }
        head
    }
}
