//! Faulty executors fail at most their own item. Most tests have no time limit, so a batch that
//! waits for a lost task would hang.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, Response};
use tower::{BoxError, Layer, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::support::{end, gets};

type Item = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A layer whose executor passes its second task to `act`, and spawns the others.
fn second(act: impl Fn(Item) + Send + Sync + 'static) -> BatchLayer {
    let count = AtomicUsize::new(0);
    let layer = BatchLayer::new("/batch").executor(move |item| {
        match count.fetch_add(1, Ordering::SeqCst) {
            1 => act(item),
            _ => drop(tokio::spawn(item)),
        }
    });
    layer.item_timeout(None).batch_timeout(None)
}

fn well() -> Router {
    let yields = async || {
        tokio::task::yield_now().await;
        "well"
    };
    Router::new().fallback(get(yields))
}

async fn statuses(layer: BatchLayer) -> Vec<u64> {
    let items = gets(&["/", "/", "/"]);
    end(layer.layer(well()), items).await.statuses()
}

fn poll_once(item: &mut Item) -> Poll<()> {
    item.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_panics_fails_the_item() {
    let layer = second(|_| panic!("a secret of the executor"));
    assert_eq!(statuses(layer).await, [200, 500, 200]);
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_spawns_its_task_and_then_panics_is_harmless() {
    let layer = second(|item| {
        tokio::spawn(item);
        panic!("a secret of the executor");
    });
    assert_eq!(statuses(layer).await, [200, 200, 200]);
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_drops_its_task_fails_the_item() {
    assert_eq!(statuses(second(drop)).await, [200, 500, 200]);
    let begun = |mut item: Item| assert!(poll_once(&mut item).is_pending());
    assert_eq!(statuses(second(begun)).await, [200, 500, 200]);
    let later = |item: Item| {
        tokio::spawn(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(item);
        });
    };
    assert_eq!(statuses(second(later)).await, [200, 500, 200]);
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_runs_its_task_at_once_is_harmless() {
    let layer = second(|mut item| while poll_once(&mut item).is_pending() {});
    assert_eq!(statuses(layer).await, [200, 200, 200]);
}

#[tokio::test(start_paused = true)]
async fn an_item_whose_executor_never_runs_it_times_out() {
    let kept = Arc::<Mutex<Vec<Item>>>::default();
    let keeps = Arc::clone(&kept);
    let layer = second(move |item| keeps.lock().expect("the tasks").push(item));
    let layer = layer.item_timeout(Duration::from_secs(5));
    assert_eq!(statuses(layer).await, [200, 504, 200]);
    // The item of the task was dropped already, and the task does nothing now.
    for item in kept.lock().expect("the tasks").iter_mut() {
        assert!(poll_once(item).is_ready());
    }
}

/// A future that panics according to its path.
struct Brittle(String);

impl Future for Brittle {
    type Output = Result<Response<Body>, BoxError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.0.starts_with("/poll"), "a secret of the stack");
        Poll::Ready(Ok(Response::new(Body::from("well"))))
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        assert!(!self.0.ends_with("/drop"), "a secret of the destructor");
    }
}

#[tokio::test(start_paused = true)]
async fn a_spawned_future_whose_destructor_panics_ends_its_item() {
    let service =
        service_fn(|request: Request<RequestBody<Body>>| Brittle(request.uri().path().to_owned()));
    let layer = BatchLayer::new("/batch").executor(|item| {
        tokio::spawn(item);
    });
    let layer = layer.item_timeout(None).batch_timeout(None);
    let items = gets(&["/", "/drop", "/poll", "/poll/drop", "/"]);
    let reply = end(layer.layer(service), items).await;
    assert_eq!(reply.statuses(), [200, 500, 500, 500, 200]);
}
