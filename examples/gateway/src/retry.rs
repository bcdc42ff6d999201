//! Which requests are sent again.

use std::future::{Ready, ready};
use std::time::Duration;

use axum::extract::Request;
use http_body_util::Either;
use hyper::body::Incoming;
use tokio::time::Instant;
use tower::retry::Policy;

use crate::error::Error;
use crate::forward::Outgoing;

/// Sends a request again if it was not sent, whatever its method, or if its connection broke and
/// its method is safe. A response is never a reason, whatever its status.
#[derive(Clone, Debug)]
pub struct Again {
    /// How often a request that was not sent may be sent again.
    unsent: usize,
    /// How often a request that may have run may be sent again. A request that kills its upstream
    /// must not kill the whole fleet.
    broken: usize,
    until: Instant,
}

impl Again {
    /// A policy for one request.
    #[must_use]
    pub fn new(unsent: usize, broken: usize, within: Duration) -> Self {
        Self {
            unsent,
            broken,
            until: Instant::now() + within,
        }
    }
}

impl Policy<Request<Outgoing>, http::Response<Incoming>, Error> for Again {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut Request<Outgoing>,
        result: &mut Result<http::Response<Incoming>, Error>,
    ) -> Option<Ready<()>> {
        let left = match result.as_ref().err()? {
            Error::Unreachable(_) => &mut self.unsent,
            Error::Broken(_) if request.method().is_safe() => &mut self.broken,
            _ => return None,
        };
        *left = left.checked_sub(1)?;
        (Instant::now() < self.until).then(|| ready(()))
    }

    /// Copies a request whose body is in memory. A streamed one is gone once it is sent.
    fn clone_request(&mut self, request: &Request<Outgoing>) -> Option<Request<Outgoing>> {
        let Either::Left(body) = request.body() else {
            return None;
        };
        let mut copy = Request::new(Either::Left(body.clone()));
        copy.method_mut().clone_from(request.method());
        copy.uri_mut().clone_from(request.uri());
        copy.headers_mut().clone_from(request.headers());
        Some(copy)
    }
}
