//! The response to a batch as a body: drives the items, encodes their responses, emits frames.

mod write;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body::{Body, Frame};

use super::dispatch::Dispatch;
use super::held::Held;
use super::inner::Inner;
use super::outcome::ItemResponse;
use super::plan::Plan;
use super::request::Requests;
use super::stream::Stream;
use super::timer::Instant;
use crate::format::Encoder;
use crate::frames::Frames;
use crate::item_error::ItemError;
use crate::panics::CatchDrop;
use crate::rules::Rules;
use crate::subresponse::{FIELD_OVERHEAD, Subresponse};
use crate::summary::Summary;
use crate::trace::{BatchSpan, item_replaced};
use crate::watch::Watch;

/// Maximum items that finish in one poll before the task yields. tokio's budget is 128, of which an
/// item may use several.
const ITEMS_PER_POLL: usize = 32;

/// A streamed response stops while this many bytes wait to be read.
const FULL_FRAME: usize = 32 * 1024;

/// The estimated length of a small item's response, for the size of the first segment.
const SMALL_RESPONSE_LEN: usize = 160;

/// Added to the estimate, because an encoder reserves more for one item than it uses: the segment
/// of a batch of one item must not overflow.
const ESTIMATE_MARGIN: usize = 256;

/// Maximum bytes after the last response.
const END_LEN: usize = 128;

/// The response to a batch while it is produced. As a [`Body`] it is streamed. [`pump`](Self::pump)
/// drives it to its end.
pub(crate) struct BatchResponse<S: Inner<B>, B> {
    dispatch: Dispatch<S, B>,
    encoder: Box<dyn Encoder>,
    frames: Frames,
    state: State,
    /// Responses that wait for those before them, if they are written in the order of the request.
    held: Option<Held>,
    /// Responses of a group that is not complete, if the format writes groups together.
    group: Vec<Subresponse>,
    group_len: usize,
    /// The least length of the responses that are still to be written. A buffered envelope reserves
    /// space for them.
    reserved: usize,
    summary: Summary,
    retry_after: Option<u64>,
    cookies: Vec<HeaderValue>,
    cookies_len: usize,
    watch: Option<Box<Watch>>,
    /// Each response is written on its own, and nobody observes it.
    is_simple: bool,
}

/// A finished response, and what is needed for its head.
pub(crate) struct BufferedResponse {
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) frames: Frames,
    pub(crate) summary: Summary,
    pub(crate) retry_after: Option<u64>,
    pub(crate) cookies: Vec<HeaderValue>,
    pub(crate) watch: Option<Box<Watch>>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    New,
    Running,
    Ended,
}

/// No field is pinned in place: pinned values are boxed.
impl<S: Inner<B>, B> Unpin for BatchResponse<S, B> {}

