//! A breaker: a service that is not ready for a while after several failures in a row.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;

/// A service that is not ready for a while after several failures in a row. One more failure after
/// that, and it is not ready again; one success, and the count begins at zero.
///
/// A balancer then uses other services. Without a breaker, one that prefers short response times
/// prefers whoever fails fastest. A call that is dropped counts neither as failure nor as success.
#[derive(Debug)]
pub struct Breaker<S, E> {
    inner: S,
    max_failures: u32,
    open_for: Duration,
    is_failure: fn(&E) -> bool,
    state: Arc<Mutex<State>>,
    /// Wakes the task that waits for readiness.
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl<S, E> Breaker<S, E> {
    pub fn new(
        inner: S,
        max_failures: u32,
        open_for: Duration,
        is_failure: fn(&E) -> bool,
    ) -> Self {
        Self {
            inner,
            max_failures,
            open_for,
            is_failure,
            state: Arc::default(),
            timer: None,
        }
    }
}

impl<S, R> Service<R> for Breaker<S, S::Error>
where
    S: Service<R>,
    S::Response: 'static,
    S::Error: 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let open_until = lock(&self.state).open_until;
        if let Some(open_until) = open_until {
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(open_until)));
            ready!(timer.as_mut().poll(cx));
            self.timer = None;
            lock(&self.state).open_until = None;
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (max_failures, open_for) = (self.max_failures, self.open_for);
        let is_failure = self.is_failure;
        let state = Arc::clone(&self.state);
        let response = self.inner.call(request);
        Box::pin(async move {
            let result = response.await;
            let mut state = lock(&state);
            match &result {
                Ok(_) => state.failures = 0,
                Err(error) if is_failure(error) => state.fail(max_failures, open_for),
                Err(_) => {}
            }
            drop(state);
            result
        })
    }
}

impl State {
    fn fail(&mut self, max_failures: u32, open_for: Duration) {
        // Calls that began before it opened do not keep it open.
        if self.open_until.is_some() {
            return;
        }
        self.failures += 1;
        if self.failures >= max_failures {
            self.failures = max_failures.saturating_sub(1);
            self.open_until = Some(Instant::now() + open_for);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
