//! The status of the outer response.

use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use crate::panics::catch;
use crate::status::has_no_body;
use crate::summary::Summary;

/// The status of the outer response to a batch that was not refused. The default is
/// [`multi_status`](Self::multi_status).
///
/// ```
/// use http::StatusCode;
/// use tower_multistatus::{BatchLayer, EnvelopeStatus};
///
/// let layer = BatchLayer::new("/batch").status(EnvelopeStatus::collapse());
/// let layer = BatchLayer::new("/batch").status(StatusCode::ACCEPTED);
/// ```
#[derive(Clone)]
pub struct EnvelopeStatus(Kind);

#[derive(Clone)]
enum Kind {
    Always(StatusCode),
    With(Arc<dyn Fn(&Summary) -> StatusCode + Send + Sync>),
}

impl EnvelopeStatus {
    /// 207, whatever the status of the items (RFC 4918 §13).
    pub fn multi_status() -> Self {
        Self(Kind::Always(StatusCode::MULTI_STATUS))
    }

    /// 200, whatever the status of the items.
    pub fn ok() -> Self {
        Self(Kind::Always(StatusCode::OK))
    }

    /// 200 if every item succeeded, otherwise 207.
    pub fn collapse() -> Self {
        Self::with(|summary| match summary.failed() {
            0 => StatusCode::OK,
            _ => StatusCode::MULTI_STATUS,
        })
    }

    /// The status that the function returns for the summary. A streamed response starts before
    /// there is a summary, and has 207. So has a response for which the function panics or returns
    /// a status that does not allow a body: 1xx, 204, 205, 304.
    pub fn with(status: impl Fn(&Summary) -> StatusCode + Send + Sync + 'static) -> Self {
        Self(Kind::With(Arc::new(status)))
    }

    pub(crate) fn of(&self, summary: Option<&Summary>) -> StatusCode {
        match (&self.0, summary) {
            (Kind::Always(status), _) => *status,
            (Kind::With(status), Some(summary)) => {
                // The items have run, so a panic must not lose their responses.
                let status = catch(|| status(summary)).filter(|status| !has_no_body(*status));
                status.unwrap_or(StatusCode::MULTI_STATUS)
            }
            (Kind::With(_), None) => StatusCode::MULTI_STATUS,
        }
    }

    /// Whether it is always a status that does not allow a body.
    pub(crate) fn has_no_body(&self) -> bool {
        matches!(self.0, Kind::Always(status) if has_no_body(status))
    }
}

impl Default for EnvelopeStatus {
    fn default() -> Self {
        Self::multi_status()
    }
}

impl From<StatusCode> for EnvelopeStatus {
    fn from(status: StatusCode) -> Self {
        Self(Kind::Always(status))
    }
}

impl fmt::Debug for EnvelopeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Always(status) => f.debug_tuple("EnvelopeStatus").field(status).finish(),
            Kind::With(_) => f.debug_struct("EnvelopeStatus").finish_non_exhaustive(),
        }
    }
}
