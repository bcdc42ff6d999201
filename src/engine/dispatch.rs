//! Runs a plan, N at a time; settles what depends on what.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use super::call::{Call, Called, Failure};
use super::executor::Spawned;
use super::in_flight::{InFlight, Running};
use super::inner::Inner;
use super::outcome::{Kept, Settled, fault_of};
use super::plan::Plan;
use super::references::Referents;
use super::request::{Checked, Requests};
use super::timer::{Instant, Timer};
use crate::item_error::ItemError;
use crate::panics::{Contained, catch};
use crate::rules::Rules;
use crate::summary::Summary;
use crate::trace::{BatchSpan, ItemSpan, NotFound, item_failed};

/// The items of one batch on their way. Yields answers as they come; dropped, it takes every call
/// with it.
pub(super) struct Dispatch<S: Inner<B>, B> {
    plan: Plan,
    rules: Rules,
    requests: Requests,
    inner: Contained<S>,
    /// Where each call starts; it stays unless the call has to wait.
    slot: Option<Pin<Box<Call<S, B>>>>,
    in_flight: InFlight<S, B>,
    /// Answers that others brought about.
    settled: VecDeque<Settled>,
    /// What every item is told that was not begun.
    halted: Option<ItemError>,
    referents: Referents,
    deadline: Option<Instant>,
    timer: Timer,
    span: BatchSpan,
    not_found: NotFound,
}

