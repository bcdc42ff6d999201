//! Calls that are waiting, and when they are overdue.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::call::{Call, CallError, CallResult};
use super::executor::Spawned;
use super::inner::Inner;
use super::outcome::ItemContext;
use super::plan::Slot;
use super::timer::Instant;
use crate::item_error::ItemError;

/// The waiting calls of one batch. Dropping it drops all of them.
pub(super) struct InFlight<S: Inner<B>, B> {
    /// Created when the first call has to wait.
    calls: Option<FuturesUnordered<PendingCall<S, B>>>,
    /// No call is due before this time. The call that had this time may have ended since, in which
    /// case the next check corrects it.
    first_due: Option<Instant>,
}

/// A waiting call, which is polled only when it is woken.
struct PendingCall<S: Inner<B>, B> {
    slot: Slot,
    call: Running<S, B>,
    due: Option<Instant>,
    context: ItemContext,
}

/// Where a call runs: in the task of the batch, or on an executor.
pub(super) enum Running<S: Inner<B>, B> {
    InTask(Pin<Box<Call<S, B>>>),
    Spawned(Spawned<S, B>),
}

impl<S: Inner<B>, B: Send + 'static> Running<S, B> {
    /// Whether the inner service has received the request.
    fn is_begun(&self) -> bool {
        match self {
            Self::InTask(call) => call.is_begun(),
            Self::Spawned(call) => call.is_begun(),
        }
    }
}

/// A call that has finished or timed out: its item, its result and its context.
pub(super) type FinishedCall = (Slot, CallResult, ItemContext);

impl<S: Inner<B>, B: Send + 'static> Future for PendingCall<S, B> {
    type Output = FinishedCall;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<FinishedCall> {
        let this = &mut *self;
        let result = match &mut this.call {
            Running::InTask(call) => this.context.span.in_scope(|| call.as_mut().poll(cx)),
            Running::Spawned(call) => call.poll(cx),
        };
        result.map(|result| this.end(result))
    }
}

impl<S: Inner<B>, B: Send + 'static> PendingCall<S, B> {
    fn end(&mut self, result: CallResult) -> FinishedCall {
        (self.slot, result, std::mem::take(&mut self.context))
    }

    /// Polls the call a last time, so that finished work is not lost. Returns its result if there
    /// is one, else this error. A call that still waits for readiness is not polled: it would start
    /// only to be dropped.
    fn poll_once_more(&mut self, error: ItemError, cx: &mut Task<'_>) -> FinishedCall {
        let is_begun = match &self.call {
            Running::InTask(call) => call.is_begun(),
            Running::Spawned(_) => true,
        };
        match is_begun.then(|| Pin::new(&mut *self).poll(cx)) {
            Some(Poll::Ready(ended)) => ended,
            _ => {
                let is_sent = self.call.is_begun();
                self.end(Err(CallError::new(error, is_sent)))
            }
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
        slot: Slot,
        call: Running<S, B>,
        due: Option<Instant>,
        context: ItemContext,
    ) {
        // All items have the same timeout, so those that start later are due later.
        self.first_due = self.first_due().or(due);
        self.calls.get_or_insert_default().push(PendingCall {
            slot,
            call,
            due,
            context,
        });
    }

    pub(super) fn poll_next(&mut self, cx: &mut Task<'_>) -> Poll<FinishedCall> {
        let calls = self.calls.as_mut();
        match calls.map(|calls| calls.poll_next_unpin(cx)) {
            Some(Poll::Ready(Some(ended))) => Poll::Ready(ended),
            _ => Poll::Pending,
        }
    }

    /// Whether a call of one of these items waits.
    pub(super) fn has(&self, is_wanted: impl Fn(Slot) -> bool) -> bool {
        let mut calls = self.calls.iter().flatten();
        calls.any(|call| is_wanted(call.slot))
    }

    /// Drops the calls of these items. Returns the items, each with whether the inner service has
    /// received its request.
    pub(super) fn cancel(&mut self, is_cancelled: impl Fn(Slot) -> bool) -> Vec<(Slot, bool)> {
        let calls = self.calls.take().into_iter().flatten();
        let (cancelled, rest): (Vec<_>, Vec<_>) = calls.partition(|call| is_cancelled(call.slot));
        if !rest.is_empty() {
            self.calls = Some(rest.into_iter().collect());
        }
        let cancelled = cancelled.iter();
        cancelled
            .map(|pending| (pending.slot, pending.call.is_begun()))
            .collect()
    }

    /// Returns when the next call may be due, if any call has a timeout.
    pub(super) fn first_due(&self) -> Option<Instant> {
        self.first_due.filter(|_| self.len() > 0)
    }

    /// Ends the calls that are overdue, or all calls if the batch has timed out. They are returned
    /// in the order of the batch.
    pub(super) fn end_overdue(
        &mut self,
        now: Instant,
        is_batch_over: bool,
        cx: &mut Task<'_>,
    ) -> Vec<FinishedCall> {
        let is_due = |due: Option<Instant>| is_batch_over || due.is_some_and(|due| due <= now);
        if self.len() == 0 || !is_due(self.first_due) {
            return Vec::new();
        }
        let calls = self.calls.take().into_iter().flatten();
        let (mut overdue, rest): (Vec<_>, Vec<_>) = calls.partition(|call| is_due(call.due));
        self.first_due = rest.iter().filter_map(|call| call.due).min();
        self.calls = Some(rest.into_iter().collect());
        overdue.sort_unstable_by_key(|call| call.slot);
        // All are polled before any is dropped: what a dropped call releases must not start another
        // one.
        let error = if is_batch_over {
            ItemError::BatchTimeout
        } else {
            ItemError::ItemTimeout
        };
        let poll_once_more = |call: &mut PendingCall<S, B>| call.poll_once_more(error, cx);
        overdue.iter_mut().map(poll_once_more).collect()
    }
}
