//! Why a request has no response.

use std::error::Error as StdError;
use std::fmt;

use axum::http::StatusCode;
use hyper_util::client::legacy;
use tower::BoxError;

/// Why a request has no response. The status says to clients whether it may have run.
#[derive(Debug)]
pub enum Error {
    /// No upstream was ready in time. The request was not sent.
    NobodyReady,
    /// There was no connection. The request was not sent.
    Unreachable(legacy::Error),
    /// The connection broke. The request may have run.
    Broken(legacy::Error),
    /// The upstream did not respond in time. The request may have run.
    TimedOut,
    /// A streamed request failed. The cause may be the client, so it says nothing of the upstream.
    Streamed(BoxError),
    /// The gateway itself failed. The request was not sent.
    Gateway(BoxError),
}

impl Error {
    /// Whether the upstream is the cause.
    #[must_use]
    pub fn is_of_upstream(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Broken(_) | Self::TimedOut
        )
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NobodyReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::Unreachable(_) | Self::Broken(_) | Self::Streamed(_) => StatusCode::BAD_GATEWAY,
            Self::Gateway(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Finds the error in the box that tower's layers put it in.
impl From<BoxError> for Error {
    fn from(error: BoxError) -> Self {
        match error.downcast() {
            Ok(error) => *error,
            Err(error) => Self::Gateway(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NobodyReady => "no upstream was ready in time",
            Self::Unreachable(_) => "the upstream cannot be reached",
            Self::Broken(_) => "the connection to the upstream broke",
            Self::TimedOut => "the upstream did not respond in time",
            Self::Streamed(_) => "a streamed request failed",
            Self::Gateway(_) => "the gateway failed",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unreachable(error) | Self::Broken(error) => Some(error),
            Self::Streamed(error) | Self::Gateway(error) => Some(&**error),
            Self::NobodyReady | Self::TimedOut => None,
        }
    }
}
