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

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use support::harness::Mode;
use support::{callgrind, case};

const BUDGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/budgets.txt");

/// Counts repeat, but hash maps are seeded anew in each run.
const SLACK: f64 = 1.01;

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
    let costs = callgrind::per_item(ratios.iter().flat_map(|ratio| [ratio.case, ratio.against]));
    println!("instructions an item");
    for (case, cost) in &costs {
        println!("  {case:<30} {cost:>10.0}");
    }
    let figures: Vec<(&Ratio, f64)> = ratios
        .iter()
        .map(|ratio| (ratio, costs[ratio.case] / costs[ratio.against]))
        .collect();
    if mode == Mode::Full && args.iter().any(|arg| arg == "--write") {
        std::fs::write(BUDGETS, written(&figures)).expect("the budgets can be written");
    }
    compare(&figures)
}

fn compare(figures: &[(&Ratio, f64)]) -> ExitCode {
    let text = std::fs::read_to_string(BUDGETS).expect("benches/budgets.txt");
    let budgets = read(&text);
    let mut status = ExitCode::SUCCESS;
    println!("\n| ratio | goal | figure | budget | |\n| --- | --- | --- | --- | --- |");
    for (ratio, figure) in figures {
        let Some(budget) = budgets.get(ratio.name) else {
            println!("benches/budgets.txt has no line for {}", ratio.name);
            status = ExitCode::FAILURE;
            continue;
        };
        let verdict = if *figure > budget * SLACK {
            status = ExitCode::FAILURE;
            "**over budget**"
        } else if *figure > ratio.goal {
            "misses the goal"
        } else {
            ""
        };
        let (name, goal, comment) = (ratio.name, goal(ratio), ratio.comment);
        println!("| {name}: {comment} | {goal} | {figure:.3} | {budget:.3} | {verdict} |");
    }
    status
}

fn goal(ratio: &Ratio) -> String {
    match ratio.goal.is_finite() {
        true => ratio.goal.to_string(),
        false => "none".to_owned(),
    }
}

/// A line a ratio: its name, its budget, and a comment after `#`.
fn read(text: &str) -> BTreeMap<&str, f64> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let lines = lines.filter_map(|line| line.trim().split_once(' '));
    lines
        .map(|(name, budget)| (name, budget.trim().parse().expect("a ratio")))
        .collect()
}

fn written(figures: &[(&Ratio, f64)]) -> String {
    let mut text = String::from(
        "# What an item of one case may cost in instructions, as a ratio to another. `cargo bench --bench budgets` fails\n\
         # when one is over, and writes this file with `-- --write`: the ratios as they are, with 3 % to spare. The goal is\n\
         # what they ought to be; a budget above it says that it is not reached yet.\n",
    );
    for (ratio, figure) in figures {
        let budget = (figure * 1.03 * 1000.0).ceil() / 1000.0;
        let (name, goal, comment) = (ratio.name, goal(ratio), ratio.comment);
        writeln!(text, "{name:<18} {budget:>6.3}  # goal {goal}: {comment}").expect("a string");
    }
    text
}
