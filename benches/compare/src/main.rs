//! Sends the same random batches through the layer of two revisions. `benches/compare/run` builds
//! and runs it.

mod body;
mod envelope;
mod inner;
mod outer;
#[path = "../../../tests/stress/random.rs"]
mod random;
mod reply;
mod settings;

/// The crate of the old revision, whose types are distinct.
mod old {
    use ::old as multistatus;
    include!("side.rs");
}

/// The crate of this tree.
mod new {
    use ::new as multistatus;
    include!("side.rs");
}

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use outer::Outer;
use random::Random;
use reply::{Reply, Seen};
use settings::Settings;

/// A batch that is made from a seed.
struct Batch {
    settings: Settings,
    outer: Outer,
}

impl Batch {
    fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let settings = Settings::draw(&mut random);
        let outer = Outer::draw(&settings, &mut random);
        Self { settings, outer }
    }

    /// Sends the batch through both layers.
    async fn send(&self) -> (Seen, Seen) {
        let old = old::run(&self.settings, &self.outer).await;
        let new = new::run(&self.settings, &self.outer).await;
        (
            old.normalized(&self.settings),
            new.normalized(&self.settings),
        )
    }
}

#[derive(Default)]
struct Run {
    next: AtomicU64,
    differs: AtomicBool,
}

impl Run {
    /// Compares batches until there are no more. Returns the number of batches by status, and the
    /// number of calls.
    fn work(&self, end: u64) -> (BTreeMap<String, u64>, u64) {
        // The clock is paused: it advances by itself when all tasks wait for it.
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let (mut statuses, mut calls) = (BTreeMap::new(), 0);
        while !self.differs.load(SeqCst) {
            let seed = self.next.fetch_add(1, SeqCst);
            if seed >= end {
                break;
            }
            let batch = Batch::of(seed);
            let (old, new) = runtime.block_on(batch.send());
            if old != new && !self.differs.swap(true, SeqCst) {
                println!("seed {seed}\n\n{:#?}\n{}", batch.settings, batch.outer);
                println!("old\n{old}\nnew\n{new}");
            }
            calls += old.calls.len() as u64;
            let status = match &old.reply {
                Reply::Response(response) => response.status.to_string(),
                other => format!("{other:?}"),
            };
            *statuses.entry(status).or_default() += 1;
        }
        (statuses, calls)
    }
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|argument| {
        let number = argument.parse::<u64>();
        number.expect("a number of batches, and a first seed")
    });
    let batches = numbers.next().unwrap_or(1_000_000);
    let first = numbers.next().unwrap_or(0);
    let run = Run {
        next: AtomicU64::new(first),
        ..Run::default()
    };
    let begun = Instant::now();
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let (mut statuses, mut calls) = (BTreeMap::<String, u64>::new(), 0);
    thread::scope(|scope| {
        let work = || run.work(first + batches);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let (some, some_calls) = thread.join().expect("no thread panics");
            calls += some_calls;
            for (status, count) in some {
                *statuses.entry(status).or_default() += count;
            }
        }
    });
    if run.differs.load(SeqCst) {
        return ExitCode::FAILURE;
    }
    let seconds = begun.elapsed().as_secs();
    println!("{batches} batches alike, with {calls} calls, in {seconds} s; by status {statuses:?}");
    ExitCode::SUCCESS
}
