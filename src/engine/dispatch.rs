//! Runs a plan, N at a time; settles what depends on what.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::call::{Call, Called, Inner};
use super::context::Context;
use super::outcome::{Outcome, Settled, fault_of};
use super::plan::Plan;
use super::references::Referents;
use super::spawned::Spawned;
use super::timer::{Instant, Timer};
use crate::fault::Fault;
use crate::trace::{BatchSpan, ItemSpan};

/// The items of one batch on their way. Yields answers as they come; dropped, it takes every call with it.
pub(super) struct Dispatch<S: Inner<B>, B> {
    plan: Plan,
    context: Context,
    inner: S,
    /// Where each call starts; it stays unless the call has to wait.
    slot: Option<Pin<Box<Call<S, B>>>>,
    /// Made when the first call has to wait.
    in_flight: Option<FuturesUnordered<InFlight<S, B>>>,
    /// Answers that others brought about.
    settled: VecDeque<Settled>,
    /// What every item is told that was not begun.
    halted: Option<Fault>,
    referents: Referents,
    deadline: Option<Instant>,
    timer: Timer,
    span: BatchSpan,
}

/// A call that had to wait, and is now polled only when it is woken.
struct InFlight<S: Inner<B>, B> {
    index: usize,
    call: Running<S, B>,
    due: Option<Instant>,
    span: ItemSpan,
}

/// Where a call runs: in the batch's own task, or elsewhere.
enum Running<S: Inner<B>, B> {
    Here(Pin<Box<Call<S, B>>>),
    Elsewhere(Spawned<S, B>),
}

impl<S: Inner<B>, B: Send + 'static> Future for InFlight<S, B> {
    type Output = (usize, Called, ItemSpan);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let called = match &mut this.call {
            Running::Here(call) => this.span.in_scope(|| call.as_mut().poll(cx)),
            Running::Elsewhere(call) => call.poll(cx),
        };
        called.map(|called| (this.index, called, std::mem::take(&mut this.span)))
    }
}

