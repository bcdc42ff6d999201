//! Counts instructions with callgrind, and compares the ratio of each hot case with its budget in
//! `budgets.txt`. Does the same for the peak of the heap.
//!
//! ```sh
//! cargo bench --bench budgets             # fails if a ratio is over its budget
//! cargo bench --bench budgets -- --quick  # only the first two
//! cargo bench --bench budgets --features multipart,shapes -- --write  # makes new budgets
//! ```
//!
//! New budgets are the measured ratios plus 3 %. Unlike times, instruction counts repeat on any
//! machine. Without valgrind nothing is measured.
mod support;

use std::path::Path;
use std::process::{Command, ExitCode};

use support::budget::{self, Figure};
use support::build::{Build, CASE, programs};
use support::callgrind::Case;
use support::harness::Mode;
use support::{callgrind, case};

const BUDGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/budgets.txt");

const HEAD: &str = "\
# Instructions per item of one case, as a ratio to another case. `cargo bench --bench budgets` fails
# if a ratio is over its budget, and writes this file with `-- --write`: the measured ratios plus
# 3 %. A budget above its goal means that the goal is not reached yet.
";

/// A figure with a budget.
struct Budget {
    name: &'static str,
    measure: Measure,
    /// The maximum to reach.
    goal: f64,
    comment: &'static str,
}

