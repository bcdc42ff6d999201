//! The stream of items that arrive while others run.

use std::pin::Pin;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use tower::BoxError;

use super::intake::{Intake, Upload};
use super::plan::Plan;
use super::timer::Instant;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::subrequest::Subrequest;

/// Maximum frames that are read before the task yields, in case the body is always ready.
const FRAMES_PER_POLL: usize = 128;

/// The upload of a stream, and its time limits.
pub(crate) struct Stream {
    /// `None` when the upload has ended.
    intake: Option<Pin<Box<dyn Upload>>>,
    found: Vec<Subrequest>,
    limits: Limits,
    /// Why the upload ended early.
    error: Option<Error>,
    idle_timeout: Option<Duration>,
    idle_until: Option<Instant>,
    /// Whether an item has arrived or finished, or the reader has taken a frame, since the idle
    /// time was last counted.
    is_active: bool,
    /// The end of the time that the client is willing to wait.
    deadline: Option<Instant>,
}

impl Stream {
    pub(crate) fn new<B>(config: &Config, intake: Intake<B>, deadline: Option<Instant>) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self {
            intake: Some(Box::pin(intake)),
            found: Vec::new(),
            limits: config.limits.of_stream(config.max_streamed_items),
            error: None,
            idle_timeout: config.idle_timeout,
            idle_until: None,
            is_active: true,
            deadline,
        }
    }

    /// Starts the idle time again.
    pub(super) fn touch(&mut self) {
        self.is_active = true;
    }

    /// Returns when the stream ends if nothing happens until then.
    pub(super) fn end(&mut self, now: Instant) -> Option<Instant> {
        if std::mem::take(&mut self.is_active) {
            self.idle_until = self.idle_timeout.and_then(|timeout| now.after(timeout));
        }
        self.idle_until.into_iter().chain(self.deadline).min()
    }

    /// Ends the upload. What has arrived is kept.
    pub(super) fn time_out(&mut self) {
        if self.intake.take().is_some() {
            self.error = Some(ErrorKind::UploadTimeout.into());
        }
    }

    /// Returns why the upload ended early, if it did.
    pub(super) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// Reads more items, if the plan has room. Returns whether an item or the end has arrived:
    /// `false` if there is no room, or the upload has ended before.
    pub(super) fn poll_items(&mut self, plan: &mut Plan, cx: &mut Task<'_>) -> Poll<bool> {
        for _ in 0..FRAMES_PER_POLL {
            let Some(intake) = self.intake.as_mut() else {
                return Poll::Ready(false);
            };
            if !plan.has_room(self.limits.max_envelope_bytes) {
                return Poll::Ready(false);
            }
            let Poll::Ready(read) = intake.as_mut().poll_read(&mut self.found, cx) else {
                return Poll::Pending;
            };
            let has_items = !self.found.is_empty();
            // Items that came before an error run.
            let read = self.add_found(plan).and(read);
            if !matches!(read, Ok(true)) {
                self.error = read.err();
                self.intake = None;
                return Poll::Ready(true);
            }
            if has_items {
                self.is_active = true;
                return Poll::Ready(true);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn add_found(&mut self, plan: &mut Plan) -> Result<(), Error> {
        for item in self.found.drain(..) {
            if plan.len() == self.limits.max_items {
                return Err(self.limits.too_many_items());
            }
            plan.push(item)?;
        }
        Ok(())
    }
}
