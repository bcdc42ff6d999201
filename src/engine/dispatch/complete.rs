//! How an item ends: its response, and what follows for the items that wait for it.

use std::task::Poll;

use super::Dispatch;
use crate::engine::call::{CallError, CallResult};
use crate::engine::inner::Inner;
use crate::engine::outcome::{ItemContext, ItemResponse, item_error_of};
use crate::engine::plan::Slot;
use crate::engine::request::CheckedTarget;
use crate::item_error::ItemError;
use crate::subresponse::Subresponse;
use crate::trace::{ItemSpan, is_recorded, item_failed};

impl<S: Inner<B>, B: Send + 'static> Dispatch<S, B> {
    /// Returns the response of an item that has failed. That of an item of a group waits for the
    /// end of the group.
    #[cold]
    pub(super) fn fail(
        &mut self,
        slot: Slot,
        error: ItemError,
        context: ItemContext,
    ) -> Poll<Option<ItemResponse>> {
        if let Some(times) = self.plan.item(slot).times_mut() {
            times.leave_plan();
        }
        let result = Err(CallError::NotSent(error));
        if let Some(group) = self.group_of(slot) {
            self.complete_member(group, slot, result, context);
            return Poll::Pending;
        }
        Poll::Ready(Some(self.complete(slot, result, context)))
    }

    pub(super) fn complete(
        &mut self,
        slot: Slot,
        result: CallResult,
        context: ItemContext,
    ) -> ItemResponse {
        let response = self.respond(slot, result, context);
        let is_success = response.subresponse.is_success();
        let lost = self.plan.finish(slot, is_success);
        if !lost.is_empty() {
            self.lose(lost);
        }
        response
    }

    /// Makes the response of an item from its result.
    #[inline(always)]
    pub(super) fn respond(
        &mut self,
        slot: Slot,
        result: CallResult,
        context: ItemContext,
    ) -> ItemResponse {
        let ItemContext { span, parts: sent } = context;
        let is_referred_to = self.plan.is_referred_to(slot);
        let item = self.plan.item(slot);
        let response = match result {
            Ok((parts, body)) => {
                if is_referred_to {
                    self.entities.record(slot.index(), item, &parts.headers);
                }
                ItemResponse::from_inner(&self.rules, slot.index(), item, parts, body)
            }
            Err(failure) => {
                if let Some(times) = item.times_mut()
                    && !failure.is_sent()
                {
                    times.not_sent();
                }
                let error = span.in_scope(|| item_error_of(&self.rules, failure, sent.as_deref()));
                ItemResponse::from_error(&self.rules, slot.index(), item, error)
            }
        };
        let subresponse = &response.subresponse;
        span.finish(subresponse.status, subresponse.error);
        self.not_found.count(&response.subresponse);
        if !response.subresponse.is_success() {
            self.failures += 1;
            if self.failures >= self.rules.max_failures {
                self.halt(ItemError::Stopped);
            }
        }
        self.settle(slot, &response.subresponse);
        response
    }

    /// Makes the response of an item that will not run because another one has failed.
    #[cold]
    pub(super) fn respond_to_lost(&mut self, slot: Slot, error: ItemError) -> ItemResponse {
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
        let response = ItemResponse::from_error(&self.rules, slot.index(), item, error);
        let subresponse = &response.subresponse;
        span.finish(subresponse.status, subresponse.error);
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
