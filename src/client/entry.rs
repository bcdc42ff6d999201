//! Decides whether a request can be sent in a batch, and how.

use bytestring::ByteString;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, Method};
use http_body::SizeHint;

use super::extensions::{DependsOn, NotBatched};
use super::key::BatchKey;
use super::settings::Settings;
use crate::media_type::{MediaType, split_unquoted};
use crate::policy::{HeaderDecision, IgnoreReason, is_inherited};
use crate::subrequest::{METHODS, Subrequest};
use crate::target::Targets;

/// A request as an item: its batch, and the item without id and body.
pub(super) struct Entry {
    pub(super) key: BatchKey,
    pub(super) item: Subrequest,
}

impl Entry {
    /// Returns `None` if the request has to be sent alone.
    pub(super) fn new(request: &Parts, body: &SizeHint, settings: &Settings) -> Option<Self> {
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
            if settings.vary_by.contains(name) {
                common.push((name.clone(), value.clone()));
                if is_inherited(name.as_str()) {
                    continue;
                }
            }
            match Place::of(name, settings) {
                Place::Item => item.add_valid_header(name, value),
                Place::Batch => common.push((name.clone(), value.clone())),
                Place::Nowhere => {}
                Place::Alone => return None,
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

/// Where a header of a request travels.
enum Place {
    /// In its item.
    Item,
    /// On the batch, so all its requests have the same.
    Batch,
    /// The body has this length anyway.
    Nowhere,
    /// A batch cannot transport it.
    Alone,
}

impl Place {
    fn of(name: &HeaderName, settings: &Settings) -> Self {
        if name == CONTENT_LENGTH {
            return Self::Nowhere;
        }
        // Servers treat `x_a` and `x-a` alike, and may refuse both in one item.
        if name.as_str().contains('_') {
            return Self::Alone;
        }
        match settings.item_headers.decide(name.as_str()) {
            HeaderDecision::AddIfAbsent | HeaderDecision::Replace => Self::Item,
            _ if name == CONTENT_TYPE => Self::Item,
            // A server does not take it for the trace of the item, but links it.
            HeaderDecision::Ignore(IgnoreReason::Trace) => Self::Item,
            HeaderDecision::Ignore(_) if is_inherited(name.as_str()) => Self::Batch,
            HeaderDecision::Ignore(_) => Self::Alone,
        }
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
    let whole = ByteString::from(path_and_query);
    let targets = Targets::new(&settings.targets, request);
    targets.resolve(&whole).ok()?;
    settings
        .item_urls
        .write(path_and_query, settings.path.path())
}
