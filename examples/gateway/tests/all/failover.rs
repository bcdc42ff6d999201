//! Upstreams that die.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gateway::Settings;
use gateway::upstream::Upstream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{Fleet, Server, app, mixed};

const PER_BATCH: usize = 100;

/// The method, key and status of an item.
type Outcome = (&'static str, usize, u16);

/// Sends these batches, eight at a time. Counts the finished items in `done`.
async fn send_batches(
    server: &Arc<Server>,
    batches: std::ops::Range<usize>,
    done: &Arc<AtomicUsize>,
) -> Vec<Outcome> {
    let next = Arc::new(AtomicUsize::new(batches.start));
    let mut senders = JoinSet::new();
    for _ in 0..8 {
        let (server, next, done) = (Arc::clone(server), Arc::clone(&next), Arc::clone(done));
        senders.spawn(async move {
            let mut outcomes = Vec::new();
            loop {
                let batch = next.fetch_add(1, Ordering::SeqCst);
                if batch >= batches.end {
                    return outcomes;
                }
                let first = batch * PER_BATCH;
                let items = mixed(first..first + PER_BATCH);
                let statuses = server.batch(&items).await;
                assert_eq!(statuses.len(), PER_BATCH);
                let sent = items.iter().zip(statuses).enumerate();
                outcomes.extend(sent.map(|(at, (item, status))| (item.0, first + at, status)));
                done.fetch_add(PER_BATCH, Ordering::SeqCst);
            }
        });
    }
    senders.join_all().await.concat()
}

async fn until(is_true: impl Fn() -> bool) {
    while !is_true() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_is_killed_and_returns_costs_the_unsafe_items_in_flight_to_it() {
    let started = Instant::now();
    let mut fleet = Fleet::start(3);
    let settings = Settings {
        limit: 16,
        ..Settings::default()
    };
    let server = Arc::new(fleet.gateway(settings));
    let done = Arc::new(AtomicUsize::new(0));
    let is_done = |count| {
        let done = Arc::clone(&done);
        move || done.load(Ordering::SeqCst) >= count
    };

    let victim = Arc::clone(&fleet.records[1]);
    let mut served_by_killed = 0;
    let kill_and_restart = async {
        until(is_done(2_000)).await;
        let upstream = fleet.upstreams[1].take().expect("it runs");
        let address = upstream.address();
        drop(upstream);
        served_by_killed = victim.served();
        until(is_done(4_000)).await;
        assert_eq!(victim.served(), served_by_killed);
        fleet.upstreams[1] = Some(Upstream::start(address, app(&victim)).expect("its port"));
    };
    let first = send_batches(&server, 0..60, &done);
    let (mut outcomes, ()) = timeout(Duration::from_secs(30), async {
        tokio::join!(first, kill_and_restart)
    })
    .await
    .expect("nothing hangs");
    assert!(served_by_killed > 0);

    // It returns within the second of its breaker.
    let returns = async {
        while victim.served() == served_by_killed {
            assert_eq!(server.status("GET", "/quick/0").await, 200);
        }
    };
    timeout(Duration::from_secs(3), returns)
        .await
        .expect("it returns");
    let served_before = victim.served();
    let rest = send_batches(&server, 60..100, &done);
    let rest = timeout(Duration::from_secs(30), rest).await;
    let rest = rest.expect("nothing hangs");
    assert!(rest.iter().all(|outcome| outcome.2 == 200));
    outcomes.extend(rest);

    // A fair share is a third. The balancer compares response times, which vary.
    let share = (victim.served() - served_before) as f64 / 4_000.0;
    assert!(share > 1.0 / 6.0, "its share is {share}");

    assert_eq!(outcomes.len(), 10_000);
    let failed: Vec<_> = outcomes.iter().filter(|item| item.2 != 200).collect();
    let is_unsafe_502 = |item: &&Outcome| item.0 == "POST" && item.2 == 502;
    assert!(failed.iter().all(is_unsafe_502), "{failed:?}");
    assert!(failed.len() <= settings.limit, "{failed:?}");

    let ledger = fleet.ledger.lock().unwrap();
    for (_, key, status) in outcomes.iter().filter(|item| item.0 == "POST") {
        let runs = ledger.get(&key.to_string()).copied().unwrap_or_default();
        assert!(runs <= 1, "{key} ran {runs} times");
        assert!(*status != 200 || runs == 1, "{key} is 200 and did not run");
    }
    println!(
        "10,000 items: {} failed, share after the return {share:.2}, {:?}",
        failed.len(),
        started.elapsed()
    );
}

/// Sends 1,000 items while one of three upstreams is dead, and returns how many fail.
async fn failures_with_one_dead(settings: Settings) -> usize {
    let mut fleet = Fleet::start(3);
    let server = Arc::new(fleet.gateway(settings));
    fleet.upstreams[1] = None;
    let outcomes = send_batches(&server, 0..10, &Arc::default()).await;
    outcomes.iter().filter(|outcome| outcome.2 != 200).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_breaker_and_retries_items_fail_while_an_upstream_is_dead() {
    let with_neither = Settings {
        failures: u32::MAX,
        unsent: 0,
        broken: 0,
        ..Settings::default()
    };
    let breaker_only = Settings {
        failures: 3,
        ..with_neither
    };
    let retries_only = Settings {
        failures: u32::MAX,
        ..Settings::default()
    };
    let failed = [
        failures_with_one_dead(with_neither).await,
        failures_with_one_dead(breaker_only).await,
        failures_with_one_dead(retries_only).await,
        failures_with_one_dead(Settings::default()).await,
    ];
    println!("of 1,000 items fail with neither, breaker, retries, both: {failed:?}");
    assert!(failed[0] > 100 && failed[1] > 0, "{failed:?}");
    assert_eq!(failed[3], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_of_three_dead_no_item_fails() {
    let mut fleet = Fleet::start(3);
    let server = Arc::new(fleet.gateway(Settings::default()));
    fleet.upstreams[0] = None;
    fleet.upstreams[2] = None;
    let outcomes = send_batches(&server, 0..5, &Arc::default()).await;
    let failed: Vec<_> = outcomes.iter().filter(|item| item.2 != 200).collect();
    assert!(failed.is_empty(), "{failed:?}");
}
