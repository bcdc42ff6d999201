//! Where the headers of a request travel.

use std::collections::HashMap;

use http::HeaderName;
use http::header::{self, CONTENT_LENGTH, CONTENT_TYPE};

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
    /// The body has this length anyway.
    Nowhere,
    /// A batch cannot transport it.
    Alone,
}

/// Headers that many requests have.
const USUAL: [HeaderName; 16] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::DATE,
    header::HOST,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::ORIGIN,
    header::REFERER,
    header::USER_AGENT,
    HeaderName::from_static("traceparent"),
];

/// The places of the usual headers. Comparing a name with all patterns takes longer than to write
/// the header.
#[derive(Debug)]
pub(super) struct Places(HashMap<HeaderName, Place>);

impl Places {
    pub(super) fn new(settings: &Settings) -> Self {
        let usual = USUAL.into_iter();
        Self(
            usual
                .map(|name| (name.clone(), place_of(&name, settings)))
                .collect(),
        )
    }

    pub(super) fn of(&self, name: &HeaderName, settings: &Settings) -> Place {
        let known = self.0.get(name).copied();
        known.unwrap_or_else(|| place_of(name, settings))
    }
}

fn place_of(name: &HeaderName, settings: &Settings) -> Place {
    let is_common = settings.vary_by.contains(name);
    match place_of_any(name, settings) {
        Place::Item if is_common && is_inherited(name.as_str()) => Place::Batch,
        Place::Item if is_common => Place::CommonItem,
        place => place,
    }
}

fn place_of_any(name: &HeaderName, settings: &Settings) -> Place {
    if name == CONTENT_LENGTH {
        return Place::Nowhere;
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