#[derive(Clone, Copy)]
enum Measure {
    /// Instructions per item of the first case, divided by those of the second.
    Ratio(Case, Case),
    /// The peak of the heap in MB, without the envelope.
    Peak(&'static str),
}

const NO_GOAL: f64 = f64::INFINITY;

const fn ratio(
    name: &'static str,
    case: &'static str,
    against: &'static str,
    goal: f64,
    comment: &'static str,
) -> Budget {
    Budget {
        name,
        measure: Measure::Ratio((Build::This, case), (Build::This, against)),
        goal,
        comment,
    }
}

/// The ratio of a case built with the feature `tracing` to the layer built without it.
const fn traced(
    name: &'static str,
    case: &'static str,
    goal: f64,
    comment: &'static str,
) -> Budget {
    Budget {
        name,
        measure: Measure::Ratio(
            (Build::Traced, case),
            (Build::This, "layer real get small 100"),
        ),
        goal,
        comment,
    }
}

const fn peak(name: &'static str, case: &'static str, goal: f64, comment: &'static str) -> Budget {
    Budget {
        name,
        measure: Measure::Peak(case),
        goal,
        comment,
    }
}

#[rustfmt::skip]
const BUDGETED: &[Budget] = &[
    ratio("real-get", "layer real get small 100", "oneshot real get small 100", 1.34,
        "GET of 30 B, against oneshots of the same application"),
    ratio("real-post", "layer real post small 100", "oneshot real post small 100", 1.18,
        "POST of 200 B, against oneshots of the same application"),
    ratio("real-one", "layer real get small 1", "bare-alike real get small 1", 1.9,
        "a batch of one, against a GET with the same headers"),
    ratio("real-by-hand", "layer real get small 100", "by-hand real get small 100", 0.294,
        "GET of 30 B, against a handler written by hand"),
    traced("tracing", "layer real get small 100", 1.02,
        "feature tracing, no subscriber, against the feature off"),
    traced("tracing-off", "filtered-out real get small 100", NO_GOAL,
        "feature tracing, a filter that is off, against the feature off"),
    traced("tracing-on", "recorded real get small 100", NO_GOAL,
        "feature tracing, a registry of all spans, against the feature off"),
    ratio("one-by-one", "one-by-one-of-all trivial get small 1000",
        "one-by-one-of-8 trivial get small 1000", 1.1,
        "items that finish one at a time: 1,000 in flight, against 8"),
    ratio("depends-on", "layer real chain small 100", "layer real get small 100", 1.15,
        "items that each depend on the one before, against none"),
    peak("peak-heap", "held trivial get large 1000", 0.72,
        "MB beside the envelope: 1,000 responses of 64 KiB, streamed, 8 in flight"),
    ratio("axum-get", "layer axum get small 100", "floor axum get small 100", 1.35,
        "GET of 30 B, against calling the router in a loop"),
    ratio("axum-post", "layer axum post small 100", "floor axum post small 100", 1.40,
        "POST of 200 B, against calling the router in a loop"),
    ratio("large-answers", "trusting axum get large 100", "trusting axum get small 100", 1.1,
        "trusted JSON of 64 KiB, against 30 B"),
    #[cfg(feature = "multipart")]
    ratio("multipart-large", "multipart axum get large 100", "multipart axum get small 100", 1.1,
        "multipart: responses of 64 KiB, against 30 B"),
    #[cfg(feature = "multipart")]
    ratio("multipart-streamed", "multipart-streamed axum get large 100",
        "multipart-streamed axum get small 100", 1.5,
        "multipart, streamed: responses of 64 KiB, against 30 B"),
    ratio("flat", "layer axum get small 1000", "layer axum get small 10", 1.02,
        "an item among 1000, against one among 10"),
    ratio("batch-of-one", "layer axum get small 1", "floor axum get small 1", 1.45,
        "a batch of one, against calling the router"),
    ratio("by-hand-30B", "layer axum get small 100", "by-hand axum get small 100", 0.5,
        "responses of 30 B, against a handler written by hand"),
    ratio("by-hand-1KiB", "layer axum get medium 100", "by-hand axum get medium 100", 0.167,
        "responses of 1 KiB, against a handler written by hand"),
    ratio("streamed", "streamed axum get small 100", "layer axum get small 100", 1.05,
        "streamed and drained, against buffered"),
    ratio("stream", "stream real get small 1000", "layer real get small 100", 1.0,
        "an item of an NDJSON stream, against one of a JSON batch of 100"),
    ratio("stream-flat", "stream axum get small 10000", "stream axum get small 1000", 1.02,
        "an item of a stream of 10,000, against one of a stream of 1,000"),
    ratio("observed", "observed real get small 100", "layer real get small 100", NO_GOAL,
        "on_response and on_batch, which read the clock, against neither"),
    ratio("pass-through", "through trivial get small 1", "bare trivial get small 1", 1.2,
        "a request that is no batch, against a service that does nothing"),
    ratio("pass-through-axum", "through axum get small 1", "bare axum get small 1", 1.2,
        "a request that is no batch, against a router"),
    #[cfg(feature = "shapes")]
    ratio("shaped", "shaped axum get small 100", "layer axum get small 100", NO_GOAL,
        "GET of 30 B in a shape, Shape::RESULTS, against JSON"),
    #[cfg(feature = "multipart")]
    ratio("multipart", "multipart axum get small 100", "layer axum get small 100", NO_GOAL,
        "GET of 30 B as multipart, against JSON"),
    // No goals: these show the work of the layer alone, without axum.
    ratio("trivial-get", "layer trivial get small 100", "floor trivial get small 100", NO_GOAL,
        "GET of 30 B, against calling a service that does nothing"),
    ratio("trivial-post", "layer trivial post small 100", "floor trivial post small 100", NO_GOAL,
        "POST of 200 B, against calling a service that does nothing"),
    ratio("checked-1KiB", "layer axum get medium 100", "trusting axum get medium 100", NO_GOAL,
        "JSON of 1 KiB that is checked, against trusted"),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, words, times] = &args[..]
        && first == CASE
    {
        let times = times.parse().expect("a number of runs");
        case::with(words, |run| run(times));
        return ExitCode::SUCCESS;
    }
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench budgets` runs this");
        return ExitCode::SUCCESS;
    };
    if cfg!(feature = "tracing") {
        println!("run this bench without the feature `tracing`; it builds the variant with it");
        return ExitCode::FAILURE;
    }
    if !callgrind::is_installed() {
        println!("skipped: valgrind is not installed");
        return ExitCode::SUCCESS;
    }
    let budgeted = match mode {
        Mode::Full => BUDGETED,
        Mode::Quick => &BUDGETED[..2],
    };
    let figures = measure(budgeted);
    if mode == Mode::Full && args.iter().any(|arg| arg == "--write") {
        budget::write(BUDGETS, HEAD, &figures);
    }
    budget::compare(BUDGETS, &figures)
}

fn measure(budgeted: &[Budget]) -> Vec<Figure> {
    let builds = budgeted.iter().flat_map(|budget| match budget.measure {
        Measure::Ratio((build, _), (against, _)) => [build, against],
        Measure::Peak(_) => [Build::Counting; 2],
    });
    let programs = programs(builds);
    let cases = budgeted.iter().filter_map(|budget| match budget.measure {
        Measure::Ratio(case, against) => Some([case, against]),
        Measure::Peak(_) => None,
    });
    let costs = callgrind::per_unit(cases.flatten(), &programs, case::runs);
    println!("instructions per item");
    for ((build, case), cost) in &costs {
        let build = if *build == Build::Traced {
            "tracing"
        } else {
            ""
        };
        println!("  {case:<42} {build:<7} {cost:>10.0}");
    }
    let figure = |budget: &Budget| Figure {
        name: budget.name.to_owned(),
        goal: budget.goal,
        figure: match budget.measure {
            Measure::Ratio(case, against) => costs[&case] / costs[&against],
            Measure::Peak(case) => peak_of(&programs[&Build::Counting], case),
        },
        comment: budget.comment,
    };
    budgeted.iter().map(figure).collect()
}

/// The peak of the heap of a case, in MB.
fn peak_of(program: &Path, case: &str) -> f64 {
    let run = Command::new(program).args([CASE, case]).output();
    let printed = String::from_utf8(run.expect("the bench runs").stdout).expect("a number");
    let bytes: f64 = printed.trim().parse().expect("a number");
    bytes / 1e6
}
