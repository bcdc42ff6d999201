//! Worker processes that are killed, stopped and blocked, with a ledger of what their handlers did.
//!
//! `KILLS` is the number of kills, 20 by default. With `DATABASE_URL` the store is PostgreSQL.

#[path = "../support/database.rs"]
mod database;
mod ledger;
mod process;
mod support;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::ledger::Ledger;
use crate::process::{Worker, signal};
use crate::support::{Place, Server};

/// A worker in a process of its own, which the other tests start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a process of the other tests"]
async fn worker() {
    process::run_worker().await;
}

/// Batches that are sent before each kill.
const BATCHES: usize = 6;

/// Items of each kind in a batch.
const ITEMS: usize = 4;

fn kills() -> usize {
    std::env::var("KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok())
        .unwrap_or(20)
}

/// Reads, plain POSTs and POSTs with a key.
fn mixed(batch: usize) -> Value {
    let items = (0..ITEMS).flat_map(|item| {
        let url = |kind: &str| format!("/{kind}/{batch}-{item}");
        let plain = |method: &str, url: String| json!({ "id": url, "method": method, "url": url });
        let keyed = url("keyed");
        let key = json!({ "Idempotency-Key": keyed });
        [
            plain("GET", url("read")),
            plain("POST", url("plain")),
            json!({ "id": keyed, "method": "POST", "url": keyed, "headers": key }),
        ]
    });
    Value::Array(items.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_accepted_batch_ends_and_no_plain_post_runs_twice() {
    let place = Place::new().await;
    let server = Server::new(&place, |layer| layer).await;
    let ledger = Ledger::of(&place);
    // A file of SQLite has one worker process, and the next one takes its batches at once. A server
    // has a fleet, whose members take over after a lease.
    let fleet = if place.is_server() { 3 } else { 1 };
    let mut workers: Vec<_> = (0..fleet).map(|_| Worker::start(&place, &[])).collect();
    let (mut monitors, mut killed, mut in_the_middle) = (Vec::new(), 0, 0);
    while killed < kills() {
        let new = (0..BATCHES).map(|new| server.submit(mixed(monitors.len() + new)));
        let new = join_all(new).await;
        monitors.extend(new);
        // Killed after some of the items, with those of earlier batches.
        let until = ledger.about_len() + fastrand::usize(1..2 * BATCHES * 3 * ITEMS);
        let begin = Instant::now();
        while ledger.about_len() < until && begin.elapsed() < Duration::from_millis(300) {
            sleep(Duration::from_millis(1)).await;
        }
        let victim = fastrand::usize(..workers.len());
        in_the_middle += usize::from(ledger.has_unfinished());
        workers[victim].kill();
        workers[victim] = Worker::start(&place, &[]);
        killed += 1;
    }
    let mut results = Vec::new();
    for monitor in &monitors {
        results.push(server.result(monitor, Duration::from_secs(60)).await);
    }
    let begins = ledger.begins();
    let mut unknown = (0, 0);
    let mut repeated = 0;
    for result in &results {
        let items = result["responses"].as_array().expect("responses");
        assert_eq!(items.len(), 3 * ITEMS);
        for item in items {
            let id = item["id"].as_str().expect("an id");
            let begun = begins.get(id).copied().unwrap_or_default();
            let status = item["status"].as_u64().expect("a status");
            let kind = id.split('/').nth(1).expect("a kind");
            match (kind, status) {
                ("read", 200) => repeated += usize::from(begun > 1),
                ("keyed", 201) => {
                    assert!(begun >= 1, "{id} has a response and did not run");
                    repeated += usize::from(begun > 1);
                }
                ("plain", 201) => assert_eq!(begun, 1, "{id} has a response"),
                ("plain", 500) => {
                    assert_eq!(item["body"]["code"], "unknown-outcome");
                    assert!(begun <= 1, "{id} ran {begun} times");
                    if begun == 1 {
                        unknown.0 += 1
                    } else {
                        unknown.1 += 1
                    }
                }
                _ => panic!("{item}"),
            }
        }
    }
    eprintln!(
        "{killed} kills, {in_the_middle} while a handler ran; {} batches ended; plain POSTs with an \
         unknown outcome: {} had run, {} had not; {repeated} repeatable items ran again",
        monitors.len(),
        unknown.0,
        unknown.1,
    );
    assert!(
        in_the_middle > 0,
        "no worker was killed in the middle of a batch"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_resumes_soon_after_its_worker_was_killed() {
    let place = Place::new().await;
    let server = Server::new(&place, |layer| layer).await;
    let ledger = Ledger::of(&place);
    let item = json!([{ "id": "a", "method": "GET", "url": "/gated/a" }]);
    let monitor = server.submit(item).await;
    let fleet = if place.is_server() { 3 } else { 1 };
    let mut workers: Vec<_> = (0..fleet).map(|_| Worker::start(&place, &[])).collect();
    let mut times = Vec::new();
    for round in 1..=5 {
        while ledger.begun("/gated/a") < round {
            sleep(Duration::from_millis(1)).await;
        }
        let process = ledger.process_of("/gated/a");
        let victim = workers
            .iter()
            .position(|worker| worker.id() == process)
            .expect("a worker");
        workers[victim].kill();
        let begin = Instant::now();
        workers[victim] = Worker::start(&place, &[]);
        while ledger.begun("/gated/a") == round {
            sleep(Duration::from_millis(1)).await;
        }
        times.push(begin.elapsed());
    }
    place.open_gate();
    let result = server.result(&monitor, Duration::from_secs(10)).await;
    assert_eq!(result["responses"][0]["status"], 200);
    eprintln!("resumed after {times:?}, the start of the process included");
    let limit = if place.is_server() {
        2 * process::LEASE
    } else {
        Duration::from_millis(500)
    };
    assert!(times.iter().all(|time| *time < limit), "{times:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_sleeps_past_its_lease_cannot_write() {
    let place = Place::new().await;
    let server = Server::new(&place, |layer| layer).await;
    let ledger = Ledger::of(&place);
    let items = json!([
        { "id": "a", "method": "POST", "url": "/gated/a" },
        { "id": "b", "method": "POST", "url": "/plain/b", "dependsOn": [] },
    ]);
    // One at a time: the sleeper has not come to the second item.
    let monitor = server.submit(items).await;
    let sleeper = Worker::start(&place, &[("CONCURRENCY", "1")]);
    while ledger.begun("/gated/a") == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    signal(sleeper.id(), rustix::process::Signal::STOP);
    let other = Worker::start(&place, &[("CONCURRENCY", "1")]);
    let result = server.result(&monitor, Duration::from_secs(30)).await;
    let statuses = |result: &Value| {
        let items = result["responses"].as_array().expect("responses").iter();
        items
            .map(|item| item["status"].as_u64().expect("a status"))
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses(&result), [500, 201]);
    assert_eq!(result["responses"][0]["body"]["code"], "unknown-outcome");
    place.open_gate();
    signal(sleeper.id(), rustix::process::Signal::CONT);
    let begin = Instant::now();
    // It wakes, and what it does has no effect on the result.
    while ledger.ended("/gated/a") == 0 && begin.elapsed() < Duration::from_secs(3) {
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        server.result(&monitor, Duration::from_secs(1)).await,
        result
    );
    assert_eq!((ledger.begun("/gated/a"), ledger.begun("/plain/b")), (1, 1));
    drop((sleeper, other));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_kills_its_worker_each_time_ends_after_its_attempts() {
    let place = Place::new().await;
    let server = Server::new(&place, |layer| layer).await;
    let ledger = Ledger::of(&place);
    let items = json!([
        { "id": "a", "method": "GET", "url": "/die/a" },
        { "id": "b", "method": "GET", "url": "/read/b", "dependsOn": ["a"] },
    ]);
    let monitor = server.submit(items).await;
    let mut deaths = 0;
    let mut worker = Worker::start(&place, &[("ATTEMPTS", "3")]);
    let begin = Instant::now();
    let result = loop {
        if worker.has_ended() {
            deaths += 1;
            worker = Worker::start(&place, &[("ATTEMPTS", "3")]);
        }
        if let Some(result) = server.try_result(&monitor).await {
            break result;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{deaths} deaths");
        sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((deaths, ledger.begun("/die/a")), (3, 3));
    assert_eq!(result["responses"][0]["body"]["code"], "attempts-exhausted");
    assert_eq!(result["responses"][1]["status"], 424);
    // The worker is well again.
    let other = server.submit(mixed(0)).await;
    server.result(&other, Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_blocks_its_thread_ends_by_its_deadline() {
    let place = Place::new().await;
    let server = Server::new(&place, |layer| layer.deadline(Duration::from_secs(1))).await;
    let _worker = Worker::start(&place, &[]);
    let begin = Instant::now();
    let monitor = server
        .submit(json!([
            { "id": "a", "method": "GET", "url": "/read/a" },
            { "id": "b", "method": "POST", "url": "/block/b" },
        ]))
        .await;
    let result = server.result(&monitor, Duration::from_secs(10)).await;
    eprintln!(
        "a batch with a deadline of 1 s and a blocked thread ended after {:?}",
        begin.elapsed()
    );
    let items = result["responses"].as_array().expect("responses");
    // The first item may have had its response before the other one blocked the thread.
    assert!(items[0]["status"] == 200 || items[0]["body"]["code"] == "deadline-exceeded");
    assert_eq!(items[1]["body"]["code"], "unknown-outcome");
    // The other thread of the worker still works.
    let other = server.submit(mixed(0)).await;
    server.result(&other, Duration::from_secs(10)).await;
}
