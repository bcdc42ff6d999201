//! A call on an executor of the user's, so that items use several cores.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::call::{Call, Called, Failure, Inner};
use crate::config::Executor;
use crate::fault::Fault;
use crate::trace::ItemSpan;

/// The batch's end of a call that runs elsewhere. Dropped, it drops the call at once; one that is being polled on another
/// thread at that moment is dropped there when that poll returns.
pub(super) struct Spawned<S: Inner<B>, B>(Arc<Shared<S, B>>);

/// The executor's end.
struct Task<S: Inner<B>, B>(Arc<Shared<S, B>>, ItemSpan);

struct Shared<S: Inner<B>, B> {
    state: Mutex<State<S, B>>,
    is_cancelled: AtomicBool,
    waker: AtomicWaker,
}

enum State<S: Inner<B>, B> {
    Running(Pin<Box<Call<S, B>>>),
    Done(Called),
    Gone,
}

impl<S: Inner<B>, B: Send + 'static> Spawned<S, B> {
    pub(super) fn new(call: Pin<Box<Call<S, B>>>, span: ItemSpan, executor: &Executor) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::Running(call)),
            is_cancelled: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        executor(Box::pin(Task(Arc::clone(&shared), span)));
        Self(shared)
    }

    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Called> {
        self.0.waker.register(cx.waker());
        // Not waited for: whoever holds it wakes this task when there is an answer.
        let Ok(mut state) = self.0.state.try_lock() else {
            return Poll::Pending;
        };
        match std::mem::replace(&mut *state, State::Gone) {
            State::Done(called) => Poll::Ready(called),
            other => {
                *state = other;
                Poll::Pending
            }
        }
    }
}

impl<S: Inner<B>, B> Shared<S, B> {
    fn lock(&self) -> MutexGuard<'_, State<S, B>> {
        // Calls are polled under a guard of their own, so nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Inner<B>, B> Drop for Spawned<S, B> {
    fn drop(&mut self) {
        self.0.is_cancelled.store(true, Ordering::SeqCst);
        if let Ok(mut state) = self.0.state.try_lock() {
            *state = State::Gone;
        }
    }
}

impl<S: Inner<B>, B> Future for Task<S, B> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = &self.0;
        let mut state = shared.lock();
        let State::Running(call) = &mut *state else {
            return Poll::Ready(());
        };
        let called = match shared.is_cancelled.load(Ordering::SeqCst) {
            true => None,
            false => Some(self.1.in_scope(|| call.as_mut().poll(cx))),
        };
        // The batch may have gone while its call was polled, and could not take it then.
        let is_cancelled = shared.is_cancelled.load(Ordering::SeqCst);
        *state = match called {
            Some(Poll::Ready(called)) => State::Done(called),
            Some(Poll::Pending) if !is_cancelled => {
                drop(state);
                // It may have gone in this very moment, too.
                return shared.leave_if_cancelled();
            }
            _ => State::Gone,
        };
        drop(state);
        shared.waker.wake();
        Poll::Ready(())
    }
}

impl<S: Inner<B>, B> Shared<S, B> {
    fn leave_if_cancelled(&self) -> Poll<()> {
        if !self.is_cancelled.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        *self.lock() = State::Gone;
        Poll::Ready(())
    }
}

/// An executor that drops its tasks, at its shutdown say, must not leave the batch waiting.
impl<S: Inner<B>, B> Drop for Task<S, B> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if matches!(*state, State::Running(_)) {
            *state = State::Done(Err(Failure::Fault(Fault::Panicked)));
        }
        drop(state);
        self.0.waker.wake();
    }
}
