//! Decides whether a request can be sent in a batch, and how.

use std::sync::Arc;

use bytestring::ByteString;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body::SizeHint;

use super::extensions::{DependsOn, NotBatched};
use super::key::BatchKey;
use super::place::{Place, Places};
use super::settings::Settings;
use crate::media_type::{MediaType, split_unquoted};
use crate::subrequest::{MAX_HEADER_BYTES, MAX_HEADERS, METHODS, Subrequest};
use crate::target::is_item_path;

/// A request as an item: what its batch has in common, and the item.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Arc<BatchKey>,
    pub(super) item: Subrequest,
}

impl Entry {
    /// Moves the headers of a request to where they travel. Returns `None` if the request has to be
    /// sent alone, and leaves it unchanged then.
    pub(super) fn new(
        request: &mut Parts,
        body: &SizeHint,
        places: &Places,
        settings: &Settings,
    ) -> Option<Self> {
        let max_body = settings.max_item_body_bytes as u64;
        let is_small = body.upper().is_some_and(|upper| upper <= max_body);
        let is_marked = request.extensions.get::<NotBatched>().is_some();
        let can_travel = !is_marked && is_small && METHODS.contains(&request.method);
        if !can_travel || is_stream(request) || !can_transport(&request.headers, places, settings) {
            return None;
        }
        let mut item = Subrequest::without_id();
        item.url = url_of(request, settings)?;
        item.set_method(request.method.as_str().as_bytes());
        if let Some(depends_on) = request.extensions.get::<DependsOn>() {
            depends_on.ids().for_each(|id| item.add_dependency(id));
        }
        let mut key = BatchKey::new(request);
        let mut last = None;
        for (name, value) in std::mem::take(&mut request.headers) {
            // The iterator leaves out a name that repeats.
            let Some(name) = name.or_else(|| last.clone()) else {
                continue;
            };
            last = Some(name.clone());
            match places.of(&name, settings) {
                Place::Item => item.add_valid_header(name, value),
                Place::CommonItem => {
                    key.add(name.clone(), value.clone());
                    item.add_valid_header(name, value);
                }
                Place::Batch => key.add(name, value),
                Place::Body | Place::Alone => drop(request.headers.append(name, value)),
            }
        }
        let key = Arc::new(key);
        Some(Self { key, item })
    }

    /// Moves the headers back to a request that is sent alone after all.
    pub(super) fn put_headers(self, headers: &mut HeaderMap) {
        self.key.put_headers(headers);
        for (name, value) in self.item.into_headers() {
            headers.append(name, value);
        }
    }
}

/// Whether a batch can transport headers like these, and an item may have as many.
fn can_transport(headers: &HeaderMap, places: &Places, settings: &Settings) -> bool {
    let bytes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    headers.len() <= usize::from(MAX_HEADERS)
        && bytes.sum::<usize>() <= usize::from(MAX_HEADER_BYTES)
        && headers.get_all(CONTENT_TYPE).iter().nth(1).is_none()
        && headers
            .keys()
            .all(|name| places.of(name, settings) != Place::Alone)
}

/// Whether the response is a stream of events, which would not end before its batch does.
fn is_stream(request: &Parts) -> bool {
    let accepted = request.headers.get_all(ACCEPT).iter();
    let mut types =
        accepted.flat_map(|value| split_unquoted(value.to_str().unwrap_or_default(), b','));
    types.any(|accepted| MediaType::parse(accepted).is("text/event-stream"))
}

/// The URL of the item. `None` if a server would not accept it, or if it is the batch path itself.
fn url_of(request: &Parts, settings: &Settings) -> Option<ByteString> {
    let is_batch = request.uri.path() == settings.path.path() && request.method == Method::POST;
    let path_and_query = request.uri.path_and_query().filter(|_| !is_batch)?.as_str();
    if !is_item_path(path_and_query.as_bytes()) {
        return None;
    }
    settings
        .item_urls
        .write(path_and_query, settings.path.path())
}
