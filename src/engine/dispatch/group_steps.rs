//! How transactions begin and end.

use std::task::{Context as Task, Poll};

use futures_util::stream::StreamExt;

use super::Dispatch;
use super::group_run::{replace, set_retry_after};
use super::groups::State;
use super::step::StepResult;
use crate::engine::call::CallError;
use crate::engine::inner::Inner;
use crate::engine::plan::Slot;
use crate::engine::timer::Instant;
use crate::panics::CatchDrop;
use crate::trace::ItemSpan;

impl<S: Inner<B>, B: Send + 'static> Dispatch<S, B> {
    /// Receives the next transaction that has begun or ended, or starts the next item of a group
    /// that runs. Returns whether there was either.
    pub(super) fn poll_groups(&mut self, now: Option<Instant>, cx: &mut Task<'_>) -> bool {
        let Some(groups) = &mut self.groups else {
            return false;
        };
        if let Poll::Ready(Some((group, result))) = groups.steps.poll_next_unpin(cx) {
            self.end_step(group, result);
            return true;
        }
        let Some(slot) = self.next_of_idle_group() else {
            return false;
        };
        if let Poll::Ready(Some(response)) = self.start_beside_groups(slot, now, cx) {
            self.ready.push_back(response);
        }
        true
    }

    /// Ends the steps that are overdue, or all steps if the batch has timed out.
    pub(super) fn end_overdue_steps(&mut self, now: Instant, is_batch_over: bool) {
        let Some(groups) = &mut self.groups else {
            return;
        };
        let steps = std::mem::take(&mut groups.steps);
        for step in steps {
            if is_batch_over || step.due().is_some_and(|due| due <= now) {
                let (group, result) = step.time_out(is_batch_over);
                self.end_step(group, result);
            } else {
                self.groups().steps.push(step);
            }
        }
    }

    fn end_step(&mut self, group: usize, result: StepResult) {
        let groups = self.groups();
        let (_, last, run) = groups.run(group);
        match result {
            StepResult::Begun(Ok(open)) => {
                run.transaction = Some(CatchDrop::new(open));
                run.state = State::Running;
                groups.running.push(group);
                let (.., run) = groups.run(group);
                let waiting = std::mem::take(&mut run.waiting);
                groups.begun.extend(waiting.into_iter().rev());
            }
            StepResult::Begun(Err((error, retry_after))) => {
                let Some(slot) = run.waiting.first().copied() else {
                    return;
                };
                let span = ItemSpan::new(&self.span, self.plan.item(slot), None);
                let result = Err(CallError::NotSent(error));
                let mut response = self.respond(slot, result, span.into());
                set_retry_after(&mut response, retry_after);
                self.hold(group, response);
                self.fail_group(group, slot);
            }
            StepResult::Committed(Ok(())) => {
                run.state = State::Ended;
                for response in &mut run.responses {
                    response.subresponse.is_committed = true;
                }
                self.release(group);
                let lost = self.plan.finish(Slot::whole(last), true);
                self.lose(lost);
            }
            StepResult::Committed(Err((error, retry_after))) => {
                run.state = State::Ended;
                for response in &mut run.responses {
                    replace(response, error);
                    set_retry_after(response, retry_after);
                }
                self.release(group);
                let lost = self.plan.finish(Slot::whole(last), false);
                self.lose(lost);
            }
            StepResult::RolledBack => self.end_group(group),
        }
    }
}
