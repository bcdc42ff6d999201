//! Runs the items of a plan, up to `concurrency` at a time.

mod groups;
mod step;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use self::groups::{Entry, Groups};
use crate::engine::call::{Call, CallError, CallResult};
use crate::engine::executor::Spawned;
use crate::engine::in_flight::{InFlight, Running};
use crate::engine::inner::Inner;
use crate::engine::outcome::{ItemContext, ItemResponse, item_error_of};
use crate::engine::plan::{Plan, Slot};
use crate::engine::references::Entities;
use crate::engine::request::{CheckedTarget, Requests};
use crate::engine::stream::Stream;
use crate::engine::timer::{Instant, Timer};
use crate::item_error::ItemError;
use crate::panics::{CatchDrop, catch};
use crate::rules::Rules;
use crate::subresponse::Subresponse;
use crate::summary::Summary;
use crate::trace::{BatchSpan, ItemSpan, NotFound, is_recorded, item_failed, upload_ended};

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
                match self.finished(slot, result, context) {
                    Poll::Pending => continue,
                    response => return response,
                }
            }
            if self.groups.is_some() && self.poll_groups(cx) {
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

    /// Starts the next item. Returns its response if the item did not have to wait, or `None` if no
    /// item can start.
    #[inline(never)]
    fn start(&mut self, now: Option<Instant>, cx: &mut Task<'_>) -> Poll<Option<ItemResponse>> {
        let Some(slot) = self.next_slot() else {
            return Poll::Ready(None);
        };
        let group = self.group_of(slot);
        let entry = group.map_or(Entry::Start, |group| self.enter_group(group, slot, now));
        let group_error = match entry {
            Entry::Start => None,
            Entry::Wait => return Poll::Pending,
            Entry::Fail(error) => Some(error),
        };
        let inner = &*self.inner;
        let references = self.plan.references(slot);
        let item = self.plan.item(slot);
        let checked = self
            .requests
            .check(&self.rules.config, item, references, &self.entities);
        let span = ItemSpan::new(
            &self.span,
            item,
            checked.as_ref().ok().map(CheckedTarget::method_and_path),
        );
        let request = match group_error.or(self.halt_error).or(item.error) {
            Some(error) => Err(error),
            None => checked.and_then(|checked| {
                self.entities.fill(references, item)?;
                span.in_scope(|| {
                    self.requests
                        .build(&self.rules.config, slot.index, item, checked)
                })
            }),
        };
        let mut request = match request {
            Ok(request) => request,
            Err(error) => return self.fail(slot, error, span.into()),
        };
        if let (Some(group), Some(groups)) = (group, &mut self.groups)
            && let Some(request) = request.get_mut()
            && !groups.insert(group, request.extensions_mut())
        {
            return self.fail(slot, ItemError::Panicked, span.into());
        }
        let context = ItemContext::new(&self.rules, &request, span);
        let max_bytes = self.rules.config.limits.max_response_bytes;
        let idle = self.idle_call.take();
        let mut call = idle.unwrap_or_else(|| Box::pin(Call::idle(max_bytes)));
        if let Some(executor) = &self.rules.config.executor {
            let Some(inner) = catch(|| inner.clone()) else {
                return self.fail(slot, ItemError::Panicked, context);
            };
            if let Some(request) = request.take() {
                call.as_mut().set(inner, request);
            }
            let elsewhere = Spawned::new(call, context.span.share(), &**executor);
            let due = self.due(now);
            self.in_flight
                .push(slot, Running::Spawned(elsewhere), due, context);
            return Poll::Pending;
        }
        match context
            .span
            .in_scope(|| call.as_mut().begin(inner, &mut request, cx))
        {
            Poll::Ready(result) => {
                self.idle_call = Some(call);
                self.finished(slot, result, context)
            }
            Poll::Pending => {
                let due = self.due(now);
                self.in_flight
                    .push(slot, Running::InTask(call), due, context);
                Poll::Pending
            }
        }
    }

    /// Returns when an item that starts now times out.
    fn due(&self, now: Option<Instant>) -> Option<Instant> {
        let timeout = self.rules.config.item_timeout;
        timeout.and_then(|timeout| now?.after(timeout))
    }

    /// Returns the next item that can start.
    #[inline]
    fn next_slot(&mut self) -> Option<Slot> {
        let begun = self.groups.as_mut().and_then(|groups| groups.next_begun());
        begun.or_else(|| self.plan.next())
    }

    fn fail(
        &mut self,
        slot: Slot,
        error: ItemError,
        context: ItemContext,
    ) -> Poll<Option<ItemResponse>> {
        self.finished(slot, Err(CallError::Item(error)), context)
    }

    /// Returns the response of an item that has finished. That of an item of a group waits for the
    /// end of the group.
    #[inline]
    fn finished(
        &mut self,
        slot: Slot,
        result: CallResult,
        context: ItemContext,
    ) -> Poll<Option<ItemResponse>> {
        if let Some(group) = self.group_of(slot) {
            self.complete_member(group, slot, result, context);
            return Poll::Pending;
        }
        Poll::Ready(Some(self.complete(slot, result, context)))
    }

    fn complete(&mut self, slot: Slot, result: CallResult, context: ItemContext) -> ItemResponse {
        let response = self.respond(slot, result, context);
        let is_success = response.subresponse.is_success();
        let lost = self.plan.finish(slot, is_success);
        self.lose(lost);
        response
    }

    /// Makes the response of an item from its result.
    fn respond(&mut self, slot: Slot, result: CallResult, context: ItemContext) -> ItemResponse {
        let ItemContext { span, parts: sent } = context;
        let is_referred_to = self.plan.is_referred_to(slot);
        let item = self.plan.item(slot);
        let response = match result {
            Ok((parts, body)) => {
                if is_referred_to {
                    self.entities.record(slot.index, item, &parts.headers);
                }
                ItemResponse::from_inner(&self.rules, slot.index, item, parts, body)
            }
            Err(failure) => {
                let error = span.in_scope(|| item_error_of(&self.rules, failure, sent.as_deref()));
                ItemResponse::from_error(&self.rules, slot.index, item, error)
            }
        };
        span.finish(response.subresponse.status);
        self.not_found.count(&response.subresponse);
        if !response.subresponse.is_success() && !self.rules.continue_on_error {
            self.halt(ItemError::Stopped);
        }
        self.settle(slot, &response.subresponse);
        response
    }

    /// Makes the response of an item that will not run because another one has failed.
    #[cold]
    fn respond_to_lost(&mut self, slot: Slot, error: ItemError) -> ItemResponse {
        let references = self.plan.references(slot);
        let item = self.plan.item(slot);
        // The item does not run: its target is checked only to be recorded.
        let checked = is_recorded().then(|| {
            self.requests
                .check(&self.rules.config, item, references, &self.entities)
        });
        let checked = checked.as_ref().and_then(|checked| checked.as_ref().ok());
        let target = checked.map(CheckedTarget::method_and_path);
        let span = ItemSpan::new(&self.span, item, target);
        span.in_scope(|| item_failed(error, None));
        let response = ItemResponse::from_error(&self.rules, slot.index, item, error);
        span.finish(response.subresponse.status);
        self.settle(slot, &response.subresponse);
        response
    }

    /// Called when the response of an item exists.
    fn settle(&mut self, slot: Slot, response: &Subresponse) {
        if let Some(stream) = &mut self.stream {
            stream.touch();
            let is_success = response.is_success();
            self.plan.settle(slot, response.group(), is_success);
        }
    }
}
