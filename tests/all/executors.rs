//! Items that run on an executor.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::Router;
use http::StatusCode;
use tower::{Layer, ServiceExt};
use tower_multistatus::BatchLayer;

use crate::support::{batch, numbered_gets, requests};

fn layer() -> BatchLayer {
    BatchLayer::new("/batch").executor(|item| {
        tokio::spawn(item);
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawned_items_use_several_threads() {
    let threads = Arc::new(Mutex::new(HashSet::new()));
    // Two items wait for each other, which needs two threads.
    let meeting = Arc::new(std::sync::Barrier::new(2));
    let inner = Router::new().fallback({
        let threads = Arc::clone(&threads);
        async move || {
            threads.lock().unwrap().insert(thread::current().id());
            meeting.wait();
            "met"
        }
    });
    // The thread of the test is not a worker.
    let reply = tokio::spawn(batch(layer().concurrency(2), inner, numbered_gets(6)))
        .await
        .unwrap();
    assert_eq!(reply.statuses(), [200; 6]);
    assert!(threads.lock().unwrap().len() >= 2);
    assert!(reply.items().iter().all(|item| item["body"] == "met"));
}

#[tokio::test(start_paused = true)]
async fn a_spawned_item_that_panics_or_hangs_fails_and_the_others_run() {
    let inner = Router::new()
        .route(
            "/0",
            axum::routing::get(async || -> StatusCode { panic!("on purpose") }),
        )
        .route("/1", axum::routing::get(std::future::pending::<StatusCode>))
        .fallback(async || "well");
    let reply = batch(layer(), inner, numbered_gets(4)).await;
    assert_eq!(reply.statuses(), [500, 504, 200, 200]);
}

/// A value that is counted while it lives.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_response_drops_spawned_items_immediately() {
    let alive = Arc::new(AtomicUsize::new(0));
    let inner = Router::new().fallback({
        let alive = Arc::clone(&alive);
        async move || {
            let _alive = Alive::new(&alive);
            std::future::pending::<StatusCode>().await
        }
    });
    let response = layer()
        .concurrency(3)
        .layer(inner)
        .oneshot(requests(numbered_gets(5)));
    let is_over = tokio::time::timeout(Duration::from_millis(20), response).await;
    assert!(is_over.is_err());
    // The executor has not run since the drop.
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_executor_that_drops_its_tasks_leaves_no_batch_waiting() {
    let layer = BatchLayer::new("/batch").executor(drop);
    let reply = batch(layer, Router::new(), numbered_gets(3)).await;
    assert_eq!(reply.statuses(), [500; 3]);
}

#[tokio::test]
async fn no_more_items_are_spawned_than_may_be_in_flight() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let inner = Router::new().fallback({
        let most = Arc::clone(&most);
        async move || {
            let _alive = Alive::new(&now);
            most.fetch_max(now.load(Ordering::SeqCst), Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    });
    let reply = batch(layer().concurrency(3), inner, numbered_gets(20)).await;
    assert_eq!(reply.statuses(), [200; 20]);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}
