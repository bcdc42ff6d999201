//! Runs a plan, N at a time; settles what depends on what.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use super::call::{Call, CallError, CallResult};
use super::executor::Spawned;
use super::in_flight::{InFlight, Running};
use super::inner::Inner;
use super::outcome::{ItemContext, ItemResponse, item_error_of};
use super::plan::Plan;
use super::references::Entities;
use super::request::{Checked, Requests};
use super::timer::{Instant, Timer};
use crate::item_error::ItemError;
use crate::panics::{CatchDrop, catch};
use crate::rules::Rules;
use crate::summary::Summary;
use crate::trace::{BatchSpan, ItemSpan, NotFound, item_failed};

/// The items of one batch on their way. Yields answers as they come; dropped, it takes every call
/// with it.
pub(super) struct Dispatch<S: Inner<B>, B> {
    plan: Plan,
    rules: Rules,
    requests: Requests,
    inner: CatchDrop<S>,
    /// Where each call starts; it stays unless the call has to wait.
    slot: Option<Pin<Box<Call<S, B>>>>,
    in_flight: InFlight<S, B>,
    /// Answers that others brought about.
    ready: VecDeque<ItemResponse>,
    /// What every item is error_response that was not begun.
    halt_error: Option<ItemError>,
    entities: Entities,
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
        inner: CatchDrop<S>,
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
            ready: VecDeque::new(),
            halt_error: None,
            entities: Entities::default(),
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

    /// Begins no further item: each that was not begun has this error.
    pub(super) fn halt(&mut self, error: ItemError) {
        self.halt_error.get_or_insert(error);
    }

