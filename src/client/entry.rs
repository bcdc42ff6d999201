//! Decides whether a request can be sent in a batch, and how.

use bytestring::ByteString;
use http::Method;
use http::header::ACCEPT;
use http::request::Parts;
use http_body::SizeHint;

use super::extensions::{DependsOn, NotBatched};
use super::key::BatchKey;
use super::place::{Place, Places};
use super::settings::Settings;
use crate::media_type::{MediaType, split_unquoted};
use crate::subrequest::{METHODS, Subrequest};
use crate::target::is_item_path;

/// A request as an item: its batch, and the item without id and body.
pub(super) struct Entry {
    pub(super) key: BatchKey,
    pub(super) item: Subrequest,
}

impl Entry {
    /// Returns `None` if the request has to be sent alone.
    pub(super) fn new(
        request: &Parts,
        body: &SizeHint,
        places: &Places,
        settings: &Settings,
    ) -> Option<Self> {
        let max_body = settings.max_item_body_bytes as u64;
        let is_small = body.upper().is_some_and(|upper| upper <= max_body);
        let is_marked = request.extensions.get::<NotBatched>().is_some();
        if is_marked || !is_small || !METHODS.contains(&request.method) || is_stream(request) {
            return None;
        }
        let mut item = Subrequest::without_id();
        item.set_method(request.method.as_str().as_bytes());
        item.url = url_of(request, settings)?;
        let mut common = Vec::new();
        for (name, value) in &request.headers {
            let place = places.of(name, settings);
            match place {
                Place::Alone => return None,
                Place::Batch | Place::CommonItem => common.push((name.clone(), value.clone())),
                Place::Item | Place::Nowhere => {}
            }
            if matches!(place, Place::Item | Place::CommonItem) {
                item.add_valid_header(name, value);
            }
        }
        if let Some(depends_on) = request.extensions.get::<DependsOn>() {
            depends_on.ids().for_each(|id| item.add_dependency(id));
        }
        item.rejection().is_none().then(|| Self {
            key: BatchKey::new(request, common),
            item,
        })
    }
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
