//! The summary of a batch.

use crate::error::Error;

/// The number of items of a batch that succeeded and failed.
///
/// ```
/// use http::StatusCode;
/// use tower_multistatus::{BatchLayer, EnvelopeStatus, Summary};
///
/// fn status(summary: &Summary) -> StatusCode {
///     match summary.succeeded() {
///         0 => StatusCode::BAD_GATEWAY,
///         _ => StatusCode::MULTI_STATUS,
///     }
/// }
///
/// let layer = BatchLayer::new("/batch").status(EnvelopeStatus::with(status));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    total: usize,
    succeeded: usize,
    /// Boxed, because nearly no summary has one.
    error: Option<Box<Error>>,
}

impl Summary {
    /// Creates a summary, for the tests of encoders and of [status
    /// functions](crate::EnvelopeStatus::with).
    ///
    /// # Panics
    ///
    /// If more items succeeded than there are items.
    ///
    /// ```
    /// use tower_multistatus::Summary;
    ///
    /// let summary = Summary::new(3, 2);
    /// assert_eq!((summary.total(), summary.succeeded(), summary.failed()), (3, 2, 1));
    /// ```
    #[cfg(feature = "test-util")]
    #[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
    pub fn new(total: usize, succeeded: usize) -> Self {
        assert!(
            succeeded <= total,
            "more items succeeded than there are items"
        );
        Self {
            total,
            succeeded,
            error: None,
        }
    }

    /// Sets the error that has ended the stream, for the tests of encoders.
    #[cfg(feature = "test-util")]
    #[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
    #[must_use]
    pub fn with_error(mut self, error: Error) -> Self {
        self.error = Some(Box::new(error));
        self
    }

    /// Number of items.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Number of items whose status is a 2xx or a 3xx.
    pub fn succeeded(&self) -> usize {
        self.succeeded
    }

    /// Number of all other items.
    pub fn failed(&self) -> usize {
        self.total - self.succeeded
    }

    /// Why the upload of a [stream](crate::Decoder::is_streamed) ended early. The items before the
    /// error have responses, and nothing after it has run.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_deref()
    }

    pub(crate) fn set_error(&mut self, error: Error) {
        self.error = Some(Box::new(error));
    }

    /// The summary of items, of which `true` stands for one that succeeded.
    #[cfg(feature = "json")]
    pub(crate) fn of(items: &[bool]) -> Self {
        let mut summary = Self::default();
        items
            .iter()
            .for_each(|is_success| summary.count(*is_success));
        summary
    }

    pub(crate) fn count(&mut self, is_success: bool) {
        self.total += 1;
        self.succeeded += usize::from(is_success);
    }
}
