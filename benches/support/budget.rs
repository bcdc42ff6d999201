//! Budgets in a text file: a line each, compared with what was measured.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

/// Counts repeat, but hash maps are seeded anew in each run.
const SLACK: f64 = 1.01;

/// One figure, and what it ought to be at most.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) goal: f64,
    pub(crate) figure: f64,
    pub(crate) comment: &'static str,
}

impl Figure {
    fn goal(&self) -> String {
        match self.goal.is_finite() {
            true => self.goal.to_string(),
            false => "none".to_owned(),
        }
    }
}

/// Prints all figures; a failure if one is over its budget in this file, or has none.
pub(crate) fn compare(path: &str, figures: &[Figure]) -> ExitCode {
    let text = std::fs::read_to_string(path).expect("the budgets can be read");
    let budgets = read(&text);
    let mut status = ExitCode::SUCCESS;
    println!("\n| figure | goal | is | budget | |\n| --- | --- | --- | --- | --- |");
    for figure in figures {
        let (name, goal, is) = (&figure.name, figure.goal(), figure.figure);
        let budget = budgets.get(&**name).copied();
        let verdict = match budget {
            Some(budget) if is <= budget * SLACK && is <= figure.goal => "",
            Some(budget) if is <= budget * SLACK => "misses the goal",
            _ => {
                status = ExitCode::FAILURE;
                "**over budget**"
            }
        };
        let budget = budget.map_or("none".to_owned(), |budget| format!("{budget:.3}"));
        let comment = figure.comment;
        println!("| {name}: {comment} | {goal} | {is:.3} | {budget} | {verdict} |");
    }
    status
}

/// A line a figure: its name, its budget, and a comment after `#`.
fn read(text: &str) -> BTreeMap<&str, f64> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let lines = lines.filter_map(|line| line.trim().split_once(' '));
    lines
        .map(|(name, budget)| (name, budget.trim().parse().expect("a number")))
        .collect()
}

/// Makes the figures of now the budgets, with 3 % to spare.
pub(crate) fn write(path: &str, head: &str, figures: &[Figure]) {
    let mut text = head.to_owned();
    for figure in figures {
        let budget = (figure.figure * 1.03 * 1000.0).ceil() / 1000.0;
        let (name, goal, comment) = (&figure.name, figure.goal(), figure.comment);
        writeln!(text, "{name:<18} {budget:>6.3}  # goal {goal}: {comment}").expect("a string");
    }
    std::fs::write(path, text).expect("the budgets can be written");
}
