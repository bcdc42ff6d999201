//! What the client remembers about the batch endpoints of servers.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::key::Origin;

/// How long a server is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Maximum number of servers that are remembered.
const MAX_ORIGINS: usize = 1000;

/// The batch endpoints that are missing or have lower limits than the settings.
#[derive(Debug, Default)]
pub(super) struct Endpoints(HashMap<Origin, Remembered>);

#[derive(Debug)]
struct Remembered {
    endpoint: Endpoint,
    until: Instant,
}

/// A batch endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) is_missing: bool,
    pub(super) max_items: usize,
    pub(super) max_bytes: usize,
}

impl Endpoint {
    /// An endpoint of which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        is_missing: false,
        max_items: usize::MAX,
        max_bytes: usize::MAX,
    };
}

impl Endpoints {
    pub(super) fn get(&self, origin: &Origin) -> Endpoint {
        let remembered = self.0.get(origin);
        let remembered = remembered.filter(|remembered| Instant::now() < remembered.until);
        remembered.map_or(Endpoint::UNKNOWN, |remembered| remembered.endpoint)
    }

    /// Adds what the response to a batch has shown.
    pub(super) fn learn(&mut self, origin: &Origin, shown: Endpoint) {
        let (known, now) = (self.get(origin), Instant::now());
        if self.0.len() >= MAX_ORIGINS {
            self.0.retain(|_, remembered| now < remembered.until);
        }
        if self.0.len() >= MAX_ORIGINS {
            self.0.clear();
        }
        let endpoint = Endpoint {
            is_missing: known.is_missing || shown.is_missing,
            max_items: known.max_items.min(shown.max_items),
            max_bytes: known.max_bytes.min(shown.max_bytes),
        };
        let until = now + REMEMBERED;
        self.0
            .insert(origin.clone(), Remembered { endpoint, until });
    }
}
