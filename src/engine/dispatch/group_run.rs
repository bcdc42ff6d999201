//! How a group runs: it begins, is committed, or is rolled back.

use std::sync::Arc;

use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::Dispatch;
use super::groups::{Entry, Groups, State};
use super::step::Step;
use crate::engine::call::CallResult;
use crate::engine::inner::Inner;
use crate::engine::outcome::{ItemContext, ItemResponse};
use crate::engine::plan::Slot;
use crate::engine::timer::Instant;
use crate::item_error::ItemError;
use crate::trace::item_replaced;

impl<S: Inner<B>, B: Send + 'static> Dispatch<S, B> {
    pub(super) fn groups(&mut self) -> &mut Groups {
        match &mut self.groups {
            Some(groups) => groups,
            None => unreachable!("only an item of a group asks for them"),
        }
    }

    /// Returns the group of an item, if it runs in a transaction.
    #[inline]
    pub(super) fn group_of(&self, slot: Slot) -> Option<usize> {
        self.groups.as_ref()?.group_of(slot)
    }

    /// Called before an item of a group starts. Begins the transaction with the first one.
    pub(super) fn enter_group(&mut self, group: usize, slot: Slot, now: Option<Instant>) -> Entry {
        let due = self.due(now);
        let halt_error = self.halt_error;
        let groups = self.groups();
        let (first, _, run) = groups.run(group);
        match run.state {
            State::New if slot.index() == first => {
                if let Some(error) = halt_error {
                    return Entry::Fail(error);
                }
                run.state = State::Beginning;
                run.waiting.push(slot);
                let transactions = Arc::clone(&groups.transactions);
                let outer = Arc::clone(&groups.outer);
                groups
                    .steps
                    .push(Step::begin(group, due, || transactions.begin(outer)));
                Entry::Wait
            }
            State::New | State::Beginning => {
                run.waiting.push(slot);
                Entry::Wait
            }
            State::Running => Entry::Start,
            State::Committing | State::RollingBack | State::Ended => {
                Entry::Fail(ItemError::RolledBack)
            }
        }
    }

    /// Returns the next item of a group that runs and has no item in flight. It keeps the place of
    /// the item before it, or of the transaction that has begun: what waits for a lock of the group
    /// could take all places otherwise.
    #[cold]
    pub(super) fn next_of_idle_group(&mut self) -> Option<Slot> {
        let running = self
            .groups
            .as_ref()
            .map_or(0, |groups| groups.running.len());
        (0..running).find_map(|at| {
            let groups = self.groups();
            let group = *groups.running.get(at)?;
            let (first, last, _) = groups.run(group);
            let is_member = |slot: Slot| (first..=last).contains(&slot.index());
            if self.in_flight.has(is_member) {
                return None;
            }
            let begun = self.groups().next_begun_of(group);
            begun.or_else(|| self.plan.next_of(first, last))
        })
    }

    /// Receives the result of an item of a group. Its response waits for the end of the group.
    #[cold]
    pub(super) fn complete_member(
        &mut self,
        group: usize,
        slot: Slot,
        result: CallResult,
        context: ItemContext,
    ) {
        let mut response = self.respond(slot, result, context);
        response.subresponse.end();
        let is_success = response.subresponse.is_success();
        if self.groups().run(group).2.state == State::Ended {
            replace(&mut response, ItemError::RolledBack);
        }
        let is_last = self.hold(group, response);
        let (_, last, run) = self.groups().run(group);
        match run.state {
            State::RollingBack | State::Ended => {
                let lost = self.plan.finish(slot, false);
                let (.., run) = self.groups().run(group);
                run.lost.extend(lost);
                if run.state == State::Ended {
                    self.end_group(group);
                }
            }
            _ if !is_success => self.fail_group(group, slot),
            _ => {
                // What waits for the whole group goes on when it is committed.
                if slot.index() != last {
                    let lost = self.plan.finish(slot, true);
                    self.lose(lost);
                }
                if is_last {
                    self.commit(group);
                }
            }
        }
    }

    /// Holds a response until its group ends. Returns whether it was the last one. A response that
    /// does not fit is held without its headers and body.
    pub(super) fn hold(&mut self, group: usize, mut response: ItemResponse) -> bool {
        let max = self.rules.config.limits.max_total_response_bytes;
        let groups = self.groups();
        if groups.held_bytes + held_len(&response) > max {
            response.subresponse.strip();
            response.cookies.clear();
        }
        groups.held_bytes += response.subresponse.held_len();
        let (first, last, run) = groups.run(group);
        run.responses.push(response);
        run.responses.len() == last - first + 1
    }

    fn commit(&mut self, group: usize) {
        let due = self.now().and_then(|now| self.due(Some(now)));
        let groups = self.groups();
        groups.running.retain(|other| *other != group);
        let (.., run) = groups.run(group);
        run.state = State::Committing;
        if let Some(open) = run.transaction.take() {
            let open = open.into_inner();
            groups
                .steps
                .push(Step::commit(group, due, || open.commit()));
        }
    }

    /// Ends a group because this item of it has failed.
    pub(super) fn fail_group(&mut self, group: usize, slot: Slot) {
        let is_over = self.halt_error == Some(ItemError::BatchTimeout);
        let due = self.now().and_then(|now| self.due(Some(now)));
        let groups = self.groups();
        groups.running.retain(|other| *other != group);
        let (first, last, run) = groups.run(group);
        run.state = State::RollingBack;
        run.failed = Some(slot.index());
        let transaction = run.transaction.take();
        let mut stopped = std::mem::take(&mut run.waiting);
        stopped.retain(|other| *other != slot);
        let is_member = |slot: Slot| (first..=last).contains(&slot.index());
        for (cancelled, is_sent) in self.in_flight.cancel(is_member) {
            if let Some(times) = self.plan.item(cancelled).times_mut() {
                times.end();
                if !is_sent {
                    times.not_sent();
                }
            }
            stopped.push(cancelled);
        }
        let others = self.stop_group(group, slot, stopped);
        let groups = self.groups();
        match transaction {
            // Nothing waits after the end of the batch: dropping the transaction rolls it back.
            Some(open) if !is_over => {
                let open = open.into_inner();
                groups
                    .steps
                    .push(Step::rollback(group, due, || open.rollback()));
            }
            _ => self.end_group(group),
        }
        self.lose(others);
    }

    /// Responds to all items of a group that has failed.
    pub(super) fn end_group(&mut self, group: usize) {
        let (.., run) = self.groups().run(group);
        run.state = State::Ended;
        let failed = run.failed;
        for response in &mut run.responses {
            if Some(response.subresponse.index) != failed {
                replace(response, ItemError::RolledBack);
            }
        }
        for slot in std::mem::take(&mut run.lost) {
            let error = ItemError::RolledBack;
            let response = self.respond_to_lost(slot, error);
            self.hold(group, response);
        }
        self.release(group);
    }

    /// Passes the held responses of a group on.
    pub(super) fn release(&mut self, group: usize) {
        let groups = self.groups();
        let (.., run) = groups.run(group);
        let mut responses = std::mem::take(&mut run.responses);
        responses.sort_unstable_by_key(|response| response.subresponse.index);
        groups.held_bytes = groups
            .runs
            .iter()
            .flat_map(|run| &run.responses)
            .map(held_len)
            .sum();
        self.ready.extend(responses);
    }

    /// Responds to items that will not run because another one has failed.
    pub(super) fn lose(&mut self, lost: Vec<Slot>) {
        for slot in lost {
            let error = ItemError::FailedDependency;
            let response = self.respond_to_lost(slot, error);
            self.ready.push_back(response);
            if let Some(group) = self.group_of(slot) {
                self.lose_group(group, slot);
            }
        }
    }

    /// Called when an item of a group is lost before the group has begun.
    fn lose_group(&mut self, group: usize, slot: Slot) {
        let (first, _, run) = self.groups().run(group);
        if run.state != State::New || slot.index() != first {
            return;
        }
        let waiting = std::mem::take(&mut run.waiting);
        let others = self.stop_group(group, slot, waiting);
        self.end_group(group);
        self.lose(others);
    }

    /// Loses these items of a group and all that wait for them or for the group. Returns those
    /// outside of the group.
    fn stop_group(&mut self, group: usize, failed: Slot, stopped: Vec<Slot>) -> Vec<Slot> {
        let (first, last, _) = self.groups().run(group);
        let ended = stopped.iter().copied().chain([failed, Slot::whole(last)]);
        let lost: Vec<_> = ended
            .flat_map(|slot| self.plan.finish(slot, false))
            .collect();
        let is_member = |slot: &Slot| (first..=last).contains(&slot.index());
        let (members, others): (Vec<_>, Vec<_>) = lost.into_iter().partition(is_member);
        let (.., run) = self.groups().run(group);
        run.lost.extend(members.into_iter().chain(stopped));
        others
    }
}

fn held_len(response: &ItemResponse) -> usize {
    response.subresponse.held_len()
}

/// Replaces the response of an item whose effects do not remain, or may not.
pub(super) fn replace(response: &mut ItemResponse, error: ItemError) {
    if response.subresponse.error == Some(error) {
        return;
    }
    item_replaced(error, response.subresponse.index);
    response.subresponse.replace_with_error(error);
    response.cookies.clear();
}

pub(super) fn set_retry_after(response: &mut ItemResponse, seconds: Option<u64>) {
    if let Some(seconds) = seconds {
        let headers = &mut response.subresponse.headers;
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}
