//! The clock that measures how long batches and items take.

use std::time::Duration;

#[cfg(not(feature = "timeout"))]
use std::time::Instant;
#[cfg(feature = "timeout")]
use tokio::time::Instant;

/// A moment of the clock that timeouts use, which tests can pause. Without the feature `timeout`,
/// of the clock of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(Instant);

impl Moment {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// The time from an earlier moment to this one.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }
}
