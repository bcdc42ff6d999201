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
struct Writer(Arc<Mutex<()>>);

impl Transactions for Writer {
    type Transaction = Arc<OwnedMutexGuard<()>>;

    async fn begin(&self, _: &Parts) -> Result<Self::Transaction, TransactionError> {
        Ok(Arc::new(Arc::clone(&self.0).lock_owned().await))
    }

    async fn commit(&self, _: Self::Transaction) -> Result<(), TransactionError> {
        Ok(())
    }

    async fn rollback(&self, _: Self::Transaction) {}
}

/// The lock is taken at once, and the transaction has begun later.
#[derive(Clone)]
struct SlowBegin(Writer);

impl Transactions for SlowBegin {
    type Transaction = Arc<OwnedMutexGuard<()>>;

    async fn begin(&self, outer: &Parts) -> Result<Self::Transaction, TransactionError> {
        let begun = self.0.begin(outer).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        begun
    }

    async fn commit(&self, _: Self::Transaction) -> Result<(), TransactionError> {
        Ok(())
    }

    async fn rollback(&self, _: Self::Transaction) {}
}

/// The first transaction takes no lock, all others do.
#[derive(Clone, Default)]
struct FirstIsFree(Writer, Arc<AtomicBool>);

impl Transactions for FirstIsFree {
    type Transaction = Option<Arc<OwnedMutexGuard<()>>>;

    async fn begin(&self, outer: &Parts) -> Result<Self::Transaction, TransactionError> {
        if !self.1.swap(true, SeqCst) {
            return Ok(None);
        }
        self.0.begin(outer).await.map(Some)
    }

    async fn commit(&self, _: Self::Transaction) -> Result<(), TransactionError> {
        Ok(())
    }

    async fn rollback(&self, _: Self::Transaction) {}
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
                let is_in_group = request.extensions().get::<Arc<OwnedMutexGuard<()>>>();
                let path = request.uri().path();
                if path.starts_with("/read") {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                } else if is_in_group.is_some() {
                    tokio::time::sleep(Duration::from_millis(150)).await;
                } else {
                    drop(writer.0.lock().await);
                }
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        });
        let after_read = |url: &str| {
            let mut item = post(url);
            item["dependsOn"] = json!(["/read"]);
            item
        };
        // The two items after `/read` start while the group runs, and wait for its end.
        let items = json!([
            post("/read"),
            after_read("/a"),
            after_read("/b"),
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
        let transactions = FirstIsFree::default();
        let writer = transactions.0.clone();
        let layer = BatchLayer::new("/batch")
            .concurrency(3)
            .change_sets(ChangeSets::in_transactions(transactions));
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
                        drop(writer.0.lock().await);
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
        let after_read = |url: &str| {
            let mut item = post(url);
            item["dependsOn"] = json!(["/read"]);
            item
        };
        // The three items after `/read` wait for the end of the second group, which must not wait
        // for the place of one of them after the first group has ended.
        let items = json!([
            post("/read"),
            after_read("/a"),
            after_read("/b"),
            after_read("/c"),
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
    let writer = Writer::default();
    let slow = SlowBegin(writer.clone());
    let layer = BatchLayer::new("/batch")
        .order(Order::Request)
        .concurrency(3)
        .change_sets(ChangeSets::in_transactions(slow));
    let inner = service_fn(move |request: Request<RequestBody<Body>>| {
        let writer = writer.clone();
        async move {
            let mut response = Response::new(Body::empty());
            let path = request.uri().path().to_owned();
            tokio::time::sleep(Duration::from_millis(10)).await;
            match &*path {
                "/waits" => drop(writer.0.lock().await),
                "/fail" => *response.status_mut() = StatusCode::CONFLICT,
                _ => {}
            }
            Ok::<_, Infallible>(response)
        }
    });
    let after_fail = |url: &str| {
        let mut item = post(url);
        item["dependsOn"] = json!(["/fail"]);
        item
    };
    // When the transaction has begun, the responses of three items wait for that of the first.
    let items = json!([
        post("/waits"),
        post("/fail"),
        after_fail("/a"),
        after_fail("/b"),
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
