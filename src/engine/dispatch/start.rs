//! How an item starts.

use std::task::{Context as Task, Poll};

use super::Dispatch;
use super::groups::Entry;
use crate::engine::call::Call;
use crate::engine::executor::Spawned;
use crate::engine::in_flight::Running;
use crate::engine::inner::Inner;
use crate::engine::outcome::{ItemContext, ItemResponse};
use crate::engine::plan::Slot;
use crate::engine::request::CheckedTarget;
use crate::engine::timer::Instant;
use crate::item_error::ItemError;
use crate::panics::catch;
use crate::trace::ItemSpan;

impl<S: Inner<B>, B: Send + 'static> Dispatch<S, B> {
    /// Starts the next item. Returns its response if the item did not have to wait, or `None` if no
    /// item can start.
    #[inline(never)]
    pub(super) fn start(
        &mut self,
        now: Option<Instant>,
        cx: &mut Task<'_>,
    ) -> Poll<Option<ItemResponse>> {
        if self.groups.is_some() {
            return self.start_with_groups(now, cx);
        }
        match self.plan.next() {
            Some(slot) => self.start_item(slot, None, now, cx),
            None => Poll::Ready(None),
        }
    }

    /// Starts the next item of a batch that has groups.
    #[cold]
    fn start_with_groups(
        &mut self,
        now: Option<Instant>,
        cx: &mut Task<'_>,
    ) -> Poll<Option<ItemResponse>> {
        let begun = self.groups.as_mut().and_then(|groups| groups.next_begun());
        match begun.or_else(|| self.plan.next()) {
            Some(slot) => self.start_beside_groups(slot, now, cx),
            None => Poll::Ready(None),
        }
    }

    /// Starts an item of a batch that has groups.
    pub(super) fn start_beside_groups(
        &mut self,
        slot: Slot,
        now: Option<Instant>,
        cx: &mut Task<'_>,
    ) -> Poll<Option<ItemResponse>> {
        let group = self.group_of(slot);
        match group.map_or(Entry::Start, |group| self.enter_group(group, slot, now)) {
            Entry::Start => self.start_item(slot, group, now, cx),
            Entry::Wait => {
                if let Some(times) = self.plan.item(slot).times_mut() {
                    times.leave_plan();
                }
                Poll::Pending
            }
            Entry::Fail(error) => {
                let span = ItemSpan::new(&self.span, self.plan.item(slot), None);
                self.fail(slot, error, span.into())
            }
        }
    }

    #[inline(never)]
    fn start_item(
        &mut self,
        slot: Slot,
        group: Option<usize>,
        now: Option<Instant>,
        cx: &mut Task<'_>,
    ) -> Poll<Option<ItemResponse>> {
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
        let request = match self.halt_error.or(item.error) {
            Some(error) => Err(error),
            None => checked.and_then(|checked| {
                let limits = &self.rules.config.limits;
                self.entities
                    .fill(references, item, limits.max_item_body_bytes)?;
                span.in_scope(|| {
                    self.requests
                        .build(&self.rules.config, slot.index(), item, checked)
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
        if self.rules.is_timed
            && let Some(times) = self.plan.item(slot).times_mut()
        {
            times.start();
        }
        let max_bytes = self.rules.config.limits.max_response_bytes;
        let idle = self.idle_call.take();
        let mut call = idle.unwrap_or_else(|| {
            let observers = self.rules.config.item_observers();
            Box::pin(Call::idle(max_bytes, observers.and_then(|all| all.route)))
        });
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
                match group {
                    None => Poll::Ready(Some(self.complete(slot, result, context))),
                    Some(group) => {
                        self.complete_member(group, slot, result, context);
                        Poll::Pending
                    }
                }
            }
            Poll::Pending => {
                let due = self.due(now);
                self.in_flight
                    .push(slot, Running::InTask(call), due, context);
                Poll::Pending
            }
        }
    }
}
