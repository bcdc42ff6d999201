//! Random batches with an inner service that fails at any step, and clients that leave at any time.
//! With the feature `client`, the client half sends a fourth of them, over connections that break.
//!
//! It runs for three seconds, or for the given time:
//!
//! ```text
//! STRESS_SECONDS=600 cargo test --all-features --test stress -- --nocapture
//! ```
//!
//! It prints its seed. `STRESS_SEED` repeats the same batches. The scheduling of threads is not
//! repeated.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

mod batch;
mod checks;
#[cfg(feature = "client")]
mod client;
mod envelope;
mod ledger;
mod random;
mod service;
mod sums;
mod transactions;
mod wire;

use batch::Outcome;
use ledger::{Fault, Ledger};
use random::Random;

/// The number of concurrent batches.
const WORKERS: usize = 32;

/// A batch takes milliseconds. If none ends in this time, one hangs.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Default)]
struct Report {
    outcomes: BTreeMap<Outcome, u64>,
    faults: BTreeMap<Fault, u64>,
    items: u64,
    /// The items that the observers were told of.
    told: usize,
    begun: usize,
    values: usize,
}

#[derive(Default)]
struct Run {
    next: AtomicU64,
    ended: AtomicU64,
    is_over: AtomicBool,
    report: Mutex<Report>,
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

async fn work(run: Arc<Run>, seed: u64, until: Instant) {
    while Instant::now() < until {
        let batch = run.next.fetch_add(1, SeqCst);
        let random = Random::new(seed.wrapping_add(batch << 20));
        let (outcome, ledger, told) = run_one(random).await;
        let mut report = run.report.lock().expect("the report");
        *report.outcomes.entry(outcome).or_default() += 1;
        report.items += ledger.faults.len() as u64;
        report.told += told;
        report.values += ledger.made.load(SeqCst);
        for (at, fault) in ledger.faults.iter().enumerate() {
            let began = ledger.began(at);
            report.begun += began;
            *report.faults.entry(*fault).or_default() += began as u64;
        }
        drop(report);
        run.ended.fetch_add(1, SeqCst);
    }
}

/// Runs a batch. The client half sends some of them, which are not observed.
async fn run_one(random: Random) -> (Outcome, Arc<Ledger>, usize) {
    #[cfg(feature = "client")]
    if random.clone().one_in(4) {
        let (outcome, ledger) = client::run(random).await;
        return (outcome, ledger, 0);
    }
    batch::run(random).await
}

/// Aborts the process if a batch hangs, because a test that hangs reports nothing.
fn watch(run: Arc<Run>, seed: u64) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let (mut seen, mut since) = (0, Instant::now());
        while !run.is_over.load(SeqCst) {
            thread::park_timeout(Duration::from_secs(1));
            let ended = run.ended.load(SeqCst);
            if ended != seen {
                (seen, since) = (ended, Instant::now());
            }
            if since.elapsed() > PATIENCE {
                eprintln!("a batch hangs: STRESS_SEED={seed}, after {ended} batches");
                std::process::abort();
            }
        }
    })
}

fn list<K: Debug>(counts: &BTreeMap<K, u64>) -> String {
    let count = |(name, count): (&K, &u64)| format!("{name:?} {count}");
    counts.iter().map(count).collect::<Vec<_>>().join(", ")
}

#[test]
fn random_batches_have_one_response_per_item_and_leak_nothing() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = number("STRESS_SEED").unwrap_or(now.expect("a time").as_secs());
    let seconds = number("STRESS_SECONDS").unwrap_or(3);
    println!("STRESS_SEED={seed}");
    let run = Arc::<Run>::default();
    let watch = watch(Arc::clone(&run), seed);
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..WORKERS {
            workers.spawn(work(Arc::clone(&run), seed, until));
        }
        while let Some(worker) = workers.join_next().await {
            worker.expect("every batch is as it should be");
        }
    });
    run.is_over.store(true, SeqCst);
    watch.thread().unpark();
    watch.join().expect("the watch");
    let report = run.report.lock().expect("the report");
    println!("batches: {}", list(&report.outcomes));
    println!(
        "items: {}, begun {}, observed {}",
        report.items, report.begun, report.told
    );
    println!("values made and dropped: {}", report.values);
    println!("begun by fault: {}", list(&report.faults));
    for outcome in [Outcome::Read, Outcome::Refused, Outcome::Left] {
        assert!(report.outcomes.contains_key(&outcome), "no {outcome:?}");
    }
    #[cfg(feature = "client")]
    assert!(report.outcomes.contains_key(&Outcome::Client));
}
