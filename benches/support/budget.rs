//! Budgets in a text file, one per line, and their comparison with measured figures.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

/// Counts vary a little, because each run seeds its hash maps differently.
const SLACK: f64 = 1.01;

/// A measured figure and its goal, a maximum.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) goal: f64,
    pub(crate) figure: f64,
    pub(crate) comment: &'static str,
}

impl Figure {
    fn goal(&self) -> String {
        if self.goal.is_finite() {
            self.goal.to_string()
        } else {
            "none".to_owned()
        }
    }
}

/// Prints all figures. Returns a failure if a figure is over its budget in this file, or has none.
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

/// Parses the budgets by name. A line has a name, a budget, and a comment after `#`.
fn read(text: &str) -> BTreeMap<&str, f64> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let lines = lines.filter_map(|line| line.trim().split_once(' '));
    lines
        .map(|(name, budget)| (name, budget.trim().parse().expect("a number")))
        .collect()
}

/// Writes the measured figures plus 3 % as the new budgets.
pub(crate) fn write(path: &str, head: &str, figures: &[Figure]) {
    let mut text = head.to_owned();
    for figure in figures {
        let budget = (figure.figure * 1.03 * 1000.0).ceil() / 1000.0;
        let (name, goal, comment) = (&figure.name, figure.goal(), figure.comment);
        writeln!(text, "{name:<18} {budget:>6.3}  # goal {goal}: {comment}").expect("a string");
    }
    std::fs::write(path, text).expect("the budgets can be written");
}
