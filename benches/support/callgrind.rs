//! Counts instructions: this program runs itself under valgrind.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// The argument that makes this program a case and not a bench.
pub(crate) const CASE: &str = "case";

pub(crate) fn is_there() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// How often a case runs: two runs of different length, whose difference has no start and no end in
/// it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs {
    pub(crate) few: u32,
    pub(crate) more: u32,
    /// Items, or bytes, of one.
    pub(crate) units: u32,
}

/// The instructions that an item of each case, or a byte, takes.
pub(crate) fn per_unit<'a>(
    cases: impl IntoIterator<Item = &'a str>,
    runs: fn(&str) -> Runs,
) -> BTreeMap<&'a str, f64> {
    let waiting: BTreeMap<&str, f64> = cases.into_iter().map(|case| (case, 0.0)).collect();
    let waiting = Mutex::new(waiting.into_keys().collect::<Vec<_>>());
    let counted = Mutex::new(BTreeMap::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(case) = waiting.lock().expect("the cases").pop() else {
                        return;
                    };
                    let instructions = instructions(case, runs(case));
                    counted
                        .lock()
                        .expect("the counts")
                        .insert(case, instructions);
                }
            });
        }
    });
    counted.into_inner().expect("the counts")
}

fn instructions(case: &str, runs: Runs) -> f64 {
    let Runs { few, more, units } = runs;
    let counted = collected(case, more) - collected(case, few);
    counted as f64 / (f64::from(more - few) * f64::from(units))
}

fn collected(case: &str, times: u32) -> u64 {
    let program = std::env::current_exe().expect("this program");
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([CASE, case, &times.to_string()])
        .output()
        .expect("valgrind runs");
    let report = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{case}: {report}");
    let line = report
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, collected) = line.expect("a line with what was collected");
    collected.trim().parse().expect("a number")
}
