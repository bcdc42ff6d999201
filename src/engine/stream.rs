//! The stream of items that arrive while others run.

use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use tower::BoxError;

use super::intake::{Intake, Upload};
use super::plan::Plan;
use super::timer::Instant;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::format::Decoder;
use crate::limits::Limits;
use crate::subrequest::Subrequest;

/// Maximum frames that are read before the task yields, in case the body is always ready.
const FRAMES_PER_POLL: usize = 128;

/// Maximum bytes that are decoded at a time. One frame may hold any number of items.
const PIECE: usize = 16 * 1024;

/// The upload of a stream, and its time limits.
pub(crate) struct Stream {
    /// `None` when the upload has ended.
    intake: Option<Pin<Box<dyn Upload>>>,
    decoder: Box<dyn Decoder>,
    /// Bytes that have arrived and are not decoded yet.
    rest: Bytes,
    found: Vec<Subrequest>,
    limits: Limits,
    /// Whether the responses have `Server-Timing`. `None` if no moments are recorded.
    timing: Option<bool>,
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
    pub(crate) fn new<B>(
        config: &Config,
        intake: Intake<B>,
        decoder: Box<dyn Decoder>,
        deadline: Option<Instant>,
    ) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self {
            intake: Some(Box::pin(intake)),
            decoder,
            rest: Bytes::new(),
            found: Vec::new(),
            limits: config.limits.of_stream(config.max_streamed_items),
            timing: config.item_observers().map(|all| all.server_timing),
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
            if self.intake.is_none() || !plan.has_room(self.limits.max_envelope_bytes) {
                return Poll::Ready(false);
            }
            let Poll::Ready(read) = self.poll_read(cx) else {
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

    /// Decodes one frame or a piece of one. Returns whether there may be more.
    fn poll_read(&mut self, cx: &mut Task<'_>) -> Poll<Result<bool, Error>> {
        let Some(intake) = self.intake.as_mut() else {
            return Poll::Ready(Ok(false));
        };
        let mut chunk = std::mem::take(&mut self.rest);
        if chunk.is_empty() {
            match ready!(intake.as_mut().poll_chunk(cx)).map_err(|error| *error)? {
                Some(next) => chunk = next,
                None => return Poll::Ready(self.decoder.end(&mut self.found).map(|()| false)),
            }
        }
        if chunk.len() > PIECE {
            self.rest = chunk.split_off(PIECE);
        }
        self.decoder.push(chunk, &mut self.found)?;
        if self.rest.is_empty() && intake.is_at_end() {
            self.decoder.end(&mut self.found)?;
            return Poll::Ready(Ok(false));
        }
        Poll::Ready(Ok(true))
    }

    fn add_found(&mut self, plan: &mut Plan) -> Result<(), Error> {
        for mut item in self.found.drain(..) {
            if plan.len() == self.limits.max_items {
                return Err(self.limits.too_many_items());
            }
            if let Some(has_header) = self.timing {
                item.record_times(has_header);
            }
            plan.push(item)?;
        }
        Ok(())
    }
}
