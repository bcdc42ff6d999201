//! Runs the items of a plan, up to `concurrency` at a time.

mod complete;
mod group_run;
mod group_steps;
mod groups;
mod start;
mod step;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use self::groups::Groups;
use crate::engine::call::Call;
use crate::engine::in_flight::InFlight;
use crate::engine::inner::Inner;
use crate::engine::outcome::ItemResponse;
use crate::engine::plan::Plan;
use crate::engine::references::Entities;
use crate::engine::request::Requests;
use crate::engine::stream::Stream;
use crate::engine::timer::{Instant, Timer};
use crate::item_error::ItemError;
use crate::panics::CatchDrop;
use crate::rules::Rules;
use crate::summary::Summary;
use crate::trace::{BatchSpan, NotFound, upload_ended};

/// The running items of one batch, whose responses are returned as they finish. Dropping it drops
/// every call.
pub(in crate::engine) struct Dispatch<S: Inner<B>, B> {
    plan: Plan,
    rules: Rules,
    requests: Requests,
    inner: CatchDrop<S>,
    /// The box in which each call starts. It is reused unless the call has to wait.
    idle_call: Option<Pin<Box<Call<S, B>>>>,
    in_flight: InFlight<S, B>,
    /// Responses that are ready to be returned: of items whose dependency failed, and of items that
    /// timed out.
    ready: VecDeque<ItemResponse>,
    /// The number of items that have run and failed.
    failures: usize,
    /// The error of every item that has not started yet.
    halt_error: Option<ItemError>,
    entities: Entities,
    deadline: Option<Instant>,
    timer: Timer,
    /// Items that arrive while others run.
    stream: Option<Box<Stream>>,
    /// Groups that run in transactions.
    groups: Option<Box<Groups>>,
    span: BatchSpan,
    not_found: NotFound,
}

