//! What the server does with each item.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// How often an item was started, and how these calls ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub started: u8,
    /// Calls that were read to the end: of the body, or at an error.
    pub ended: u8,
    /// Calls that were dropped before their end. A call that panics is one of them.
    pub dropped: u8,
}

/// The entries of all items, by key.
#[derive(Debug)]
pub struct Ledger(Vec<[AtomicU8; 3]>);

impl Ledger {
    pub(crate) fn new(keys: usize) -> Arc<Self> {
        Arc::new(Self((0..keys).map(|_| Default::default()).collect()))
    }

    /// Starts an item. Returns `None` if there is no item with this key.
    pub(crate) fn start(self: &Arc<Self>, key: usize) -> Option<Call> {
        let [started, ..] = self.0.get(key)?;
        started.fetch_add(1, SeqCst);
        Some(Call {
            ledger: Arc::clone(self),
            key,
            has_ended: false,
        })
    }

    /// The calls that are neither ended nor dropped.
    pub(crate) fn open(&self) -> usize {
        let entries = self.0.iter().map(|entry| entry.each_ref().map(count));
        let open = |[started, ended, dropped]: [u8; 3]| started.wrapping_sub(ended + dropped);
        entries.map(|entry| usize::from(open(entry))).sum()
    }

    /// All entries as bytes.
    pub(crate) fn write(&self) -> Bytes {
        self.0.iter().flatten().map(count).collect()
    }

    /// Reads what [`write`](Self::write) has written.
    pub(crate) fn read(bytes: &[u8]) -> Vec<Entry> {
        let (entries, _) = bytes.as_chunks();
        let entry = |&[started, ended, dropped]: &[u8; 3]| Entry {
            started,
            ended,
            dropped,
        };
        entries.iter().map(entry).collect()
    }
}

fn count(counter: &AtomicU8) -> u8 {
    counter.load(SeqCst)
}

/// A call of an item. When it is dropped, the ledger learns how it ended.
#[derive(Debug)]
pub(crate) struct Call {
    ledger: Arc<Ledger>,
    key: usize,
    has_ended: bool,
}

impl Call {
    pub(crate) fn end(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let [_, ended, dropped] = &self.ledger.0[self.key];
        let counter = if self.has_ended { ended } else { dropped };
        counter.fetch_add(1, SeqCst);
    }
}

/// A body whose end is that of a call.
#[derive(Debug)]
pub(crate) struct Recorded {
    body: Body,
    call: Option<Call>,
}

impl Recorded {
    pub(crate) fn of(response: Response<Body>, call: Option<Call>) -> Response<Self> {
        response.map(|body| Self { body, call })
    }
}

impl http_body::Body for Recorded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        // A reader need not poll again after the last frame.
        let is_more = matches!(frame, Some(Ok(_))) && !self.body.is_end_stream();
        if let Some(call) = self.call.take_if(|_| !is_more) {
            call.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
