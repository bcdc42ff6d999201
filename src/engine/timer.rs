//! Time. Without the feature `timeout`, there is none and no timeout ever expires.

#[cfg(feature = "timeout")]
pub(crate) use with_tokio::{Instant, Timer};
#[cfg(not(feature = "timeout"))]
pub(crate) use without::{Instant, Timer};

#[cfg(feature = "timeout")]
mod with_tokio {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::Context;
    use std::time::Duration;

    use tokio::time::Sleep;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) struct Instant(tokio::time::Instant);

    impl Instant {
        pub(crate) fn now() -> Option<Self> {
            Some(Self(tokio::time::Instant::now()))
        }

        /// Returns `None` if the time is too far in the future.
        pub(crate) fn after(self, duration: Duration) -> Option<Self> {
            self.0.checked_add(duration).map(Self)
        }

        pub(crate) fn has_come(self) -> bool {
            tokio::time::Instant::now() >= self.0
        }
    }

    /// The timer of a batch. It is registered with the runtime only when something has to wait.
    #[derive(Debug, Default)]
    pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

    impl Timer {
        /// Whether this time has come. If not, the task is woken then.
        pub(crate) fn poll(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
            let sleep = self
                .0
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at.0)));
            if sleep.deadline() != at.0 {
                sleep.as_mut().reset(at.0);
            }
            // When the cooperative budget of the task is spent, the timer is pending whatever the
            // time is.
            sleep.as_mut().poll(cx).is_ready() || at.has_come()
        }
    }
}

#[cfg(not(feature = "timeout"))]
mod without {
    use std::task::Context;
    use std::time::Duration;

    /// There is no instant without a clock.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) enum Instant {}

    impl Instant {
        pub(crate) fn now() -> Option<Self> {
            None
        }

        pub(crate) fn after(self, _: Duration) -> Option<Self> {
            match self {}
        }

        pub(crate) fn has_come(self) -> bool {
            match self {}
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Timer(());

    impl Timer {
        pub(crate) fn poll(&mut self, at: Instant, _: &mut Context<'_>) -> bool {
            match at {}
        }
    }
}