impl<S: Inner<B>, B: Send + 'static> Dispatch<S, B> {
    pub(in crate::engine) fn new(
        plan: Plan,
        rules: Rules,
        requests: Requests,
        inner: CatchDrop<S>,
        deadline: Option<Instant>,
        stream: Option<Box<Stream>>,
        span: BatchSpan,
    ) -> Self {
        let ranges = plan.atomic_groups();
        let groups = rules.config.change_sets.transactions();
        let groups = groups.filter(|_| !ranges.is_empty()).map(|transactions| {
            let transactions = Arc::clone(transactions);
            Box::new(Groups::new(transactions, requests.outer(), ranges))
        });
        Self {
            plan,
            rules,
            requests,
            inner,
            idle_call: None,
            in_flight: InFlight::default(),
            ready: VecDeque::new(),
            failures: 0,
            halt_error: None,
            entities: Entities::default(),
            deadline,
            timer: Timer::default(),
            stream,
            groups,
            span,
            not_found: NotFound::default(),
        }
    }

    pub(in crate::engine) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(in crate::engine) fn span(&self) -> &BatchSpan {
        &self.span
    }

    /// Called when all responses are written. Completes the summary.
    pub(in crate::engine) fn end(&mut self, summary: &mut Summary) {
        let stream = self.stream.as_mut();
        if let Some(error) = stream.and_then(|stream| stream.take_error()) {
            self.span.in_scope(|| upload_ended(&error));
            summary.set_error(error);
        }
        self.span.finish(summary);
        self.not_found.end(&self.rules.config.warned);
    }

    /// Called when the reader of the response has taken a frame.
    pub(in crate::engine) fn touch(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.touch();
        }
    }

    /// Reads more items of a stream, if there is room. Returns whether there may be something new
    /// to start.
    #[inline(never)]
    pub(in crate::engine) fn poll_stream(&mut self, cx: &mut Task<'_>) -> Poll<bool> {
        match &mut self.stream {
            Some(stream) => stream.poll_items(&mut self.plan, cx),
            None => Poll::Ready(false),
        }
    }

    /// Starts no further item. Items that have not started yet fail with this error.
    pub(in crate::engine) fn halt(&mut self, error: ItemError) {
        self.halt_error.get_or_insert(error);
    }

    /// Returns the next response. `held` responses count as in flight, because they use as much
    /// memory.
    pub(in crate::engine) fn poll_next(
        &mut self,
        held: usize,
        cx: &mut Task<'_>,
    ) -> Poll<Option<ItemResponse>> {
        loop {
            if let Some(response) = self.ready.pop_front() {
                return Poll::Ready(Some(response));
            }
            // The timer alone does not suffice: it is polled only when there is nothing else to do.
            let now = self.now();
            if let Some(stream) = &mut self.stream {
                self.deadline = now.and_then(|now| stream.end(now));
            }
            if let Some(now) = now
                && self.is_overdue(now)
                && self.end_overdue(now, cx)
            {
                continue;
            }
            if let Poll::Ready((slot, result, context)) = self.in_flight.poll_next(cx) {
                if let Some(group) = self.group_of(slot) {
                    self.complete_member(group, slot, result, context);
                    continue;
                }
                return Poll::Ready(Some(self.complete(slot, result, context)));
            }
            if self.groups.is_some() && self.poll_groups(now, cx) {
                continue;
            }
            // If nothing is in flight, the held responses wait for the next item, so it starts
            // however many are held. Responses of items whose dependency failed are held without
            // limit.
            let in_flight = self.in_flight.len() + self.steps();
            if in_flight == 0 || in_flight + held < self.rules.concurrency {
                match self.start(now, cx) {
                    Poll::Ready(Some(response)) => return Poll::Ready(Some(response)),
                    Poll::Ready(None) => match self.poll_stream(cx) {
                        Poll::Ready(true) => continue,
                        Poll::Ready(false) if in_flight == 0 => return Poll::Ready(None),
                        _ => {}
                    },
                    Poll::Pending => continue,
                }
            }
            let ends = self.first_due().into_iter().chain(self.deadline);
            if !ends.min().is_some_and(|at| self.timer.poll(at, cx)) {
                return Poll::Pending;
            }
        }
    }

    /// Returns the current time, if any timeout is set.
    fn now(&self) -> Option<Instant> {
        if self.stream.is_some()
            || self.deadline.is_some()
            || self.rules.config.item_timeout.is_some()
        {
            Instant::now()
        } else {
            None
        }
    }

    fn is_overdue(&self, now: Instant) -> bool {
        let is_past = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        is_past(self.deadline) || is_past(self.first_due())
    }

    /// Returns when the next call, or the next step of a transaction, may be due.
    #[inline]
    fn first_due(&self) -> Option<Instant> {
        let calls = self.in_flight.first_due();
        match &self.groups {
            None => calls,
            Some(groups) => calls.into_iter().chain(groups.first_due()).min(),
        }
    }

    /// The number of transactions that begin or end.
    #[inline]
    fn steps(&self) -> usize {
        self.groups.as_ref().map_or(0, |groups| groups.steps())
    }

    /// The bytes of the responses that wait for the end of a transaction.
    pub(in crate::engine) fn held_bytes(&self) -> usize {
        self.groups.as_ref().map_or(0, |groups| groups.held_bytes())
    }

    /// Ends the items that are overdue. Returns whether there were any.
    #[cold]
    fn end_overdue(&mut self, now: Instant, cx: &mut Task<'_>) -> bool {
        // `halt_error` does not show this: a batch that was halted for another reason still has a
        // deadline.
        let is_over = self.deadline.is_some_and(|at| at <= now);
        if is_over {
            self.halt(ItemError::BatchTimeout);
            if let Some(stream) = &mut self.stream {
                stream.time_out();
            }
        }
        for (slot, result, context) in self.in_flight.end_overdue(now, is_over, cx) {
            if let Some(group) = self.group_of(slot) {
                self.complete_member(group, slot, result, context);
                continue;
            }
            // Placed before the responses of its dependants.
            let position = self.ready.len();
            let response = self.complete(slot, result, context);
            self.ready.insert(position, response);
        }
        self.end_overdue_steps(now, is_over);
        !self.ready.is_empty()
    }

    /// Returns when an item that starts now times out.
    fn due(&self, now: Option<Instant>) -> Option<Instant> {
        let timeout = self.rules.config.item_timeout;
        timeout.and_then(|timeout| now?.after(timeout))
    }
}
