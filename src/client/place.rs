//! Where the headers of a request travel.

use http::HeaderName;
use http::header::{self, CONTENT_LENGTH, CONTENT_TYPE, HOST};

use super::settings::Settings;
use crate::policy::{HeaderDecision, IgnoreReason, is_inherited};

/// Where a header of a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In its item.
    Item,
    /// In its item, and all requests of the batch have the same.
    CommonItem,
    /// On the batch, so all its requests have the same.
    Batch,
    /// With the body, whose length it is, when the request is sent alone.
    Body,
    /// A batch cannot transport it.
    Alone,
}

/// The number of usual headers.
const COUNT: usize = 16;

/// Headers that many requests have, those of most requests first.
const USUAL: [HeaderName; COUNT] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::USER_AGENT,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::ACCEPT_LANGUAGE,
    header::ACCEPT_ENCODING,
    header::COOKIE,
    header::HOST,
    HeaderName::from_static("traceparent"),
    header::CACHE_CONTROL,
    header::IF_NONE_MATCH,
    header::IF_MATCH,
    header::ORIGIN,
    header::REFERER,
    header::DATE,
];

/// The places of the usual headers. Comparing a name with all patterns takes longer than to write
/// the header.
#[derive(Debug)]
pub(super) struct Places([(HeaderName, Place); COUNT]);

impl Places {
    pub(super) fn new(settings: &Settings) -> Self {
        Self(USUAL.map(|name| {
            let place = place_of(&name, settings);
            (name, place)
        }))
    }

    pub(super) fn of(&self, name: &HeaderName, settings: &Settings) -> Place {
        let usual = self.0.iter().find(|(usual, _)| usual == name);
        usual.map_or_else(|| place_of(name, settings), |(_, place)| *place)
    }
}

fn place_of(name: &HeaderName, settings: &Settings) -> Place {
    // Requests to different hosts never share a batch.
    let is_common = name == HOST || settings.vary_by.contains(name);
    match place_of_any(name, settings) {
        Place::Item if is_common && is_inherited(name.as_str()) => Place::Batch,
        Place::Item if is_common => Place::CommonItem,
        place => place,
    }
}

fn place_of_any(name: &HeaderName, settings: &Settings) -> Place {
    if name == CONTENT_LENGTH {
        return Place::Body;
    }
    // Servers treat `x_a` and `x-a` alike, and may refuse both in one item.
    if name.as_str().contains('_') {
        return Place::Alone;
    }
    match settings.item_headers.decide(name.as_str()) {
        HeaderDecision::AddIfAbsent | HeaderDecision::Replace => Place::Item,
        _ if name == CONTENT_TYPE => Place::Item,
        // A server does not take it for the trace of the item, but links it.
        HeaderDecision::Ignore(IgnoreReason::Trace) => Place::Item,
        HeaderDecision::Ignore(_) if is_inherited(name.as_str()) => Place::Batch,
        HeaderDecision::Ignore(_) => Place::Alone,
    }
}
