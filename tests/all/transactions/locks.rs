//! Transactions that lock what other items need.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use axum::body::Body;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tower::{Layer, service_fn};
use tower_multistatus::{
    BatchLayer, ChangeSets, Order, RequestBody, TransactionError, Transactions,
};

use super::{member, post};
use crate::support::{end, requests, send};

/// A database with one writer at a time.
#[derive(Clone, Default)]
struct Writer {
    lock: Arc<Mutex<()>>,
    /// The first transaction takes no lock.
    is_first_free: Arc<AtomicBool>,
    /// How long it takes to begin once the lock is taken.
    delay: Duration,
}

impl Writer {
    async fn wait(&self) {
        drop(self.lock.lock().await);
    }
}

impl Transactions for Writer {
    type Transaction = Option<Arc<OwnedMutexGuard<()>>>;

    async fn begin(&self, _: &Parts) -> Result<Self::Transaction, TransactionError> {
        if self.is_first_free.swap(false, SeqCst) {
            return Ok(None);
        }
        let guard = Arc::clone(&self.lock).lock_owned().await;
        tokio::time::sleep(self.delay).await;
        Ok(Some(Arc::new(guard)))
    }

    async fn commit(&self, _: Self::Transaction) -> Result<(), TransactionError> {
        Ok(())
    }

    async fn rollback(&self, _: Self::Transaction) {}
}

/// A POST that depends on another item.
fn after(on: &str, url: &str) -> Value {
    let mut item = post(url);
    item["dependsOn"] = json!([on]);
    item
}

#[tokio::test(start_paused = true)]
async fn items_that_wait_for_a_group_do_not_take_its_place() {
    for concurrent in [false, true] {
        let writer = Writer::default();
        let change_sets = ChangeSets::in_transactions(writer.clone());
        let layer = BatchLayer::new("/batch")
            .concurrency(2)
            .change_sets(change_sets.concurrent_items(concurrent));
        let inner = service_fn(move |request: Request<RequestBody<Body>>| {
            let writer = writer.clone();
            async move {
                let is_in_group = request
                    .extensions()
                    .get::<Option<Arc<OwnedMutexGuard<()>>>>();
                let path = request.uri().path();
                if path.starts_with("/read") {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                } else if is_in_group.is_some() {
                    tokio::time::sleep(Duration::from_millis(150)).await;
                } else {
                    writer.wait().await;
                }
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        });
        // The two items after `/read` start while the group runs, and wait for its end.
        let items = json!([
            post("/read"),
            after("/read", "/a"),
            after("/read", "/b"),
            member("g", "/c"),
            member("g", "/d"),
            member("g", "/e"),
        ]);
        let reply = end(layer.layer(inner), items).await;
        assert_eq!(reply.statuses(), [200; 6], "{concurrent}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_keeps_its_place_when_another_one_ends() {
    for first in ["/ok", "/fail"] {
        let writer = Writer::default();
        writer.is_first_free.store(true, SeqCst);
        let layer = BatchLayer::new("/batch")
            .concurrency(3)
            .change_sets(ChangeSets::in_transactions(writer.clone()));
        let inner = service_fn(move |request: Request<RequestBody<Body>>| {
            let writer = writer.clone();
            async move {
                let mut response = Response::new(Body::empty());
                let path = request.uri().path().to_owned();
                let milliseconds = match &*path {
                    "/ok" | "/fail" => 50,
                    "/read" => 100,
                    "/d" | "/e" => 150,
                    _ => {
                        writer.wait().await;
                        0
                    }
                };
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                if path == "/fail" {
                    *response.status_mut() = StatusCode::CONFLICT;
                }
                Ok::<_, Infallible>(response)
            }
        });
        // The three items after `/read` wait for the end of the second group, which must not wait
        // for the place of one of them after the first group has ended.
        let items = json!([
            post("/read"),
            after("/read", "/a"),
            after("/read", "/b"),
            after("/read", "/c"),
            member("first", first),
            member("second", "/d"),
            member("second", "/e"),
        ]);
        let reply = end(layer.layer(inner), items).await;
        let expected = if first == "/ok" { 200 } else { 409 };
        assert_eq!(reply.statuses(), [200, 200, 200, 200, expected, 200, 200]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_has_begun_has_a_place_however_many_responses_are_held() {
    let writer = Writer {
        delay: Duration::from_millis(50),
        ..Writer::default()
    };
    let layer = BatchLayer::new("/batch")
        .order(Order::Request)
        .concurrency(3)
        .change_sets(ChangeSets::in_transactions(writer.clone()));
    let inner = service_fn(move |request: Request<RequestBody<Body>>| {
        let writer = writer.clone();
        async move {
            let mut response = Response::new(Body::empty());
            let path = request.uri().path().to_owned();
            tokio::time::sleep(Duration::from_millis(10)).await;
            match &*path {
                "/waits" => writer.wait().await,
                "/fail" => *response.status_mut() = StatusCode::CONFLICT,
                _ => {}
            }
            Ok::<_, Infallible>(response)
        }
    });
    // When the transaction has begun, the responses of three items wait for that of the first.
    let items = json!([
        post("/waits"),
        post("/fail"),
        after("/fail", "/a"),
        after("/fail", "/b"),
        member("g", "/c"),
        member("g", "/d"),
    ]);
    let mut request = requests(items);
    let accept = HeaderValue::from_static("application/x-ndjson");
    request.headers_mut().insert("accept", accept);
    let reply = send(layer.layer(inner), request).await;
    let lines = std::str::from_utf8(&reply.body).expect("text").lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let statuses: Vec<_> = lines.filter_map(|line| line["status"].as_u64()).collect();
    assert_eq!(statuses, [200, 409, 424, 424, 200, 200]);
}
