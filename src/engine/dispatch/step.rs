//! The beginning or the end of a transaction.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use crate::engine::timer::Instant;
use crate::item_error::ItemError;
use crate::panics::{CatchDrop, catch};
use crate::trace::transaction_failed;
use crate::transactions::{BoxFuture, Open, TransactionError};

/// A transaction that begins, is committed or is rolled back.
pub(super) struct Step {
    group: usize,
    due: Option<Instant>,
    future: CatchDrop<Kind>,
}

enum Kind {
    Begin(BoxFuture<Result<Box<dyn Open>, TransactionError>>),
    Commit(BoxFuture<Result<(), TransactionError>>),
    Rollback(BoxFuture<()>),
    /// The function that makes the future has panicked.
    Panicked(StepKind),
}

#[derive(Clone, Copy)]
enum StepKind {
    Begin,
    Commit,
    Rollback,
}

/// An error of the items of a group, and the seconds for `Retry-After`.
type GroupError = (ItemError, Option<u64>);

pub(super) enum StepResult {
    Begun(Result<Box<dyn Open>, GroupError>),
    Committed(Result<(), GroupError>),
    RolledBack,
}

impl Step {
    pub(super) fn begin(
        group: usize,
        due: Option<Instant>,
        begin: impl FnOnce() -> BoxFuture<Result<Box<dyn Open>, TransactionError>>,
    ) -> Self {
        let future = catch(begin).map_or(Kind::Panicked(StepKind::Begin), Kind::Begin);
        Self::new(group, due, future)
    }

    pub(super) fn commit(
        group: usize,
        due: Option<Instant>,
        commit: impl FnOnce() -> BoxFuture<Result<(), TransactionError>>,
    ) -> Self {
        let future = catch(commit).map_or(Kind::Panicked(StepKind::Commit), Kind::Commit);
        Self::new(group, due, future)
    }

    pub(super) fn rollback(
        group: usize,
        due: Option<Instant>,
        rollback: impl FnOnce() -> BoxFuture<()>,
    ) -> Self {
        let future = catch(rollback).map_or(Kind::Panicked(StepKind::Rollback), Kind::Rollback);
        Self::new(group, due, future)
    }

    fn new(group: usize, due: Option<Instant>, future: Kind) -> Self {
        let future = CatchDrop::new(future);
        Self { group, due, future }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Ends the step before it is ready.
    pub(super) fn time_out(self, is_batch_over: bool) -> (usize, StepResult) {
        let error = if is_batch_over {
            ItemError::BatchTimeout
        } else {
            ItemError::ItemTimeout
        };
        (self.group, self.future.kind().failed(error))
    }
}

impl Kind {
    fn kind(&self) -> StepKind {
        match self {
            Self::Begin(_) => StepKind::Begin,
            Self::Commit(_) => StepKind::Commit,
            Self::Rollback(_) => StepKind::Rollback,
            Self::Panicked(kind) => *kind,
        }
    }

    fn poll(&mut self, cx: &mut Task<'_>) -> Poll<StepResult> {
        Poll::Ready(match self {
            Self::Begin(future) => {
                let begun = ready!(future.as_mut().poll(cx));
                StepResult::Begun(begun.map_err(|error| {
                    transaction_failed(&error);
                    (error.at_begin(), error.seconds())
                }))
            }
            Self::Commit(future) => {
                let committed = ready!(future.as_mut().poll(cx));
                StepResult::Committed(committed.map_err(|error| {
                    transaction_failed(&error);
                    (error.at_commit(), error.seconds())
                }))
            }
            Self::Rollback(future) => {
                ready!(future.as_mut().poll(cx));
                StepResult::RolledBack
            }
            Self::Panicked(kind) => kind.failed(ItemError::Panicked),
        })
    }
}

impl StepKind {
    /// The result of a step that has panicked or timed out. Nobody knows whether a commit has
    /// happened then.
    fn failed(self, error: ItemError) -> StepResult {
        match self {
            Self::Begin => StepResult::Begun(Err((error, None))),
            Self::Commit => StepResult::Committed(Err((ItemError::UnknownOutcome, None))),
            Self::Rollback => StepResult::RolledBack,
        }
    }
}

impl Future for Step {
    type Output = (usize, StepResult);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let kind = this.future.kind();
        let result = catch(|| this.future.poll(cx));
        let result = result.unwrap_or_else(|| Poll::Ready(kind.failed(ItemError::Panicked)));
        result.map(|result| (this.group, result))
    }
}
