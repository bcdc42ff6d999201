//! A record of what happened to all instances of a [`Probe`](super::Probe).

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// The record of all instances.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(super) clones: AtomicUsize,
    pub(super) reserved: AtomicUsize,
    pub(super) unready_calls: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    pub(super) callers: Mutex<Vec<usize>>,
    events: Mutex<Vec<Event>>,
    pub(super) gate: Notify,
}

/// The start or end of a call, named by the id of its item, or by its path if it is no item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Begun(String),
    Ended(String),
}

impl Book {
    /// The number of instances that are ready and were neither called nor dropped.
    pub(crate) fn reserved(&self) -> usize {
        self.reserved.load(SeqCst)
    }

    pub(crate) fn clones(&self) -> usize {
        self.clones.load(SeqCst)
    }

    pub(crate) fn unready_calls(&self) -> usize {
        self.unready_calls.load(SeqCst)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(SeqCst)
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.most_in_flight.load(SeqCst)
    }

    /// The numbers of the instances that were called. 0 is the original.
    pub(crate) fn callers(&self) -> Vec<usize> {
        self.callers.lock().expect("the book").clone()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().expect("the book").clone()
    }

    /// The calls that were started, in order.
    pub(crate) fn begun(&self) -> Vec<String> {
        let begun = |event| match event {
            Event::Begun(name) => Some(name),
            Event::Ended(_) => None,
        };
        self.events().into_iter().filter_map(begun).collect()
    }

    /// Lets one call of `/gate` through.
    pub(crate) fn open_gate(&self) {
        self.gate.notify_one();
    }

    fn note(&self, event: Event) {
        self.events.lock().expect("the book").push(event);
    }
}

/// A guard that lives from the start of a call to the end of its body.
pub(super) struct Guard(Arc<Book>, String);

impl Guard {
    pub(super) fn new(book: Arc<Book>, name: String) -> Self {
        let now = book.in_flight.fetch_add(1, SeqCst) + 1;
        book.most_in_flight.fetch_max(now, SeqCst);
        book.note(Event::Begun(name.clone()));
        Self(book, name)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, SeqCst);
        self.0.note(Event::Ended(self.1.clone()));
    }
}
