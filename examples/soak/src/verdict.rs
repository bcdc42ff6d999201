//! The verdict: what the clients have noted, beside what the server has recorded.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tower::BoxError;

use crate::client::Manner;
use crate::fault::{Expected, Fault};
use crate::format::Reply;
use crate::ledger::Entry;
use crate::samples::Sample;

/// The maximum by which the memory in the last third of a run may exceed that in the first.
const MAX_GROWTH: u64 = 16 << 20;

/// What the clients have seen of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether its batch was accepted, and the response read to the end.
    pub is_accepted: bool,
    pub responses: u8,
    /// Whether its response was a success.
    pub has_succeeded: bool,
}

/// The number of batches, by what came of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Batches {
    /// The response was read to its end.
    pub read: usize,
    /// The client left before.
    pub left: usize,
    /// The client closed its half of the connection, and the server the other one.
    pub half_closed: usize,
    /// Two batches were sent at once, and the client left.
    pub pipelined: usize,
}

/// What all clients note.
#[derive(Debug)]
pub(crate) struct Notes(Mutex<Noted>);

#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) items: Vec<Seen>,
    pub(crate) batches: Batches,
    /// The number of responses that were as they should be, by the fault of the item.
    pub(crate) responses: BTreeMap<Fault, usize>,
    /// The slow items that timed out, because the machine was busy.
    pub(crate) late: usize,
    pub(crate) problems: Vec<String>,
}

impl Notes {
    pub(crate) fn new(items: usize) -> Self {
        Self(Mutex::new(Noted {
            items: vec![Seen::default(); items],
            batches: Batches::default(),
            responses: BTreeMap::new(),
            late: 0,
            problems: Vec::new(),
        }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self, problem: String) {
        self.lock().problems.push(problem);
    }

    /// Notes a response that was read to its end.
    ///
    /// # Errors
    ///
    /// If the response to an item is not the one that it must have.
    pub(crate) fn read(&self, keys: Range<usize>, replies: &[Reply]) -> Result<(), BoxError> {
        let mut noted = self.lock();
        noted.batches.read += 1;
        noted.items[keys.clone()]
            .iter_mut()
            .for_each(|seen| seen.is_accepted = true);
        let mut wrong = None;
        for reply in replies {
            let is_late =
                Fault::of(reply.key) == Fault::Slow && is_problem(reply, 504, "item-timeout");
            noted.late += usize::from(is_late);
            if !keys.contains(&reply.key) || !(is_expected(reply) || is_late) {
                wrong.get_or_insert(format!("{reply:?}"));
                continue;
            }
            let seen = &mut noted.items[reply.key];
            seen.responses = seen.responses.saturating_add(1);
            seen.has_succeeded = reply.status < 400;
            *noted.responses.entry(Fault::of(reply.key)).or_default() += 1;
        }
        wrong.map_or(Ok(()), |reply| Err(reply.into()))
    }

    /// Notes a batch whose response was not read to its end.
    pub(crate) fn left(&self, manner: Manner) {
        let batches = &mut self.lock().batches;
        match manner {
            Manner::Stays | Manner::Leaves => batches.left += 1,
            Manner::HalfCloses => batches.half_closed += 1,
            Manner::Pipelines => batches.pipelined += 1,
        }
    }
}

fn is_expected(reply: &Reply) -> bool {
    match Expected::of(reply.key) {
        Expected::Success(status, body) => (reply.status, &reply.body) == (status, &body),
        Expected::Problem(status, code) => is_problem(reply, status, code),
    }
}

fn is_problem(reply: &Reply, status: u16, code: &str) -> bool {
    let problem = || serde_json::from_str::<Value>(&reply.body).unwrap_or_default();
    reply.status == status && problem()["code"] == code
}

/// Compares the notes of the clients with the entries of the server, item by item. Returns what is
/// wrong.
#[must_use]
pub fn problems_of_items(entries: &[Entry], seen: &[Seen]) -> Vec<String> {
    let mut problems = Vec::new();
    for (key, (entry, seen)) in entries.iter().zip(seen).enumerate() {
        let rules = [
            (
                seen.is_accepted && seen.responses != 1,
                "was accepted and does not have one response",
            ),
            (
                seen.responses > 0 && entry.started == 0,
                "has a response and was not started",
            ),
            (entry.started > 1, "was started twice"),
            (
                entry.started != entry.ended + entry.dropped,
                "was started and neither ended nor dropped",
            ),
            (
                seen.has_succeeded && entry.ended == 0,
                "has succeeded and did not end",
            ),
        ];
        let broken = rules.into_iter().filter(|(is_broken, _)| *is_broken);
        problems.extend(broken.map(|(_, rule)| format!("item {key} {rule}: {entry:?}, {seen:?}")));
    }
    if entries.len() != seen.len() {
        problems.push(format!("{} items, {} entries", seen.len(), entries.len()));
    }
    problems
}

/// Compares what the server held before, during and after the run. Returns what is wrong.
#[must_use]
pub fn problems_of_samples(before: &Sample, during: &[Sample], after: &Sample) -> Vec<String> {
    let mut problems = Vec::new();
    let most = |samples: &[Sample]| samples.iter().map(|sample| sample.memory).max();
    let third = during.len() / 3;
    let (first, last) = (&during[..third], &during[during.len() - third..]);
    if let (Some(first), Some(last)) = (most(first), most(last))
        && last > first + MAX_GROWTH
    {
        problems.push(format!("memory grew from {first} to {last} bytes"));
    }
    for (what, before, after) in [
        ("tasks", before.stats.tasks, after.stats.tasks),
        ("files", before.files, after.files),
        ("calls", before.stats.open, after.stats.open),
    ] {
        if after > before {
            problems.push(format!("{after} {what} at the end, {before} before"));
        }
    }
    problems
}
