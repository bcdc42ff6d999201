//! A service that does what the path says, and keeps book of its readiness and its calls.

use std::fmt;
use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use tower::Service;
use tower_multistatus::SubrequestInfo;

/// What becomes of a call is said by its path: `/ok`, `/fail` (status 500), `/error`, `/yield/3` (that many polls),
/// `/sleep/100` (milliseconds), `/hang`, `/hang-body`, `/cut-body`, `/panic-call`, `/panic`, `/panic-body`.
///
/// It panics when it is called without its own readiness. A clone is another instance, and starts without.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    pub(crate) book: Arc<Book>,
    number: usize,
    is_ready: bool,
    clones: Clones,
}

/// What is the matter with clones, so that only those for items have it.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) enum Clones {
    #[default]
    Sound,
    /// They never get ready.
    Hang,
    /// Their `poll_ready` fails.
    Fail,
    /// Their `poll_ready` panics.
    Panic,
    /// The n-th cannot be made.
    Missing(usize),
}

/// What happened to all instances.
#[derive(Debug, Default)]
pub(crate) struct Book {
    clones: AtomicUsize,
    reserved: AtomicUsize,
    unready_calls: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    callers: Mutex<Vec<usize>>,
    events: Mutex<Vec<Event>>,
}

/// A call, by its item's id, or by its path if it is no item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Begun(String),
    Ended(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

impl Probe {
    pub(crate) fn new() -> (Arc<Book>, Self) {
        Self::with_clones(Clones::Sound)
    }

    pub(crate) fn with_clones(clones: Clones) -> (Arc<Book>, Self) {
        let book = Arc::<Book>::default();
        let probe = Self {
            book: Arc::clone(&book),
            clones,
            ..Self::default()
        };
        (book, probe)
    }

    fn release(&mut self) -> bool {
        let was_ready = std::mem::take(&mut self.is_ready);
        self.book.reserved.fetch_sub(usize::from(was_ready), SeqCst);
        was_ready
    }
}

impl Book {
    /// How many instances have been made ready and were neither called nor dropped.
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

    /// The numbers of the instances that were called: 0 is the one that is no clone.
    pub(crate) fn callers(&self) -> Vec<usize> {
        self.callers.lock().expect("the book").clone()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().expect("the book").clone()
    }

    /// The calls that were begun, in their order.
    pub(crate) fn begun(&self) -> Vec<String> {
        let begun = |event| match event {
            Event::Begun(name) => Some(name),
            Event::Ended(_) => None,
        };
        self.events().into_iter().filter_map(begun).collect()
    }

    fn note(&self, event: Event) {
        self.events.lock().expect("the book").push(event);
    }
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        let number = self.book.clones.fetch_add(1, SeqCst) + 1;
        if self.clones == Clones::Missing(number) {
            resume_unwind(Box::new("a clone that cannot be made"));
        }
        Self {
            book: Arc::clone(&self.book),
            number,
            is_ready: false,
            clones: self.clones,
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.release();
    }
}

impl<B> Service<Request<B>> for Probe {
    type Response = Response<Body>;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Failed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        match self.clones {
            Clones::Hang if self.number > 0 => return Poll::Pending,
            Clones::Fail if self.number > 0 => return Poll::Ready(Err(Failed)),
            Clones::Panic if self.number > 0 => resume_unwind(Box::new("in readiness")),
            _ => {}
        }
        if !std::mem::replace(&mut self.is_ready, true) {
            self.book.reserved.fetch_add(1, SeqCst);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !self.release() {
            self.book.unready_calls.fetch_add(1, SeqCst);
            panic!("called without its own readiness");
        }
        let book = Arc::clone(&self.book);
        book.callers.lock().expect("the book").push(self.number);
        let path = request.uri().path().to_owned();
        let info = request.extensions().get::<SubrequestInfo>();
        let name = info.map_or(path.clone(), |info| info.id().to_owned());
        let guard = Guard::new(book, name);
        if path == "/panic-call" {
            resume_unwind(Box::new("in the call"));
        }
        Box::pin(answer(path, guard))
    }
}

async fn answer(path: String, guard: Guard) -> Result<Response<Body>, Failed> {
    let mut response = Response::builder().header("content-type", "application/json");
    let (what, number) = match path.rsplit_once('/') {
        Some((what, number)) if !what.is_empty() => (what, number.parse().unwrap_or(0)),
        _ => (&*path, 0),
    };
    let mut end = End::Whole;
    match what {
        "/ok" => {}
        "/fail" => response = response.status(StatusCode::INTERNAL_SERVER_ERROR),
        "/error" => return Err(Failed),
        "/yield" => yield_now(number).await,
        "/sleep" => tokio::time::sleep(Duration::from_millis(number)).await,
        "/hang" => pending().await,
        "/hang-body" => end = End::Never,
        "/cut-body" => end = End::Cut,
        "/panic-body" => end = End::Panic,
        "/panic" => resume_unwind(Box::new("in the future")),
        _ => response = response.status(StatusCode::NOT_FOUND),
    }
    let body = Body::new(Answer {
        start: Some(Bytes::from_static(b"{}")),
        end,
        _guard: guard,
    });
    Ok(response.body(body).expect("a response"))
}

/// Waits for so many polls, each of which it asks for itself.
async fn yield_now(polls: u64) {
    for _ in 0..polls {
        let mut is_polled = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut is_polled, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Lives as long as a call, from its beginning to the end of its body.
struct Guard(Arc<Book>, String);

impl Guard {
    fn new(book: Arc<Book>, name: String) -> Self {
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

enum End {
    Whole,
    Never,
    Cut,
    Panic,
}

struct Answer {
    start: Option<Bytes>,
    end: End,
    _guard: Guard,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Failed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failed>>> {
        if let Some(start) = self.start.take() {
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Never => Poll::Pending,
            End::Cut => Poll::Ready(Some(Err(Failed))),
            End::Panic => resume_unwind(Box::new("in the body")),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret of the inner service")
    }
}

impl std::error::Error for Failed {}
