//! Counts the instructions of a program with valgrind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::build::{Build, CASE};

/// A case, and the build that runs it.
pub(crate) type Case = (Build, &'static str);

pub(crate) const ARGUMENTS: [&str; 2] = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];

/// Whether valgrind is installed.
pub(crate) fn is_installed() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The lengths of the two runs of a case. Their difference excludes the start and the end of the
/// program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs {
    pub(crate) few: u32,
    pub(crate) more: u32,
    /// Items or bytes per repetition.
    pub(crate) units: u32,
}

/// Counts the instructions of each case, per item or byte.
pub(crate) fn per_unit(
    cases: impl IntoIterator<Item = Case>,
    programs: &BTreeMap<Build, PathBuf>,
    runs: fn(&str) -> Runs,
) -> BTreeMap<Case, f64> {
    let waiting: BTreeMap<Case, f64> = cases.into_iter().map(|case| (case, 0.0)).collect();
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
                    let instructions = instructions(&programs[&case.0], case.1, runs(case.1));
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

fn instructions(program: &Path, case: &str, runs: Runs) -> f64 {
    let Runs { few, more, units } = runs;
    let counted = count(program, case, more) - count(program, case, few);
    counted as f64 / (f64::from(more - few) * f64::from(units))
}

fn count(program: &Path, case: &str, times: u32) -> u64 {
    let run = Command::new("valgrind")
        .args(ARGUMENTS)
        .arg(program)
        .args([CASE, case, &times.to_string()])
        .output()
        .expect("valgrind runs");
    let report = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{case}: {report}");
    parse_count(&report)
}

/// Parses the number of instructions from the output of callgrind.
pub(crate) fn parse_count(report: &str) -> u64 {
    let line = report
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, collected) = line.unwrap_or_else(|| panic!("nothing was collected: {report}"));
    collected.trim().parse().expect("a number")
}
