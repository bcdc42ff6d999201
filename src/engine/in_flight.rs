//! Calls that had to wait, and when they are overdue.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::call::{Call, Called, Failure};
use super::executor::Spawned;
use super::inner::Inner;
use super::outcome::Kept;
use super::timer::Instant;
use crate::item_error::ItemError;

/// The calls of one batch that wait. Dropped, it drops all of them.
pub(super) struct InFlight<S: Inner<B>, B> {
    /// Made when the first call has to wait.
    calls: Option<FuturesUnordered<Waiting<S, B>>>,
    /// Before this no call is due. It may be that of one that has ended since: the next look finds
    /// out.
    first_due: Option<Instant>,
}

/// A call that is polled only when it is woken.
struct Waiting<S: Inner<B>, B> {
    index: usize,
    call: Running<S, B>,
    due: Option<Instant>,
    kept: Kept,
}

/// Where a call runs: in the batch's own task, or elsewhere.
pub(super) enum Running<S: Inner<B>, B> {
    Here(Pin<Box<Call<S, B>>>),
    Elsewhere(Spawned<S, B>),
}

/// A call that has come to its end, or to that of its time: of which item, with what outcome.
pub(super) type Ended = (usize, Called, Kept);

impl<S: Inner<B>, B: Send + 'static> Future for Waiting<S, B> {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Ended> {
        let this = &mut *self;
        let called = match &mut this.call {
            Running::Here(call) => this.kept.span.in_scope(|| call.as_mut().poll(cx)),
            Running::Elsewhere(call) => call.poll(cx),
        };
        called.map(|called| this.end(called))
    }
}

impl<S: Inner<B>, B: Send + 'static> Waiting<S, B> {
    fn end(&mut self, called: Called) -> Ended {
        (self.index, called, std::mem::take(&mut self.kept))
    }

    /// Its outcome if it has one now, so that no work is lost that is done; else this fault. A call
    /// that still waits for readiness is not begun only to be dropped.
    fn last_look(&mut self, fault: ItemError, cx: &mut Task<'_>) -> Ended {
        let is_begun = match &self.call {
            Running::Here(call) => call.is_begun(),
            Running::Elsewhere(_) => true,
        };
        match is_begun.then(|| Pin::new(&mut *self).poll(cx)) {
            Some(Poll::Ready(ended)) => ended,
            _ => self.end(Err(Failure::ItemError(fault))),
        }
    }
}

impl<S: Inner<B>, B> Default for InFlight<S, B> {
    fn default() -> Self {
        Self {
            calls: None,
            first_due: None,
        }
    }
}

impl<S: Inner<B>, B: Send + 'static> InFlight<S, B> {
    pub(super) fn len(&self) -> usize {
        self.calls.as_ref().map_or(0, FuturesUnordered::len)
    }

    pub(super) fn push(
        &mut self,
        index: usize,
        call: Running<S, B>,
        due: Option<Instant>,
        kept: Kept,
    ) {
        // All items have the same time: what begins later is due later.
        self.first_due = self.first_due.or(due);
        self.calls.get_or_insert_default().push(Waiting {
            index,
            call,
            due,
            kept,
        });
    }

    pub(super) fn poll_next(&mut self, cx: &mut Task<'_>) -> Poll<Ended> {
        let calls = self.calls.as_mut();
        match calls.map(|calls| calls.poll_next_unpin(cx)) {
            Some(Poll::Ready(Some(ended))) => Poll::Ready(ended),
            _ => Poll::Pending,
        }
    }

    /// When the next call may be due, if any ever is.
    pub(super) fn first_due(&self) -> Option<Instant> {
        self.first_due
    }

    /// Ends the calls that are overdue, or all if the batch is, in the order of the batch.
    pub(super) fn end_overdue(
        &mut self,
        now: Instant,
        is_batch_over: bool,
        cx: &mut Task<'_>,
    ) -> Vec<Ended> {
        let is_due = |due: Option<Instant>| is_batch_over || due.is_some_and(|due| due <= now);
        if self.len() == 0 || !is_due(self.first_due) {
            return Vec::new();
        }
        let calls = self.calls.take().into_iter().flatten();
        let (mut overdue, rest): (Vec<_>, Vec<_>) = calls.partition(|call| is_due(call.due));
        self.first_due = rest.iter().filter_map(|call| call.due).min();
        self.calls = Some(rest.into_iter().collect());
        overdue.sort_unstable_by_key(|call| call.index);
        // Before any is dropped: what one of them gives up must not begin another one.
        let fault = match is_batch_over {
            true => ItemError::Deadline,
            false => ItemError::ItemTimeout,
        };
        let last_look = |call: &mut Waiting<S, B>| call.last_look(fault, cx);
        overdue.iter_mut().map(last_look).collect()
    }
}
