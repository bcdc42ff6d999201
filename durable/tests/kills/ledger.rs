//! What handlers did: lines that survive the death of their process, because the system has them.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
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

    /// The number of lines, as far as the size of the file tells.
    pub(crate) fn about_len(&self) -> usize {
        let size = std::fs::metadata(&self.0).map_or(0, |file| file.len());
        usize::try_from(size).expect("a size") / "begin 12345 /plain/123-1\n".len()
    }

    /// How often each handler has begun.
    pub(crate) fn begins(&self) -> HashMap<String, usize> {
        let mut begins = HashMap::new();
        for line in self.lines().iter().filter(|line| line.starts_with("begin")) {
            let url = line.rsplit(' ').next().unwrap_or_default();
            *begins.entry(url.to_owned()).or_default() += 1;
        }
        begins
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
        let mut file = File::open(&self.0).expect("the ledger");
        let size = file.metadata().expect("a size").len();
        file.seek(SeekFrom::Start(size.saturating_sub(400)))
            .expect("a place");
        let mut last = String::new();
        file.read_to_string(&mut last).expect("lines");
        last.matches("begin").count() > last.matches("end").count()
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