impl<S: Inner<B>, B: Send + 'static> Dispatch<S, B> {
    pub(super) fn new(
        plan: Plan,
        rules: Rules,
        requests: Requests,
        inner: Contained<S>,
        deadline: Option<Instant>,
        span: BatchSpan,
    ) -> Self {
        Self {
            plan,
            rules,
            requests,
            inner,
            slot: None,
            in_flight: InFlight::default(),
            settled: VecDeque::new(),
            halted: None,
            referents: Referents::default(),
            deadline,
            timer: Timer::default(),
            span,
            not_found: NotFound::default(),
        }
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn span(&self) -> &BatchSpan {
        &self.span
    }

    /// All responses are written.
    pub(super) fn end(&self, summary: &Summary) {
        self.span.finish(summary);
        self.not_found.end(&self.rules.config.warned);
    }

    /// Begins no further item: each that was not begun has this fault.
    pub(super) fn halt(&mut self, fault: ItemError) {
        self.halted.get_or_insert(fault);
    }

    /// The next answer. `held` answers count as in flight: they take memory as those do.
    pub(super) fn poll_next(&mut self, held: usize, cx: &mut Task<'_>) -> Poll<Option<Settled>> {
        loop {
            if let Some(settled) = self.settled.pop_front() {
                return Poll::Ready(Some(settled));
            }
            // Not left to the timer, which is asked only when there is nothing else to do.
            let now = self.now();
            if let Some(now) = now
                && self.is_overdue(now)
                && self.end_overdue(now, cx)
            {
                continue;
            }
            if let Poll::Ready((index, called, kept)) = self.in_flight.poll_next(cx) {
                return Poll::Ready(Some(self.settle(index, called, kept)));
            }
            // With nothing in flight the next item is the one that all held answers wait for: those
            // of lost items are held whatever their number.
            let in_flight = self.in_flight.len();
            if in_flight == 0 || in_flight + held < self.rules.concurrency {
                match self.start(now, cx) {
                    Poll::Ready(Some(settled)) => return Poll::Ready(Some(settled)),
                    Poll::Ready(None) if in_flight == 0 => return Poll::Ready(None),
                    Poll::Ready(None) => {}
                    Poll::Pending => continue,
                }
            }
            let ends = self.in_flight.first_due().into_iter().chain(self.deadline);
            if !ends.min().is_some_and(|at| self.timer.poll(at, cx)) {
                return Poll::Pending;
            }
        }
    }

    /// The time, if anything depends on it.
    fn now(&self) -> Option<Instant> {
        match self.deadline.is_some() || self.rules.config.item_timeout.is_some() {
            true => Instant::now(),
            false => None,
        }
    }

    fn is_overdue(&self, now: Instant) -> bool {
        let is_past = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        is_past(self.deadline) || is_past(self.in_flight.first_due())
    }

    /// Ends what is overdue by now. Whether anything was.
    #[cold]
    fn end_overdue(&mut self, now: Instant, cx: &mut Task<'_>) -> bool {
        // Not asked of `halted`: a batch that was stopped for something else has a deadline still.
        let is_over = self.deadline.is_some_and(|at| at <= now);
        if is_over {
            self.halt(ItemError::Deadline);
        }
        for (index, called, kept) in self.in_flight.end_overdue(now, is_over, cx) {
            // Before those that are lost with it.
            let place = self.settled.len();
            let settled = self.settle(index, called, kept);
            self.settled.insert(place, settled);
        }
        !self.settled.is_empty()
    }

    /// Begins the next item: its answer if it did not have to wait, or `None` if there is none to
    /// begin.
    fn start(&mut self, now: Option<Instant>, cx: &mut Task<'_>) -> Poll<Option<Settled>> {
        let inner = &*self.inner;
        let Some(index) = self.plan.next() else {
            return Poll::Ready(None);
        };
        let references = self.plan.references(index);
        let item = self.plan.item(index);
        let checked = self
            .requests
            .check(&self.rules.config, item, references, &self.referents);
        let span = ItemSpan::new(&self.span, item, checked.as_ref().ok().map(Checked::shown));
        let request = match self.halted.or(item.fault) {
            Some(fault) => Err(fault),
            None => checked.and_then(|checked| {
                self.referents.fill(references, item)?;
                span.in_scope(|| {
                    self.requests
                        .build(&self.rules.config, index, item, checked)
                })
            }),
        };
        let mut request = match request {
            Ok(request) => request,
            Err(fault) => return Poll::Ready(Some(self.fail(index, fault, span.into()))),
        };
        let kept = Kept::new(&self.rules, &request, span);
        let max_bytes = self.rules.config.limits.max_response_bytes;
        let slot = self.slot.take();
        let mut call = slot.unwrap_or_else(|| Box::pin(Call::idle(max_bytes)));
        if let Some(executor) = &self.rules.config.executor {
            let Some(inner) = catch(|| inner.clone()) else {
                return Poll::Ready(Some(self.fail(index, ItemError::Panicked, kept)));
            };
            if let Some(request) = request.take() {
                call.as_mut().set(inner, request);
            }
            let elsewhere = Spawned::new(call, kept.span.share(), &**executor);
            let due = self.due(now);
            self.in_flight
                .push(index, Running::Elsewhere(elsewhere), due, kept);
            return Poll::Pending;
        }
        match kept
            .span
            .in_scope(|| call.as_mut().begin(inner, &mut request, cx))
        {
            Poll::Ready(called) => {
                self.slot = Some(call);
                Poll::Ready(Some(self.settle(index, called, kept)))
            }
            Poll::Pending => {
                let due = self.due(now);
                self.in_flight.push(index, Running::Here(call), due, kept);
                Poll::Pending
            }
        }
    }

    /// When an item that begins now is due.
    fn due(&self, now: Option<Instant>) -> Option<Instant> {
        let timeout = self.rules.config.item_timeout;
        timeout.and_then(|timeout| now?.after(timeout))
    }

    fn fail(&mut self, index: usize, fault: ItemError, kept: Kept) -> Settled {
        self.settle(index, Err(Failure::ItemError(fault)), kept)
    }

    fn settle(&mut self, index: usize, called: Called, kept: Kept) -> Settled {
        let Kept { span, parts: sent } = kept;
        let is_referred_to = self.plan.is_referred_to(index);
        let item = self.plan.item(index);
        let settled = match called {
            Ok((parts, body)) => {
                if is_referred_to {
                    self.referents.note(index, item, &parts.headers);
                }
                Settled::answered(&self.rules, index, item, parts, body)
            }
            Err(failure) => {
                let fault = span.in_scope(|| fault_of(&self.rules, failure, sent.as_deref()));
                Settled::failed(&self.rules, index, item, fault)
            }
        };
        span.finish(settled.subresponse.status);
        self.not_found.count(&settled.subresponse);
        let is_success = settled.subresponse.is_success();
        if !is_success && !self.rules.continue_on_error {
            self.halt(ItemError::Stopped);
        }
        for lost in self.plan.settle(index, is_success) {
            let references = self.plan.references(lost);
            let item = self.plan.item(lost);
            let checked =
                self.requests
                    .check(&self.rules.config, item, references, &self.referents);
            let span = ItemSpan::new(&self.span, item, checked.as_ref().ok().map(Checked::shown));
            let fault = ItemError::FailedDependency;
            span.in_scope(|| item_failed(fault, None));
            let settled = Settled::failed(&self.rules, lost, item, fault);
            span.finish(settled.subresponse.status);
            self.settled.push_back(settled);
        }
        settled
    }
}
