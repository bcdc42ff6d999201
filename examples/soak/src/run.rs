//! A run: a server, its clients, and the samples that are taken meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use load::ServerProcess;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tower::BoxError;

use crate::client::{Client, Work};
use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::samples::{Sample, get};
use crate::verdict::{Batches, Notes, problems_of_items, problems_of_samples};

const CLIENTS: u64 = 64;

/// The time between two samples.
const SAMPLED_EVERY: Duration = Duration::from_millis(500);

/// The time that the server has to drop what clients have left behind.
const ENDS_WITHIN: Duration = Duration::from_secs(45);

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The maximum items that are sent.
    pub items: usize,
    /// The time after which no batch is begun.
    pub duration: Option<Duration>,
    pub seed: u64,
}

/// What has happened.
#[derive(Debug)]
pub struct Report {
    /// The items that were sent.
    pub items: usize,
    pub time: Duration,
    pub batches: Batches,
    /// The number of responses, by the fault of the item.
    pub responses: BTreeMap<Fault, usize>,
    /// The slow items that timed out, because the machine was busy.
    pub late: usize,
    /// The number of items that the server started, and of those, how many it dropped.
    pub started: usize,
    pub dropped: usize,
    /// Samples in the order of time. The first is from before the run, the last from after it.
    pub samples: Vec<Sample>,
    /// What was wrong. The verdict is good if this is empty.
    pub problems: Vec<String>,
}

/// Sends batches to a new server, and compares what was sent with what it has done. `program` is
/// this program.
///
/// # Errors
///
/// If the server cannot be started, or does not respond any more.
pub async fn run(program: &Path, settings: Settings) -> Result<Report, BoxError> {
    let server = ServerProcess::start(program, &[&settings.items.to_string()])?;
    let start = Instant::now();
    let before = Sample::take(&server, start).await?;
    let work = Arc::new(Work {
        server: server.address(),
        items: settings.items,
        until: settings.duration.map(|duration| start + duration),
        notes: Notes::new(settings.items),
        next_item: AtomicUsize::new(0),
        next_batch: AtomicUsize::new(0),
    });
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(Client::new(&work, number, settings.seed).run());
    }
    let mut during = vec![before];
    let mut ticks = interval(SAMPLED_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            client = clients.join_next() => match client {
                Some(ended) => ended?,
                None => break,
            },
            _ = ticks.tick() => during.push(Sample::take(&server, start).await?),
        }
    }
    let time = start.elapsed();
    let after = quiet(&server, start, &before).await?;
    let entries = Ledger::read(&get(server.address(), "/ledger").await?);

    let noted = work.notes.lock();
    let mut problems = noted.problems.clone();
    problems.extend(problems_of_items(&entries, &noted.items));
    problems.extend(problems_of_samples(&before, &during, &after));
    let slow = noted.responses.get(&Fault::Slow).copied().unwrap_or(0);
    if noted.late > slow / 2 {
        problems.push(format!("of {slow} slow items, {} timed out", noted.late));
    }
    during.push(after);
    Ok(Report {
        items: settings.items.min(work.next_item.load(SeqCst)),
        time,
        batches: noted.batches,
        responses: noted.responses.clone(),
        late: noted.late,
        started: entries.iter().map(|entry| usize::from(entry.started)).sum(),
        dropped: entries.iter().map(|entry| usize::from(entry.dropped)).sum(),
        samples: during,
        problems,
    })
}

/// Waits until the server holds no more than before, or long enough.
async fn quiet(
    server: &ServerProcess,
    start: Instant,
    before: &Sample,
) -> Result<Sample, BoxError> {
    let until = Instant::now() + ENDS_WITHIN;
    loop {
        let sample = Sample::take(server, start).await?;
        let is_quiet = problems_of_samples(before, &[], &sample).is_empty();
        if is_quiet || Instant::now() >= until {
            return Ok(sample);
        }
        sleep(SAMPLED_EVERY).await;
    }
}
