//! The settings of the layer, with their defaults.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName};

use super::item_urls::ItemUrls;
use super::retry::Retry;
use crate::format::{Format, Json};
use crate::policy::ItemHeaders;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) path: PathAndQuery,
    pub(super) format: Arc<dyn Format>,
    pub(super) window: Duration,
    pub(super) max_items: usize,
    pub(super) max_bytes: usize,
    pub(super) max_item_body_bytes: usize,
    pub(super) max_response_bytes: usize,
    pub(super) max_in_flight: usize,
    pub(super) max_waiting: usize,
    pub(super) item_headers: ItemHeaders,
    pub(super) vary_by: Vec<HeaderName>,
    pub(super) batch_headers: HeaderMap,
    pub(super) item_urls: ItemUrls,
    pub(super) retry: Retry,
}

impl Settings {
    pub(super) fn new(path: PathAndQuery) -> Self {
        Self {
            path,
            format: Arc::new(Json::new()),
            window: Duration::ZERO,
            max_items: 100,
            max_bytes: 1 << 20,
            max_item_body_bytes: 256 << 10,
            max_response_bytes: 16 << 20,
            max_in_flight: 4,
            max_waiting: 1024,
            item_headers: ItemHeaders::guarded(),
            vary_by: vec![AUTHORIZATION, COOKIE],
            batch_headers: HeaderMap::new(),
            item_urls: ItemUrls::from_root(),
            retry: Retry::never(),
        }
    }

    /// The URL of an item for this path and query. `None` if it cannot be written.
    pub(super) fn item_url<'a>(&self, url: &'a PathAndQuery) -> Option<&'a str> {
        self.item_urls.write(url.as_str(), self.path.path())
    }
}
