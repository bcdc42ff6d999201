//! The requests that have arrived, and that the worker has not taken.
//!
//! The first of them leads: it does not wake the worker. Its caller yields once, and takes it back
//! if it is still the only one. So a request that is alone needs no worker. The second request
//! wakes the worker, which then takes both. So no request waits for what the caller of another one
//! does: a leader may be dropped or never polled.

#![expect(
    clippy::vec_box,
    reason = "requests are large, and move from list to list"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;

use super::waiting::Waiting;

/// What both ends share. The lock is never held while code of others runs: a destructor of a
/// request, or a waker.
struct Arrivals {
    state: Mutex<State>,
    worker: AtomicWaker,
    /// Changes only under the lock.
    has_worker: AtomicBool,
}

#[derive(Default)]
struct State {
    waiting: Vec<Box<Waiting>>,
    /// Whether the first of them leads.
    is_led: bool,
    /// The number of times that `waiting` has become empty.
    round: u64,
    /// Whether the worker takes single requests too, so that none leads.
    takes_all: bool,
    /// Whether the client and all its clones were dropped.
    is_over: bool,
}

/// Creates the two ends of a queue. With `takes_all`, no request leads.
pub(super) fn arrivals(takes_all: bool) -> (Entrance, Exit) {
    let state = State {
        takes_all,
        ..State::default()
    };
    let arrivals = Arc::new(Arrivals {
        state: Mutex::new(state),
        worker: AtomicWaker::new(),
        has_worker: AtomicBool::new(true),
    });
    let exit = Exit {
        arrivals: Arc::clone(&arrivals),
        takes_all,
    };
    (Entrance(arrivals), exit)
}

impl Arrivals {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the clients.
pub(super) struct Entrance(Arc<Arrivals>);

impl Entrance {
    /// Whether the worker was dropped.
    pub(super) fn is_closed(&self) -> bool {
        !self.0.has_worker.load(Ordering::Acquire)
    }

    /// Adds a request. Returns its `Leader` if it leads.
    ///
    /// # Errors
    ///
    /// The worker was dropped.
    pub(super) fn enter(&self, waiting: Box<Waiting>) -> Result<Option<Leader>, Box<Waiting>> {
        let mut state = self.0.lock();
        if self.is_closed() {
            return Err(waiting);
        }
        state.waiting.push(waiting);
        let count = state.waiting.len();
        if count == 1 {
            state.is_led = !state.takes_all;
        }
        let (is_led, round) = (state.is_led, state.round);
        drop(state);
        if count == 1 && is_led {
            let arrivals = Arc::clone(&self.0);
            return Ok(Some(Leader {
                arrivals,
                round,
                has_yielded: false,
            }));
        }
        // The worker takes all, so later requests need not wake it.
        if count == 1 || (count == 2 && is_led) {
            self.0.worker.wake();
        }
        Ok(None)
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.worker.wake();
    }
}

/// The caller of a request that leads.
pub(super) struct Leader {
    arrivals: Arc<Arrivals>,
    round: u64,
    has_yielded: bool,
}

impl Leader {
    /// Yields once, so that all tasks that can run make their requests. Then it takes the request
    /// back, or returns `None` if others have joined it or the worker has it.
    pub(super) fn poll_take_back(&mut self, cx: &mut Context<'_>) -> Poll<Option<Box<Waiting>>> {
        if self.has_yielded {
            return Poll::Ready(self.take_back());
        }
        self.has_yielded = true;
        // `tokio::task::yield_now` would wait for the reactor, too.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn take_back(&self) -> Option<Box<Waiting>> {
        let mut state = self.arrivals.lock();
        // In one round, requests are only added, and the first is that of the leader.
        if state.round != self.round || state.waiting.len() > 1 {
            return None;
        }
        state.round += 1;
        state.waiting.pop()
    }
}

/// Takes the request back, if it is still alone.
impl Drop for Leader {
    fn drop(&mut self) {
        drop(self.take_back());
    }
}

/// The end of the worker.
pub(super) struct Exit {
    arrivals: Arc<Arrivals>,
    takes_all: bool,
}

impl Exit {
    /// Wakes this task when requests arrive, or when no more can.
    pub(super) fn wake(&self, worker: &Waker) {
        self.arrivals.worker.register(worker);
    }

    /// Adds the requests that have arrived to an empty list, and returns whether no more can. A
    /// leader that is alone is left to its caller, unless `takes_all` is set. That remains so for
    /// requests that arrive later.
    pub(super) fn take(&mut self, into: &mut Vec<Box<Waiting>>, takes_all: bool) -> bool {
        self.takes_all = takes_all;
        let mut state = self.arrivals.lock();
        state.takes_all = takes_all;
        let is_left = state.is_led && state.waiting.len() == 1 && !takes_all && !state.is_over;
        if !is_left && !state.waiting.is_empty() {
            state.round += 1;
            std::mem::swap(&mut state.waiting, into);
        }
        state.is_over
    }

    /// Whether `take` has taken single requests too.
    pub(super) fn takes_all(&self) -> bool {
        self.takes_all
    }
}

impl Drop for Exit {
    fn drop(&mut self) {
        let mut state = self.arrivals.lock();
        self.arrivals.has_worker.store(false, Ordering::Release);
        state.round += 1;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(|waiting| waiting.not_sent());
    }
}
