//! Runs a soak test, and prints its verdict:
//! `cargo run --release --manifest-path examples/soak/Cargo.toml -- --items 1000000 --chart a.svg`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use load::SERVE;
use soak::{Report, Settings, chart, run, serve};
use tower::BoxError;

const USAGE: &str = "soak [--items N] [--seconds N] [--seed N] [--chart PATH]";

/// The maximum problems that are printed.
const MAX_PRINTED: usize = 20;

enum Task {
    Serve(usize),
    Run(Settings, Option<PathBuf>),
}

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let (settings, path) = match task()? {
        Task::Serve(keys) => {
            serve(keys).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Task::Run(settings, path) => (settings, path),
    };
    println!("seed {}", settings.seed);
    let report = run(&std::env::current_exe()?, settings).await?;
    print(&report);
    if let Some(path) = path {
        std::fs::write(&path, chart(&report))?;
        println!("chart: {}", path.display());
    }
    for problem in report.problems.iter().take(MAX_PRINTED) {
        println!("{problem}");
    }
    match report.problems.len() {
        0 => {
            println!("verdict: good");
            Ok(ExitCode::SUCCESS)
        }
        problems => {
            println!("verdict: BAD, {problems} problems");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn task() -> Result<Task, lexopt::Error> {
    let mut settings = Settings {
        items: 100_000,
        duration: None,
        seed: fastrand::u64(..1 << 32),
    };
    let mut path = None;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(word) if word == SERVE => return Ok(Task::Serve(arguments.value()?.parse()?)),
            Long("items") => settings.items = arguments.value()?.parse()?,
            Long("seconds") => {
                let seconds = arguments.value()?.parse()?;
                settings.duration = Some(Duration::from_secs(seconds));
            }
            Long("seed") => settings.seed = arguments.value()?.parse()?,
            Long("chart") => path = Some(arguments.value()?.into()),
            other => {
                let problem = other.unexpected();
                return Err(format!("{problem}\nusage: {USAGE}").into());
            }
        }
    }
    Ok(Task::Run(settings, path))
}

fn print(report: &Report) {
    let (batches, seconds) = (&report.batches, report.time.as_secs_f64());
    println!(
        "{} items in {seconds:.0} s, {:.0} a second",
        report.items,
        report.items as f64 / seconds
    );
    println!(
        "batches: {} read, {} left, {} half closed and cut, {} pipelined and left",
        batches.read, batches.left, batches.half_closed, batches.pipelined
    );
    for (fault, count) in &report.responses {
        println!("responses to items with the fault {fault:?}: {count}");
    }
    println!("slow items that timed out: {}", report.late);
    println!(
        "started: {}, of these ended: {}, dropped: {}",
        report.started,
        report.started - report.dropped,
        report.dropped
    );
    let most = |of: fn(&soak::Sample) -> u64| report.samples.iter().map(of).max().unwrap_or(0);
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "at the most: {:.1} MiB of memory, {} tasks, {} files, {} calls in flight",
        mebibytes(most(|sample| sample.memory)),
        most(|sample| sample.stats.tasks as u64),
        most(|sample| sample.files as u64),
        most(|sample| sample.stats.open as u64),
    );
    if let [before, .., after] = &report.samples[..] {
        for (when, sample) in [("before", before), ("after", after)] {
            println!(
                "{when}: {:.1} MiB, {} tasks, {} files, {} calls in flight",
                mebibytes(sample.memory),
                sample.stats.tasks,
                sample.files,
                sample.stats.open
            );
        }
    }
}
