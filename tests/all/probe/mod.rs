//! An inner service that behaves according to the path, and records its readiness and calls.

use std::fmt;
use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use tower::Service;
use tower_multistatus::SubrequestInfo;

mod book;

use book::Guard;
pub(crate) use book::{Book, Event};

/// The path decides the result of a call: `/ok`, `/fail` (status 500), `/error`, `/yield/3` (polls
/// to wait), `/sleep/100` (milliseconds), `/gate` (until it is opened), `/big/1000` (a JSON string
/// of that many bytes), `/hang`, `/hang-body`, `/cut-body`, `/panic-call`, `/panic`, `/panic-body`.
///
/// A call panics if the instance was not made ready. A clone is not ready.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    pub(crate) book: Arc<Book>,
    number: usize,
    is_ready: bool,
    clones: Clones,
}

/// The fault of clones. The original has none, so that batches reach the layer.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) enum Clones {
    #[default]
    Sound,
    /// They never become ready.
    Hang,
    /// Their `poll_ready` fails.
    Fail,
    /// Their `poll_ready` panics.
    Panic,
    /// The n-th clone panics.
    Missing(usize),
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
        let guard = Guard::new(Arc::clone(&book), name);
        if path == "/panic-call" {
            resume_unwind(Box::new("in the call"));
        }
        Box::pin(respond(path, book, guard))
    }
}

async fn respond(path: String, book: Arc<Book>, guard: Guard) -> Result<Response<Body>, Failed> {
    let mut response = Response::builder().header("content-type", "application/json");
    let (what, number) = match path.rsplit_once('/') {
        Some((what, number)) if !what.is_empty() => (what, number.parse().unwrap_or(0)),
        _ => (&*path, 0),
    };
    let mut start = Bytes::from_static(b"{}");
    let mut end = End::Whole;
    match what {
        "/ok" => {}
        "/fail" => response = response.status(StatusCode::INTERNAL_SERVER_ERROR),
        "/error" => return Err(Failed),
        "/yield" => yield_now(number).await,
        "/sleep" => tokio::time::sleep(Duration::from_millis(number)).await,
        "/gate" => book.gate.notified().await,
        "/big" => start = format!("\"{}\"", "x".repeat(number as usize - 2)).into(),
        "/hang" => pending().await,
        "/hang-body" => end = End::Never,
        "/cut-body" => end = End::Cut,
        "/panic-body" => end = End::Panic,
        "/panic" => resume_unwind(Box::new("in the future")),
        _ => response = response.status(StatusCode::NOT_FOUND),
    }
    let body = Body::new(ProbeBody {
        start: Some(start),
        end,
        _guard: guard,
    });
    Ok(response.body(body).expect("a response"))
}

/// Waits for this number of polls, and wakes itself each time.
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

enum End {
    Whole,
    Never,
    Cut,
    Panic,
}

struct ProbeBody {
    start: Option<Bytes>,
    end: End,
    _guard: Guard,
}

impl http_body::Body for ProbeBody {
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
