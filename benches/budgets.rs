//! Instructions, counted by callgrind: the hot cases as ratios, each compared with its budget in `budgets.txt`.
//!
//! ```sh
//! cargo bench --bench budgets             # fails if a ratio is over its budget
//! cargo bench --bench budgets -- --quick  # the first two only
//! cargo bench --bench budgets --features multipart -- --write  # makes the ratios of now the budgets, with 3 % to spare
//! ```
//!
//! Instructions repeat where times do not, on any machine. It needs valgrind, and measures nothing without.
mod support;

use std::process::ExitCode;

use support::budget::{self, Figure};
use support::harness::Mode;
use support::{callgrind, case};

const BUDGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/budgets.txt");

const HEAD: &str = "\
# What an item of one case may cost in instructions, as a ratio to another. `cargo bench --bench budgets` fails
# when one is over, and writes this file with `-- --write`: the ratios as they are, with 3 % to spare. The goal is
# what they ought to be; a budget above it says that it is not reached yet.
";

/// What an item of one case may cost, against an item of another.
struct Ratio {
    name: &'static str,
    case: &'static str,
    against: &'static str,
    /// At most.
    goal: f64,
    comment: &'static str,
}

const fn ratio(
    name: &'static str,
    case: &'static str,
    against: &'static str,
    goal: f64,
    comment: &'static str,
) -> Ratio {
    Ratio {
        name,
        case,
        against,
        goal,
        comment,
    }
}

#[rustfmt::skip]
const RATIOS: &[Ratio] = &[
    ratio("axum-get", "layer axum get small 100", "floor axum get small 100", 1.35,
        "GET of 30 B, against calling the router in a loop"),
    ratio("axum-post", "layer axum post small 100", "floor axum post small 100", 1.40,
        "POST of 200 B, against calling the router in a loop"),
    ratio("large-answers", "trusting axum get large 100", "trusting axum get small 100", 1.1,
        "trusted JSON of 64 KiB, against 30 B"),
    #[cfg(feature = "multipart")]
    ratio("multipart-large", "multipart axum get large 100", "multipart axum get small 100", 1.1,
        "multipart: answers of 64 KiB, against 30 B"),
    ratio("flat", "layer axum get small 1000", "layer axum get small 10", 1.02,
        "an item among 1000, against one among 10"),
    ratio("batch-of-one", "layer axum get small 1", "floor axum get small 1", 1.45,
        "a batch of one, against calling the router"),
    ratio("by-hand-30B", "layer axum get small 100", "by-hand axum get small 100", 0.5,
        "answers of 30 B, against a handler written by hand"),
    ratio("by-hand-1KiB", "layer axum get medium 100", "by-hand axum get medium 100", 0.167,
        "answers of 1 KiB, against a handler written by hand"),
    ratio("streamed", "streamed axum get small 100", "layer axum get small 100", 1.05,
        "streamed and drained, against buffered"),
    ratio("pass-through", "through trivial get small 1", "bare trivial get small 1", 1.2,
        "what is no batch, against a service that does nothing"),
    ratio("pass-through-axum", "through axum get small 1", "bare axum get small 1", 1.2,
        "what is no batch, against a router"),
    #[cfg(feature = "multipart")]
    ratio("multipart", "multipart axum get small 100", "layer axum get small 100", f64::INFINITY,
        "GET of 30 B as multipart, against JSON"),
    // Without goals: what only the layer does, and nothing of axum.
    ratio("trivial-get", "layer trivial get small 100", "floor trivial get small 100", f64::INFINITY,
        "GET of 30 B, against calling a service that does nothing"),
    ratio("trivial-post", "layer trivial post small 100", "floor trivial post small 100", f64::INFINITY,
        "POST of 200 B, against calling a service that does nothing"),
    ratio("checked-1KiB", "layer axum get medium 100", "trusting axum get medium 100", f64::INFINITY,
        "JSON of 1 KiB that is checked, against trusted"),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [first, words, times] = &args[..]
        && first == callgrind::CASE
    {
        case::run(words, times.parse().expect("how many times"));
        return ExitCode::SUCCESS;
    }
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench budgets` runs this");
        return ExitCode::SUCCESS;
    };
    if !callgrind::is_there() {
        println!("skipped: there is no valgrind, so nothing counts instructions");
        return ExitCode::SUCCESS;
    }
    let ratios = match mode {
        Mode::Full => RATIOS,
        Mode::Quick => &RATIOS[..2],
    };
    let cases = ratios.iter().flat_map(|ratio| [ratio.case, ratio.against]);
    let costs = callgrind::per_unit(cases, case::runs);
    println!("instructions an item");
    for (case, cost) in &costs {
        println!("  {case:<30} {cost:>10.0}");
    }
    let figure = |ratio: &Ratio| Figure {
        name: ratio.name.to_owned(),
        goal: ratio.goal,
        figure: costs[ratio.case] / costs[ratio.against],
        comment: ratio.comment,
    };
    let figures: Vec<Figure> = ratios.iter().map(figure).collect();
    if mode == Mode::Full && args.iter().any(|arg| arg == "--write") {
        budget::write(BUDGETS, HEAD, &figures);
    }
    budget::compare(BUDGETS, &figures)
}