impl<S: Inner<B>, B: Send + 'static> Dispatch<S, B> {
    pub(super) fn new(
        plan: Plan,
        context: Context,
        inner: S,
        deadline: Option<Instant>,
        span: BatchSpan,
    ) -> Self {
        Self {
            plan,
            context,
            inner,
            slot: None,
            in_flight: None,
            settled: VecDeque::new(),
            halted: None,
            referents: Referents::default(),
            deadline,
            timer: Timer::default(),
            span,
        }
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn span(&self) -> &BatchSpan {
        &self.span
    }

    /// Begins no further item: each that was not begun has this fault.
    pub(super) fn halt(&mut self, fault: Fault) {
        self.halted.get_or_insert(fault);
    }

    /// Looks at the clock once. Items that never wait do not let the timer speak.
    pub(super) fn check_deadline(&mut self) {
        if self.deadline.is_some_and(Instant::has_come) {
            self.halt(Fault::Deadline);
        }
    }

    /// The next answer. `held` answers count as in flight: they take memory as those do.
    pub(super) fn poll_next(&mut self, held: usize, cx: &mut Task<'_>) -> Poll<Option<Settled>> {
        loop {
            if let Some(settled) = self.settled.pop_front() {
                return Poll::Ready(Some(settled));
            }
            if let Some(in_flight) = &mut self.in_flight
                && let Poll::Ready(Some((index, called, span))) = in_flight.poll_next_unpin(cx)
            {
                return Poll::Ready(Some(self.finish(index, called, span)));
            }
            // With nothing in flight the next item is the one that all held answers wait for: those of lost items are held
            // whatever their number.
            let in_flight = self.in_flight.as_ref().map_or(0, FuturesUnordered::len);
            if in_flight == 0 || in_flight + held < self.context.concurrency() {
                match self.start(cx) {
                    Poll::Ready(Some(settled)) => return Poll::Ready(Some(settled)),
                    Poll::Ready(None) if in_flight == 0 => return Poll::Ready(None),
                    Poll::Ready(None) => {}
                    Poll::Pending => continue,
                }
            }
            if !self.expire(cx) {
                return Poll::Pending;
            }
        }
    }

    /// Begins the next item: its answer if it did not have to wait, or `None` if there is none to begin.
    fn start(&mut self, cx: &mut Task<'_>) -> Poll<Option<Settled>> {
        let Some(index) = self.plan.next() else {
            return Poll::Ready(None);
        };
        let references = self.plan.references(index);
        let item = self.plan.item(index);
        let asked = self.context.check(item, references, &self.referents);
        let span = ItemSpan::new(&self.span, item, asked.as_ref().ok());
        let request = match self.halted.or(item.fault) {
            Some(fault) => Err(fault),
            None => {
                let (context, referents) = (&mut self.context, &self.referents);
                let request = |asked| context.request(index, item, asked, references, referents);
                span.in_scope(|| asked.and_then(request))
            }
        };
        let request = match request {
            Ok(request) => request,
            Err(fault) => return Poll::Ready(Some(self.settle(index, Err(fault), span))),
        };
        let max_bytes = self.context.config.limits.max_answer_bytes;
        let slot = self.slot.take();
        let mut call = slot.unwrap_or_else(|| Box::pin(Call::idle(max_bytes)));
        if let Some(executor) = &self.context.config.executor {
            let inner = &self.inner;
            let Ok(inner) = catch_unwind(AssertUnwindSafe(|| inner.clone())) else {
                return Poll::Ready(Some(self.settle(index, Err(Fault::Panicked), span)));
            };
            call.as_mut().set(inner, request);
            let elsewhere = Spawned::new(call, span.share(), &**executor);
            self.wait_for(index, Running::Elsewhere(elsewhere), span);
            return Poll::Pending;
        }
        match span.in_scope(|| call.as_mut().begin(&self.inner, request, cx)) {
            Poll::Ready(called) => {
                self.slot = Some(call);
                Poll::Ready(Some(self.finish(index, called, span)))
            }
            Poll::Pending => {
                self.wait_for(index, Running::Here(call), span);
                Poll::Pending
            }
        }
    }

    fn wait_for(&mut self, index: usize, call: Running<S, B>, span: ItemSpan) {
        let timeout = self.context.config.item_timeout;
        self.in_flight.get_or_insert_default().push(InFlight {
            index,
            call,
            due: timeout.and_then(Instant::after),
            span,
        });
    }

    fn finish(&mut self, index: usize, called: Called, span: ItemSpan) -> Settled {
        let outcome = called.map_err(|failure| fault_of(&self.context, failure));
        self.settle(index, outcome, span)
    }

    fn settle(&mut self, index: usize, outcome: Outcome, span: ItemSpan) -> Settled {
        let is_referred_to = self.plan.is_referred_to(index);
        let item = self.plan.item(index);
        if is_referred_to && let Ok((parts, _)) = &outcome {
            self.referents.note(index, item, &parts.headers);
        }
        let settled = Settled::new(&self.context, index, item, outcome);
        span.finish(settled.subresponse.status);
        let is_success = settled.subresponse.is_success();
        if !is_success && !self.context.continue_on_error() {
            self.halt(Fault::Stopped);
        }
        for lost in self.plan.settle(index, is_success) {
            let references = self.plan.references(lost);
            let item = self.plan.item(lost);
            let asked = self.context.check(item, references, &self.referents);
            let span = ItemSpan::new(&self.span, item, asked.as_ref().ok());
            let settled = Settled::new(&self.context, lost, item, Err(Fault::FailedDependency));
            span.finish(settled.subresponse.status);
            self.settled.push_back(settled);
        }
        settled
    }

    /// Ends what is overdue. Whether anything was, so that there is more to do now.
    fn expire(&mut self, cx: &mut Task<'_>) -> bool {
        let waiting = self.in_flight.iter().flatten();
        let dues = waiting.filter_map(|call| call.due);
        let Some(first) = dues.chain(self.deadline).min() else {
            return false;
        };
        if !self.timer.poll(first, cx) {
            return false;
        }
        self.check_deadline();
        // Not asked of `halted`: a batch that was stopped for something else has a deadline still.
        let fault = match self.deadline.is_some_and(Instant::has_come) {
            true => Fault::Deadline,
            false => Fault::ItemTimeout,
        };
        let is_overdue = |call: &InFlight<S, B>| {
            fault == Fault::Deadline || call.due.is_some_and(Instant::has_come)
        };
        let in_flight = self.in_flight.take().into_iter().flatten();
        let (mut overdue, rest): (Vec<_>, Vec<_>) = in_flight.partition(is_overdue);
        self.in_flight = Some(rest.into_iter().collect());
        overdue.sort_unstable_by_key(|call| call.index);
        for InFlight {
            index, call, span, ..
        } in overdue.drain(..)
        {
            // A handler's destructor is no better than the handler.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(call)));
            // Before those that are lost with it.
            let place = self.settled.len();
            let settled = self.settle(index, Err(fault), span);
            self.settled.insert(place, settled);
        }
        !self.settled.is_empty()
    }
}
