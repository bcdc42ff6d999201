//! Decides whether a request can be sent in a batch, and how its headers travel.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body::SizeHint;

use super::extensions::NotBatched;
use super::place::{Place, Places};
use super::settings::Settings;
use crate::media_type::{MediaType, split_unquoted};
use crate::subrequest::{MAX_HEADER_BYTES, MAX_HEADERS, METHODS};
use crate::target::is_item_path;

const EVENT_STREAM: &str = "text/event-stream";

/// How the headers of a request travel in a batch: sets of positions in its `HeaderMap`, which must
/// not change. An item has 64 headers at most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Travel {
    in_item: u64,
    common: u64,
}

impl Travel {
    /// Returns `None` if the request has to be sent alone.
    pub(super) fn of(
        request: &Parts,
        body: &SizeHint,
        places: &Places,
        settings: &Settings,
    ) -> Option<Self> {
        let max_body = settings.max_item_body_bytes as u64;
        let can_travel = body.upper().is_some_and(|upper| upper <= max_body)
            && request.extensions.get::<NotBatched>().is_none()
            && METHODS.contains(&request.method)
            && has_item_url(request, settings);
        if !can_travel || request.headers.len() > usize::from(MAX_HEADERS) {
            return None;
        }
        let (mut travel, mut bytes, mut content_types) = (Self::default(), 0, 0);
        let mut bit = 1;
        for (name, value) in &request.headers {
            bytes += name.as_str().len() + value.len();
            content_types += usize::from(*name == CONTENT_TYPE);
            match places.of(name, settings) {
                Place::Item => travel.in_item |= bit,
                Place::CommonItem => {
                    travel.in_item |= bit;
                    travel.common |= bit;
                }
                Place::Batch => travel.common |= bit,
                Place::Body => {}
                Place::Alone => return None,
            }
            if *name == ACCEPT && is_stream(value) {
                return None;
            }
            bit <<= 1;
        }
        let is_transportable = bytes <= usize::from(MAX_HEADER_BYTES) && content_types < 2;
        is_transportable.then_some(travel)
    }

    /// The headers of the item.
    pub(super) fn in_item(
        self,
        headers: &HeaderMap,
    ) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        those_of(self.in_item, headers)
    }

    /// The headers that all requests of the batch have.
    pub(super) fn common(
        self,
        headers: &HeaderMap,
    ) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        those_of(self.common, headers)
    }
}

fn those_of(set: u64, headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let mut rest = set;
    headers.iter().filter(move |_| {
        let is_member = rest & 1 == 1;
        rest >>= 1;
        is_member
    })
}

/// Whether the response is a stream of events, which would not end before its batch does.
fn is_stream(accept: &HeaderValue) -> bool {
    let accept = accept.to_str().unwrap_or_default();
    // The type is longer than the usual value, which needs no parsing then.
    let mut types = split_unquoted(accept, b',').filter(|_| accept.len() >= EVENT_STREAM.len());
    types.any(|accepted| MediaType::parse(accepted).is(EVENT_STREAM))
}

/// Whether an item can have the URL of the request: a server would accept it, and it is not the
/// batch path itself.
fn has_item_url(request: &Parts, settings: &Settings) -> bool {
    let is_batch = request.uri.path() == settings.path.path() && request.method == Method::POST;
    let url = request.uri.path_and_query().filter(|_| !is_batch);
    url.is_some_and(|url| is_item_path(url.as_str().as_bytes()) && settings.item_url(url).is_some())
}