impl<S: Inner<B>, B: Send + 'static> BatchResponse<S, B> {
    pub(crate) fn new(
        mut plan: Plan,
        rules: Rules,
        outer: Arc<CatchDrop<Parts>>,
        inner: CatchDrop<S>,
        encoder: Box<dyn Encoder>,
        deadline: Option<Instant>,
        stream: Option<Box<Stream>>,
    ) -> Self {
        if let Some(observers) = rules.config.item_observers() {
            plan.record_times(observers.server_timing);
        }
        let is_streamed = rules.is_streamed;
        let is_in_order = rules.is_in_order;
        let is_simple = !rules.writes_groups;
        let total = stream.is_none().then_some(plan.len());
        let requests = Requests::new(&rules.config, outer, total);
        let span = BatchSpan::new(total);
        let reserved = if is_streamed {
            0
        } else {
            END_LEN + plan.ids().map(|id| encoder.least_len(id)).sum::<usize>()
        };
        Self {
            frames: Frames::with_estimate(
                ESTIMATE_MARGIN + plan.len() * SMALL_RESPONSE_LEN,
                is_streamed,
            ),
            dispatch: Dispatch::new(plan, rules, requests, inner, deadline, stream, span),
            encoder,
            state: State::New,
            held: is_in_order.then(Held::default),
            group: Vec::new(),
            group_len: 0,
            reserved,
            summary: Summary::default(),
            retry_after: None,
            cookies: Vec::new(),
            cookies_len: 0,
            watch: None,
            is_simple,
        }
    }

    /// Sets the observer of the batch.
    #[cold]
    pub(crate) fn observe(&mut self, mut watch: Box<Watch>) {
        watch.accept();
        self.watch = Some(watch);
        self.is_simple = false;
    }

    /// Called with the status of a streamed response.
    pub(crate) fn set_status(&mut self, status: StatusCode) {
        if let Some(watch) = &mut self.watch {
            watch.set_status(status);
        }
    }

    /// Reads what has arrived of a stream, without running it. Pending if nothing has.
    pub(crate) fn read_ahead(&mut self, cx: &mut Task<'_>) -> Poll<()> {
        self.dispatch.poll_stream(cx).map(drop)
    }

    /// Returns the result after the response was pumped to its end.
    pub(crate) fn into_buffered(self) -> BufferedResponse {
        BufferedResponse {
            frames: self.frames,
            encoder: self.encoder,
            summary: self.summary,
            retry_after: self.retry_after,
            cookies: self.cookies,
            watch: self.watch,
        }
    }

    pub(crate) fn is_streamed(&self) -> bool {
        self.dispatch.rules().is_streamed
    }

    fn writes_groups(&self) -> bool {
        self.dispatch.rules().writes_groups
    }

    pub(crate) fn encoder(&self) -> &dyn Encoder {
        &*self.encoder
    }

    /// Makes as much progress as possible. Ready when everything is written.
    pub(crate) fn pump(&mut self, cx: &mut Task<'_>) -> Poll<()> {
        let span = self.dispatch.span().share();
        span.in_scope(|| self.pump_in_span(cx))
    }

    fn pump_in_span(&mut self, cx: &mut Task<'_>) -> Poll<()> {
        if self.state == State::New {
            self.encoder.begin(&mut self.frames);
            self.state = State::Running;
        }
        for _ in 0..ITEMS_PER_POLL {
            if self.is_streamed() && self.frames.len() >= FULL_FRAME {
                // The reader polls again after it has taken the frame.
                return Poll::Pending;
            }
            // Held responses count only in a stream. A buffered response has a limit for all of its
            // bytes.
            let held = self.held.as_ref().filter(|_| self.is_streamed());
            let held = held.map_or(0, Held::len);
            match self.dispatch.poll_next(held, cx) {
                Poll::Ready(Some(response)) => self.receive(response),
                Poll::Ready(None) => {
                    self.write_group();
                    self.dispatch.end(&mut self.summary);
                    self.encoder.end(&self.summary, &mut self.frames);
                    self.state = State::Ended;
                    return Poll::Ready(());
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Receives the response of an item: checks it against the limit, then holds or writes it.
    fn receive(&mut self, response: ItemResponse) {
        let ItemResponse {
            mut subresponse,
            cookies,
        } = response;
        let is_grouped = !self.is_simple && self.end_item(&mut subresponse);
        let waits = |held: &Held| held.is_early(&subresponse);
        // A response that is written now is counted as it is encoded. A large body is counted
        // before.
        let len = if is_grouped || self.held.as_ref().is_some_and(waits) {
            subresponse.held_len()
        } else {
            subresponse.body.len()
        };
        let cookies_len: usize = cookies.iter().map(cookie_len).sum();
        if !self.is_streamed() || is_grouped {
            if self.exceeds_limit(len + cookies_len) {
                self.replace_with_too_large(&mut subresponse);
                if self.exceeds_limit(subresponse.held_len()) {
                    subresponse.strip();
                }
            } else if !self.is_streamed() && !cookies.is_empty() {
                self.cookies.extend(cookies);
                self.cookies_len += cookies_len;
            }
        }
        match &mut self.held {
            Some(held) if held.is_early(&subresponse) => return held.hold(subresponse),
            _ => self.write_in_turn(subresponse),
        }
        while let Some(subresponse) = self.held.as_mut().and_then(Held::advance) {
            self.write_in_turn(subresponse);
        }
    }

    /// Whether this many more bytes exceed the limit. For a buffered envelope, everything that
    /// waits for it counts, and for a streamed one, an incomplete group.
    fn exceeds_limit(&self, more: usize) -> bool {
        let held = self.held.as_ref().map_or(0, Held::bytes) + self.dispatch.held_bytes();
        let waiting = if self.is_streamed() {
            self.group_len
        } else {
            self.frames.len() + self.cookies_len + held + self.group_len + self.reserved
        };
        waiting + more > self.dispatch.rules().config.limits.max_total_response_bytes
    }

    /// Replaces a response that does not fit. Items that have not started yet are halted, so that
    /// nothing runs whose response cannot be reported.
    fn replace_with_too_large(&mut self, subresponse: &mut Subresponse) {
        // A response can be replaced twice, before and after it is encoded.
        if subresponse.is_committed {
            subresponse.strip();
        } else {
            if subresponse.error != Some(ItemError::TotalTooLarge) {
                item_replaced(ItemError::TotalTooLarge, subresponse.index);
            }
            subresponse.replace_with_error(ItemError::TotalTooLarge);
        }
        if !self.is_streamed() {
            self.dispatch.halt(ItemError::TotalTooLarge);
        }
    }
}

/// The bytes that a cookie uses on the outer response.
fn cookie_len(cookie: &HeaderValue) -> usize {
    SET_COOKIE.as_str().len() + cookie.len() + FIELD_OVERHEAD
}

impl<S: Inner<B>, B: Send + 'static> Body for BatchResponse<S, B> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.frames.is_empty() && this.state != State::Ended {
            let _ = this.pump(cx);
        }
        let frame = this.frames.pop();
        if this.is_end_stream()
            && let Some(mut watch) = this.watch.take()
        {
            watch.end(&this.summary);
        }
        match frame {
            Some(frame) => {
                this.dispatch.touch();
                Poll::Ready(Some(Ok(Frame::data(frame))))
            }
            None if this.state == State::Ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Ended && self.frames.is_empty()
    }
}
