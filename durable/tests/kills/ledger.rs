//! What handlers did: lines that survive the death of their process, because the system has them.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use crate::support::Place;

/// A file of lines: `begin` or `end`, the id of the process, and the URL of the item.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(PathBuf);

impl Ledger {
    pub(crate) fn of(place: &Place) -> Self {
        Self(place.folder().join("ledger"))
    }

    /// Adds a line with one write, which does not mix with those of other processes.
    pub(crate) fn add(&self, event: &str, url: &str) {
        let options = OpenOptions::new().create(true).append(true).open(&self.0);
        let mut file: File = options.expect("the ledger");
        let line = format!("{event} {} {url}\n", std::process::id());
        file.write_all(line.as_bytes()).expect("a line");
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.lines().len()
    }

    fn count(&self, event: &str, url: &str) -> usize {
        let is_it = |line: &&String| line.starts_with(event) && line.ends_with(&format!(" {url}"));
        self.lines().iter().filter(is_it).count()
    }

    /// How often the handler of an item has begun.
    pub(crate) fn begun(&self, url: &str) -> usize {
        self.count("begin", url)
    }

    /// How often the handler of an item has ended.
    pub(crate) fn ended(&self, url: &str) -> usize {
        self.count("end", url)
    }

    /// Whether a handler is in the middle of what it does, or was when it was killed.
    pub(crate) fn has_unfinished(&self) -> bool {
        let lines = self.lines();
        let last = lines.iter().rev().take(16);
        let count = |event: &str| last.clone().filter(|line| line.starts_with(event)).count();
        count("begin") > count("end")
    }

    /// The process in which the handler of an item has begun last.
    pub(crate) fn process_of(&self, url: &str) -> u32 {
        let lines = self.lines();
        let last = lines
            .iter()
            .rev()
            .find(|line| line.starts_with("begin") && line.ends_with(url));
        let process = last.and_then(|line| line.split(' ').nth(1)?.parse().ok());
        process.expect("a process")
    }
}
