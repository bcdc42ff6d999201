//! Measures the worst envelopes and responses of about 1 MiB: instructions per byte, counted by
//! callgrind, and the peak of the heap divided by the size. Compares each with its budget in
//! `worst.txt`.
//!
//! ```sh
//! cargo bench --bench worst --features multipart,multistatus,shapes  # fails above a budget
//! ```
//!
//! After `--`, `--quick` measures only the heap, `--times` prints nanoseconds of CPU per byte, and
//! `--write` makes the measured figures plus 3 % the new budgets.
//!
//! Work that grows with the product of two counts shows here, and so does memory of ten times the
//! size.
#[path = "../support/mod.rs"]
mod support;

mod cases;
mod exchange;
mod shaped;

use std::process::ExitCode;
use std::time::Duration;

use cases::Case;
use exchange::Exchange;
use http_body_util::BodyExt;
use support::budget::{self, Figure};
use support::build::{Build, CASE, programs};
use support::callgrind::{self, Runs};
use support::harness::Mode;
use support::net::Cpu;
use tower::{Layer, Service};

const BUDGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/worst/worst.txt");

const HEAD: &str = "\
# The cost of a byte of the worst envelopes and responses: in instructions, and (`.peak`) in bytes
# of the heap. `cargo bench --bench worst` fails if a figure is over its budget, and writes this
# file with `-- --write`: the measured figures plus 3 %. A budget above its goal means that the goal
# is not reached yet.
";

/// The goal per byte; about 20 ns.
const INSTRUCTIONS: f64 = 120.0;

/// The goal for the peak of the heap, as a multiple of the size.
const PEAK: f64 = 8.0;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    if let [first, name, times] = &args[..]
        && first == CASE
    {
        let exchange = (case(name).make)();
        for _ in 0..times.parse().expect("a number of runs") {
            run(&exchange);
        }
        return ExitCode::SUCCESS;
    }
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench worst` runs this");
        return ExitCode::SUCCESS;
    };
    if has("--times") {
        all().for_each(time);
        return ExitCode::SUCCESS;
    }
    let mut figures: Vec<Figure> = all().map(peak).collect();
    if mode == Mode::Full && callgrind::is_installed() {
        let cases = all().map(|case| (Build::This, case.name));
        let costs = callgrind::per_unit(cases, &programs([Build::This]), runs);
        figures.extend(all().map(|case| Figure {
            name: case.name.to_owned(),
            goal: INSTRUCTIONS,
            figure: costs[&(Build::This, case.name)],
            comment: case.comment,
        }));
        if has("--write") {
            budget::write(BUDGETS, HEAD, &figures);
        }
    } else {
        println!("instructions skipped: this run does not count them");
    }
    budget::compare(BUDGETS, &figures)
}

/// The cases of all formats.
fn all() -> impl Iterator<Item = &'static Case> {
    cases::CASES.iter().chain(shaped::CASES)
}

fn case(name: &str) -> &'static Case {
    let case = all().find(|case| case.name == name);
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

/// Sends the batch, and reads the whole response.
fn run(exchange: &Exchange) {
    let runtime = support::harness::runtime();
    let mut service = exchange.layer.clone().layer(exchange.inner.clone());
    runtime.block_on(async {
        let response = service.call(exchange.request()).await.expect("a response");
        let status = response.status().as_u16();
        assert!(exchange.statuses.contains(&status), "{status}");
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            std::hint::black_box(frame.expect("a frame"));
        }
    });
}

/// The peak of the heap, without the envelope and the inner response.
fn peak(case: &Case) -> Figure {
    let exchange = (case.make)();
    let measured = allocation_counter::measure(|| run(&exchange));
    Figure {
        name: format!("{}.peak", case.name),
        goal: PEAK,
        figure: measured.bytes_max as f64 / exchange.bytes as f64,
        comment: case.comment,
    }
}

/// Prints the CPU time per byte. It is the time of the thread, as the machine may have other work.
/// The kernel counts it in steps of some milliseconds.
fn time(case: &Case) {
    let exchange = (case.make)();
    let cpu = Cpu::of_this_thread().expect("the CPU time of this thread");
    let (start, mut times) = (cpu.now(), 0);
    while cpu.now() - start < Duration::from_millis(300) {
        run(&exchange);
        times += 1;
    }
    let nanos = (cpu.now() - start).as_nanos() as f64;
    let each = nanos / f64::from(times) / exchange.bytes as f64;
    println!("{:<20} {each:>6.1} ns per byte", case.name);
}
