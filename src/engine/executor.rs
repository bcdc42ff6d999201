//! A call on a custom executor, so that items use several cores.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::call::{Call, CallError, CallResult};
use super::inner::Inner;
use crate::config::Executor;
use crate::item_error::ItemError;
use crate::panics::catch;
use crate::trace::ItemSpan;

/// The batch's handle of a call on an executor. Dropping it drops the call at once. If another
/// thread is polling the call at that moment, the call is dropped there when that poll returns.
pub(super) struct Spawned<S: Inner<B>, B>(Arc<Shared<S, B>>);

/// The future that the executor runs.
struct Task<S: Inner<B>, B>(Arc<Shared<S, B>>, ItemSpan);

struct Shared<S: Inner<B>, B> {
    state: Mutex<State<S, B>>,
    is_cancelled: AtomicBool,
    waker: AtomicWaker,
}

enum State<S: Inner<B>, B> {
    Running(Pin<Box<Call<S, B>>>),
    Done(CallResult),
    Gone,
}

impl<S: Inner<B>, B: Send + 'static> Spawned<S, B> {
    pub(super) fn new(call: Pin<Box<Call<S, B>>>, span: ItemSpan, executor: &Executor) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::Running(call)),
            is_cancelled: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        // An executor that panics has either dropped the task, which ends the call, or stored it
        // where it will be run.
        catch(|| executor(Box::pin(Task(Arc::clone(&shared), span))));
        Self(shared)
    }

    /// Whether the inner service has received the request. If the call is polled right now, it is
    /// assumed to have.
    pub(super) fn is_begun(&self) -> bool {
        match self.0.try_lock().as_deref() {
            Some(State::Running(call)) => call.is_begun(),
            _ => true,
        }
    }

    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<CallResult> {
        self.0.waker.register(cx.waker());
        // The lock is not awaited: the thread that holds it wakes this task when there is a result.
        let Some(mut state) = self.0.try_lock() else {
            return Poll::Pending;
        };
        match std::mem::replace(&mut *state, State::Gone) {
            State::Done(result) => Poll::Ready(result),
            other => {
                *state = other;
                Poll::Pending
            }
        }
    }
}

impl<S: Inner<B>, B> Shared<S, B> {
    fn lock(&self) -> MutexGuard<'_, State<S, B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `None` while another thread holds the lock. A poisoned state is usable: whatever
    /// panicked under the lock, a subscriber for example, has left it valid.
    fn try_lock(&self) -> Option<MutexGuard<'_, State<S, B>>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// Sets the state. The previous state is dropped after the lock is released: a destructor may wake
/// the task, which an executor may run at once.
fn replace_state<S: Inner<B>, B>(mut state: MutexGuard<'_, State<S, B>>, next: State<S, B>) {
    let last = std::mem::replace(&mut *state, next);
    drop(state);
    drop(last);
}

impl<S: Inner<B>, B> Drop for Spawned<S, B> {
    fn drop(&mut self) {
        self.0.is_cancelled.store(true, Ordering::SeqCst);
        if let Some(state) = self.0.try_lock() {
            replace_state(state, State::Gone);
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
        let result = if shared.is_cancelled.load(Ordering::SeqCst) {
            None
        } else {
            Some(self.1.in_scope(|| call.as_mut().poll(cx)))
        };
        // The batch may have been dropped while its call was polled here, and could not drop the
        // call then.
        let is_cancelled = shared.is_cancelled.load(Ordering::SeqCst);
        let next = match result {
            Some(Poll::Ready(result)) => State::Done(result),
            Some(Poll::Pending) if !is_cancelled => {
                drop(state);
                // The batch may also have been dropped at this very moment.
                return shared.drop_if_cancelled();
            }
            _ => State::Gone,
        };
        replace_state(state, next);
        shared.waker.wake();
        Poll::Ready(())
    }
}

impl<S: Inner<B>, B> Shared<S, B> {
    fn drop_if_cancelled(&self) -> Poll<()> {
        if !self.is_cancelled.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        replace_state(self.lock(), State::Gone);
        Poll::Ready(())
    }
}

/// If an executor drops its task, at its shutdown for example, the batch does not wait for the
/// item.
impl<S: Inner<B>, B> Drop for Task<S, B> {
    fn drop(&mut self) {
        let state = self.0.lock();
        if let State::Running(call) = &*state {
            let error = CallError::new(ItemError::Panicked, call.is_begun());
            replace_state(state, State::Done(Err(error)));
        } else {
            drop(state);
        }
        self.0.waker.wake();
    }
}
