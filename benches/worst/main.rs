//! The worst envelopes and responses of about 1 MiB: instructions a byte, counted by callgrind, and
//! the peak of the heap to their size, each compared with its budget in `worst.txt`.
//!
//! ```sh
//! cargo bench --bench worst --features multipart,multistatus  # fails if one is over its budget
//! ```
//!
//! After `--`, `--quick` measures the heap only, `--times` prints nanoseconds of CPU a byte, and
//! `--write` makes the figures of now the budgets, with 3 % to spare.
//!
//! What takes a product of two counts, or ten times its size, shows here.
#[path = "../support/mod.rs"]
mod support;

mod cases;
mod scene;

use std::process::ExitCode;
use std::time::Duration;

use cases::{CASES, Case};
use http_body_util::BodyExt;
use scene::Scene;
use support::budget::{self, Figure};
use support::callgrind::{self, Runs};
use support::harness::Mode;
use support::net::Cpu;
use tower::{Layer, Service};

const BUDGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/worst/worst.txt");

const HEAD: &str = "\
# What a byte of the worst envelopes and responses may cost: in instructions, and (`.peak`) in bytes
# of the heap. `cargo bench --bench worst` fails when one is over, and writes this file with
# `-- --write`: the figures as they are, with 3 % to spare. The goal is what they ought to be; a
# budget above it says that it is not reached yet.
";

/// About 20 ns.
const INSTRUCTIONS: f64 = 120.0;

const PEAK: f64 = 8.0;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    if let [first, name, times] = &args[..]
        && first == callgrind::CASE
    {
        let scene = (case(name).make)();
        for _ in 0..times.parse().expect("how many times") {
            run(&scene);
        }
        return ExitCode::SUCCESS;
    }
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench worst` runs this");
        return ExitCode::SUCCESS;
    };
    if has("--times") {
        CASES.iter().for_each(time);
        return ExitCode::SUCCESS;
    }
    let mut figures: Vec<Figure> = CASES.iter().map(peak).collect();
    if mode == Mode::Full && callgrind::is_there() {
        let costs = callgrind::per_unit(CASES.iter().map(|case| case.name), runs);
        figures.extend(CASES.iter().map(|case| Figure {
            name: case.name.to_owned(),
            goal: INSTRUCTIONS,
            figure: costs[case.name],
            comment: case.comment,
        }));
        if has("--write") {
            budget::write(BUDGETS, HEAD, &figures);
        }
    } else {
        println!("instructions skipped: nothing counts them");
    }
    budget::compare(BUDGETS, &figures)
}

fn case(name: &str) -> &'static Case {
    let case = CASES.iter().find(|case| case.name == name);
    case.expect("a case")
}

fn runs(name: &str) -> Runs {
    let bytes = (case(name).make)().bytes;
    Runs {
        few: 1,
        more: 2,
        units: u32::try_from(bytes).expect("about 1 MiB"),
    }
}

/// Sends the batch, and reads the response to its end.
fn run(scene: &Scene) {
    let runtime = support::harness::runtime();
    let mut service = scene.layer.clone().layer(scene.inner.clone());
    runtime.block_on(async {
        let response = service.call(scene.request()).await.expect("a response");
        let status = response.status().as_u16();
        assert!(scene.statuses.contains(&status), "{status}");
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            std::hint::black_box(frame.expect("a frame"));
        }
    });
}

/// What the batch holds at most, beside the envelope or the response of the inner service itself.
fn peak(case: &Case) -> Figure {
    let scene = (case.make)();
    let measured = allocation_counter::measure(|| run(&scene));
    Figure {
        name: format!("{}.peak", case.name),
        goal: PEAK,
        figure: measured.bytes_max as f64 / scene.bytes as f64,
        comment: case.comment,
    }
}

/// Of the thread, not of the clock: the machine may have other work to do. The count has steps of
/// some milliseconds.
fn time(case: &Case) {
    let scene = (case.make)();
    let cpu = Cpu::of_this_thread().expect("a count of this thread's time");
    let (start, mut times) = (cpu.now(), 0);
    while cpu.now() - start < Duration::from_millis(300) {
        run(&scene);
        times += 1;
    }
    let nanos = (cpu.now() - start).as_nanos() as f64;
    let each = nanos / f64::from(times) / scene.bytes as f64;
    println!("{:<20} {each:>6.1} ns a byte", case.name);
}
