//! The calls and the living values of one batch.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use crate::random::Random;

/// The fault of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    None,
    Error,
    Status,
    CallPanics,
    FuturePanics,
    FutureHangs,
    FutureSpins,
    FutureBlocks,
    FutureSleeps,
    FutureDropPanics,
    HangsAndDropPanics,
    BodyPanics,
    BodyHangs,
    BodyBreaks,
    BodyEndless,
    BodySpins,
    BodyHuge,
    BodyDropPanics,
    EndPanics,
    ExtensionDropPanics,
    HeadersHuge,
}

pub(crate) const FAULTS: [Fault; 21] = [
    Fault::None,
    Fault::Error,
    Fault::Status,
    Fault::CallPanics,
    Fault::FuturePanics,
    Fault::FutureHangs,
    Fault::FutureSpins,
    Fault::FutureBlocks,
    Fault::FutureSleeps,
    Fault::FutureDropPanics,
    Fault::HangsAndDropPanics,
    Fault::BodyPanics,
    Fault::BodyHangs,
    Fault::BodyBreaks,
    Fault::BodyEndless,
    Fault::BodySpins,
    Fault::BodyHuge,
    Fault::BodyDropPanics,
    Fault::EndPanics,
    Fault::ExtensionDropPanics,
    Fault::HeadersHuge,
];

/// The ledger of one batch.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) faults: Vec<Fault>,
    /// The number of calls per item.
    pub(crate) begun: Vec<AtomicUsize>,
    /// Services, futures, bodies, extensions and errors that were created and not dropped.
    alive: AtomicUsize,
    /// All values that were created.
    pub(crate) made: AtomicUsize,
    random: Mutex<Random>,
    /// Whether services are faulty too.
    pub(crate) unready: bool,
}

impl Ledger {
    pub(crate) fn new(items: usize, unready: bool, mut random: Random) -> Arc<Self> {
        let mut fault = || {
            if random.one_in(2) {
                Fault::None
            } else {
                random.pick(&FAULTS)
            }
        };
        Arc::new(Self {
            faults: (0..items).map(|_| fault()).collect(),
            begun: (0..items).map(|_| AtomicUsize::new(0)).collect(),
            alive: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
            random: Mutex::new(random),
            unready,
        })
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive.load(SeqCst)
    }

    pub(crate) fn began(&self, item: usize) -> usize {
        self.begun[item].load(SeqCst)
    }

    /// Randomly true, once in `times`, if services are faulty.
    pub(crate) fn one_in(&self, times: usize) -> bool {
        self.unready && self.random.lock().expect("the dice").one_in(times)
    }
}

/// Panics on purpose, without a report of the panic hook.
pub(crate) fn planned() -> ! {
    resume_unwind(Box::new("planned"))
}

/// A value that is counted while it lives. Its destructor may panic.
#[derive(Debug)]
pub(crate) struct Token(Arc<Ledger>, bool);

impl Token {
    pub(crate) fn new(ledger: &Arc<Ledger>, panics: bool) -> Self {
        ledger.alive.fetch_add(1, SeqCst);
        ledger.made.fetch_add(1, SeqCst);
        Self(Arc::clone(ledger), panics)
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        Self::new(&self.0, self.1)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, SeqCst);
        if self.1 {
            planned();
        }
    }
}
