//! Which items are sent again.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, StatusCode};

/// Whether an item with the status 429 or 503 and a `Retry-After` is sent again. The default is
/// [`never`](Self::never): the caller gets that response.
///
/// The other items of the batch are not sent again. The wait needs tokio's timer. A `Retry-After`
/// that is a date is not waited for.
///
/// ```
/// use std::time::Duration;
/// use tower_multistatus::{BatchClientLayer, Retry};
///
/// // Waits up to five seconds, and up to three times.
/// let retry = Retry::idempotent(3, Duration::from_secs(5));
/// let layer = BatchClientLayer::new("/batch").retry(retry);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    times: u32,
    max_wait: Duration,
}

impl Retry {
    /// No item is sent again.
    #[must_use]
    pub fn never() -> Self {
        Self::idempotent(0, Duration::ZERO)
    }

    /// An item is sent again up to this number of times if its method is idempotent (RFC 9110
    /// §9.2.2), and if its `Retry-After` is at most `max_wait`.
    #[must_use]
    pub fn idempotent(times: u32, max_wait: Duration) -> Self {
        Self { times, max_wait }
    }

    /// How long to wait before an item with this response is sent again. `None` if it is not.
    pub(super) fn wait(
        self,
        method: &Method,
        times: u32,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<Duration> {
        let is_busy = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        if !is_busy || times >= self.times || !method.is_idempotent() {
            return None;
        }
        let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
        Some(Duration::from_secs(seconds)).filter(|wait| *wait <= self.max_wait)
    }
}
