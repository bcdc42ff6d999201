//! Known responses are given to the layer in the order in which the items have finished.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::oneshot;

/// Lets the known responses of a batch pass in their order, one at a time.
///
/// The layer starts items as others finish, and what it does after a failure depends on the order.
/// Whenever it has nothing left to do, the first of the responses that wait may pass. So every item
/// that had started before another one finished starts before it again, and no response waits for
/// an item that does not start.
#[derive(Debug, Default)]
pub(crate) struct Order(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    numbers: BTreeMap<i64, oneshot::Sender<()>>,
    /// The task that drives the layer.
    driver: Option<Waker>,
}

impl Order {
    /// Waits until the response with this number is the first one.
    pub(crate) async fn pass(&self, number: i64) {
        let (sender, passes) = oneshot::channel();
        let driver = {
            let mut waiting = self.lock();
            waiting.numbers.insert(number, sender);
            waiting.driver.take()
        };
        // With an executor, the item is not polled by the driver.
        if let Some(driver) = driver {
            driver.wake();
        }
        // An error means that the same number has come again, which the layer prevents.
        let _ = passes.await;
    }

    /// Lets the first response pass. Returns whether there was one that still waits.
    fn release(&self) -> bool {
        loop {
            let Some((_, first)) = self.lock().numbers.pop_first() else {
                return false;
            };
            if first.send(()).is_ok() {
                return true;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the layer until it has nothing left to do and no response waits.
    fn drive<T>(
        &self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        loop {
            if let Poll::Ready(ready) = poll(cx) {
                return Poll::Ready(ready);
            }
            self.lock().driver = Some(cx.waker().clone());
            if !self.release() {
                return Poll::Pending;
            }
        }
    }
}

pin_project! {
    /// A future, or a body, of the layer whose items wait for their turn.
    pub(crate) struct Driven<T> {
        #[pin]
        inner: T,
        order: Arc<Order>,
    }
}

impl<T> Driven<T> {
    pub(crate) fn new(inner: T, order: Arc<Order>) -> Self {
        Self { inner, order }
    }
}

impl<T: Future> Future for Driven<T> {
    type Output = T::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T::Output> {
        let mut this = self.project();
        this.order.drive(cx, |cx| this.inner.as_mut().poll(cx))
    }
}

impl<T: Body<Data = Bytes>> Body for Driven<T> {
    type Data = Bytes;
    type Error = T::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, T::Error>>> {
        let mut this = self.project();
        this.order
            .drive(cx, |cx| this.inner.as_mut().poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<T> fmt::Debug for Driven<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driven").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::future::join_all;

    use super::{Driven, Order};

    #[tokio::test]
    async fn numbers_pass_in_their_order_and_gaps_do_not_matter() {
        let (order, passed) = (Arc::<Order>::default(), Mutex::new(Vec::new()));
        let pass = async |number| {
            order.pass(number).await;
            passed.lock().unwrap().push(number);
        };
        let all = join_all([7, 2, 9, 4].map(pass));
        Driven::new(all, Arc::clone(&order)).await;
        assert_eq!(*passed.lock().unwrap(), [2, 4, 7, 9]);
    }

    #[tokio::test]
    async fn a_number_that_no_longer_waits_stops_no_other() {
        let order = Arc::<Order>::default();
        let mut first = Box::pin(order.pass(1));
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        drop(first);
        Driven::new(order.pass(2), Arc::clone(&order)).await;
    }

    #[tokio::test]
    async fn a_number_of_another_task_wakes_the_driver() {
        let order = Arc::<Order>::default();
        let other = Arc::clone(&order);
        let item = async move {
            tokio::spawn(async move { other.pass(1).await })
                .await
                .unwrap();
        };
        Driven::new(item, order).await;
    }
}