    /// The next answer. `held` answers count as in flight: they take memory as those do.
    pub(super) fn poll_next(
        &mut self,
        held: usize,
        cx: &mut Task<'_>,
    ) -> Poll<Option<ItemResponse>> {
        loop {
            if let Some(response) = self.ready.pop_front() {
                return Poll::Ready(Some(response));
            }
            // Not left to the timer, which is asked only when there is nothing else to do.
            let now = self.now();
            if let Some(now) = now
                && self.is_overdue(now)
                && self.end_overdue(now, cx)
            {
                continue;
            }
            if let Poll::Ready((index, result, context)) = self.in_flight.poll_next(cx) {
                return Poll::Ready(Some(self.complete(index, result, context)));
            }
            // With nothing in flight the next item is the one that all held answers wait for: those
            // of lost items are held whatever their number.
            let in_flight = self.in_flight.len();
            if in_flight == 0 || in_flight + held < self.rules.concurrency {
                match self.start(now, cx) {
                    Poll::Ready(Some(response)) => return Poll::Ready(Some(response)),
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
        if self.deadline.is_some() || self.rules.config.item_timeout.is_some() {
            Instant::now()
        } else {
            None
        }
    }

    fn is_overdue(&self, now: Instant) -> bool {
        let is_past = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        is_past(self.deadline) || is_past(self.in_flight.first_due())
    }

    /// Ends what is overdue by now. Whether anything was.
    #[cold]
    fn end_overdue(&mut self, now: Instant, cx: &mut Task<'_>) -> bool {
        // Not asked of `halt_error`: a batch that was stopped for something else has a deadline still.
        let is_over = self.deadline.is_some_and(|at| at <= now);
        if is_over {
            self.halt(ItemError::BatchTimeout);
        }
        for (index, result, context) in self.in_flight.end_overdue(now, is_over, cx) {
            // Before those that are lost with it.
            let place = self.ready.len();
            let response = self.complete(index, result, context);
            self.ready.insert(place, response);
        }
        !self.ready.is_empty()
    }

    /// Begins the next item: its answer if it did not have to wait, or `None` if there is none to
    /// begin.
    fn start(&mut self, now: Option<Instant>, cx: &mut Task<'_>) -> Poll<Option<ItemResponse>> {
        let inner = &*self.inner;
        let Some(index) = self.plan.next() else {
            return Poll::Ready(None);
        };
        let references = self.plan.references(index);
        let item = self.plan.item(index);
        let checked = self
            .requests
            .check(&self.rules.config, item, references, &self.entities);
        let span = ItemSpan::new(
            &self.span,
            item,
            checked.as_ref().ok().map(Checked::method_and_path),
        );
        let request = match self.halt_error.or(item.error) {
            Some(error) => Err(error),
            None => checked.and_then(|checked| {
                self.entities.fill(references, item)?;
                span.in_scope(|| {
                    self.requests
                        .build(&self.rules.config, index, item, checked)
                })
            }),
        };
        let mut request = match request {
            Ok(request) => request,
            Err(error) => return Poll::Ready(Some(self.fail(index, error, span.into()))),
        };
        let context = ItemContext::new(&self.rules, &request, span);
        let max_bytes = self.rules.config.limits.max_response_bytes;
        let slot = self.slot.take();
        let mut call = slot.unwrap_or_else(|| Box::pin(Call::idle(max_bytes)));
        if let Some(executor) = &self.rules.config.executor {
            let Some(inner) = catch(|| inner.clone()) else {
                return Poll::Ready(Some(self.fail(index, ItemError::Panicked, context)));
            };
            if let Some(request) = request.take() {
                call.as_mut().set(inner, request);
            }
            let elsewhere = Spawned::new(call, context.span.share(), &**executor);
            let due = self.due(now);
            self.in_flight
                .push(index, Running::Spawned(elsewhere), due, context);
            return Poll::Pending;
        }
        match context
            .span
            .in_scope(|| call.as_mut().begin(inner, &mut request, cx))
        {
            Poll::Ready(result) => {
                self.slot = Some(call);
                Poll::Ready(Some(self.complete(index, result, context)))
            }
            Poll::Pending => {
                let due = self.due(now);
                self.in_flight
                    .push(index, Running::InTask(call), due, context);
                Poll::Pending
            }
        }
    }

    /// When an item that begins now is due.
    fn due(&self, now: Option<Instant>) -> Option<Instant> {
        let timeout = self.rules.config.item_timeout;
        timeout.and_then(|timeout| now?.after(timeout))
    }

    fn fail(&mut self, index: usize, error: ItemError, context: ItemContext) -> ItemResponse {
        self.complete(index, Err(CallError::Item(error)), context)
    }

    fn complete(&mut self, index: usize, result: CallResult, context: ItemContext) -> ItemResponse {
        let ItemContext { span, parts: sent } = context;
        let is_referred_to = self.plan.is_referred_to(index);
        let item = self.plan.item(index);
        let response = match result {
            Ok((parts, body)) => {
                if is_referred_to {
                    self.entities.record(index, item, &parts.headers);
                }
                ItemResponse::from_inner(&self.rules, index, item, parts, body)
            }
            Err(failure) => {
                let error = span.in_scope(|| item_error_of(&self.rules, failure, sent.as_deref()));
                ItemResponse::from_error(&self.rules, index, item, error)
            }
        };
        span.finish(response.subresponse.status);
        self.not_found.count(&response.subresponse);
        let is_success = response.subresponse.is_success();
        if !is_success && !self.rules.continue_on_error {
            self.halt(ItemError::Stopped);
        }
        for lost in self.plan.finish(index, is_success) {
            let references = self.plan.references(lost);
            let item = self.plan.item(lost);
            let checked = self
                .requests
                .check(&self.rules.config, item, references, &self.entities);
            let span = ItemSpan::new(
                &self.span,
                item,
                checked.as_ref().ok().map(Checked::method_and_path),
            );
            let error = ItemError::FailedDependency;
            span.in_scope(|| item_failed(error, None));
            let response = ItemResponse::from_error(&self.rules, lost, item, error);
            span.finish(response.subresponse.status);
            self.ready.push_back(response);
        }
        response
    }
}
