//! An inner service that does what the scripts say.

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tower::Service;
use tower_multistatus::{RequestBody, SubrequestInfo};

use super::batch::{Act, Claim, Drops, End, MAX_RESPONSE, Ready, Script};
use super::exchange::Upload;
use super::passed_on::Headers;
use super::requests::Dispatched;
use super::responses::header_map;

/// What the clones of a service share.
#[derive(Debug)]
struct Shared {
    scripts: Vec<Script>,
    readiness: Vec<Ready>,
    /// The number of instances that were asked whether they are ready.
    asked: AtomicUsize,
    /// The requests that were dispatched, by the index of their item.
    calls: Mutex<Vec<(usize, Dispatched)>>,
    /// The number of futures and bodies that live.
    alive: AtomicUsize,
}

/// The service. Its first instance is always ready: items run on clones.
#[derive(Debug)]
pub(crate) struct Scripted {
    shared: Arc<Shared>,
    is_first: bool,
    ready: Option<Ready>,
}

impl Scripted {
    /// A service with a script for each item. After the last one, the first one is next.
    pub(crate) fn new(scripts: Vec<Script>, readiness: Vec<Ready>) -> Self {
        Self {
            shared: Arc::new(Shared {
                scripts,
                readiness,
                asked: AtomicUsize::new(0),
                calls: Mutex::default(),
                alive: AtomicUsize::new(0),
            }),
            is_first: true,
            ready: None,
        }
    }

    /// A handle that shares the log.
    pub(crate) fn log(&self) -> Self {
        self.clone()
    }

    /// The requests that were dispatched, by the index of their item.
    pub(crate) fn calls(&self) -> Vec<(usize, Dispatched)> {
        self.shared.calls.lock().expect("the calls").clone()
    }

    /// The number of futures and bodies that live.
    pub(crate) fn alive(&self) -> usize {
        self.shared.alive.load(SeqCst)
    }
}

impl Clone for Scripted {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            is_first: false,
            ready: None,
        }
    }
}

impl Service<Request<RequestBody<Upload>>> for Scripted {
    type Response = Response<ScriptedBody>;
    type Error = Failed;
    type Future = Work;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        if self.is_first {
            return Poll::Ready(Ok(()));
        }
        let shared = &self.shared;
        let ready = self.ready.get_or_insert_with(|| {
            let nth = shared.asked.fetch_add(1, SeqCst);
            let last = shared.readiness.last();
            *shared.readiness.get(nth).or(last).unwrap_or(&Ready::Now)
        });
        match ready {
            Ready::Now | Ready::Later(0) => Poll::Ready(Ok(())),
            Ready::Later(polls) => {
                *polls -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Ready::Fails => Poll::Ready(Err(Failed)),
            Ready::Panics => planned(),
            Ready::Never => Poll::Pending,
        }
    }

    fn call(&mut self, request: Request<RequestBody<Upload>>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let info = request.extensions().get::<SubrequestInfo>();
        let index = info.expect("the request is an item").index();
        let script = shared.scripts[index % shared.scripts.len()].clone();
        let (head, body) = request.into_parts();
        // The body is in memory.
        let body = futures_util::FutureExt::now_or_never(body.collect());
        let body = body.expect("a body that is ready").expect("a whole body");
        let call = Dispatched {
            method: head.method.to_string(),
            uri: head.uri.to_string(),
            headers: by_name(&head.headers),
            body: body.to_bytes().into(),
        };
        shared.calls.lock().expect("the calls").push((index, call));
        if script.act == Act::PanicInCall {
            planned();
        }
        let token = Token::new(&shared, script.drops == Drops::FuturePanics);
        let work = Box::pin(async move {
            if script.delay > 0 {
                tokio::time::sleep(Duration::from_millis(script.delay)).await;
            }
            match script.act {
                Act::Fail => return Err(Failed),
                Act::PanicInFuture => planned(),
                Act::Hang => std::future::pending().await,
                Act::Respond | Act::PanicInCall => {}
            }
            let headers = header_map(&script);
            let status = StatusCode::from_u16(script.status).expect("a status");
            let mut response = Response::new(ScriptedBody {
                frames: script.frames.iter().rev().copied().collect(),
                polls: 0,
                _token: Token::new(&shared, script.drops == Drops::BodyPanics),
                script,
            });
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        });
        Work {
            work,
            _token: token,
        }
    }
}

type Working = Pin<Box<dyn Future<Output = Result<Response<ScriptedBody>, Failed>> + Send>>;

/// The future of an item.
pub(crate) struct Work {
    work: Working,
    _token: Token,
}

impl Future for Work {
    type Output = Result<Response<ScriptedBody>, Failed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.work.as_mut().poll(cx)
    }
}

fn by_name(headers: &HeaderMap) -> Headers {
    let mut by_name = Headers::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        by_name.entry(name.to_string()).or_default().push(value);
    }
    by_name
}

/// The body of a response.
#[derive(Debug)]
pub(crate) struct ScriptedBody {
    script: Script,
    /// The frames that remain, the next one last.
    frames: Vec<&'static [u8]>,
    polls: usize,
    _token: Token,
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = Failed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failed>>> {
        let data = |bytes| Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(bytes)))));
        if let Some(frame) = self.frames.pop() {
            return data(frame);
        }
        self.polls += 1;
        match self.script.end {
            End::Ends => Poll::Ready(None),
            End::Trailers if self.polls == 1 => {
                Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::new()))))
            }
            End::Trailers => Poll::Ready(None),
            End::Breaks => Poll::Ready(Some(Err(Failed))),
            End::Panics => planned(),
            End::Hangs => Poll::Pending,
            // A layer that ignores its timeout is found, instead of being waited for.
            End::EmptyFrames if self.polls > 100_000 => planned(),
            End::EmptyFrames => {
                if self.polls.is_multiple_of(16) {
                    // The clock stands still while something is ready, so it is moved by hand.
                    let advance = std::pin::pin!(tokio::time::advance(Duration::from_millis(1)));
                    let _ = advance.poll(cx);
                }
                data(b"")
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.script.claim == Claim::Ended
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        match self.script.claim {
            Claim::Nothing | Claim::Ended => {}
            Claim::Little => hint.set_upper(0),
            Claim::TooMuch => hint.set_lower(MAX_RESPONSE as u64 + 1),
        }
        hint
    }
}

/// The error of the service.
#[derive(Debug)]
pub(crate) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {}

/// Counts a future or a body that lives.
#[derive(Debug)]
struct Token {
    shared: Arc<Shared>,
    panics: bool,
}

impl Token {
    fn new(shared: &Arc<Shared>, panics: bool) -> Self {
        shared.alive.fetch_add(1, SeqCst);
        Self {
            shared: Arc::clone(shared),
            panics,
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.shared.alive.fetch_sub(1, SeqCst);
        if self.panics && !std::thread::panicking() {
            planned();
        }
    }
}

/// Panics without a message of the panic hook, which would end a fuzzer.
fn planned() -> ! {
    resume_unwind(Box::new("planned"))
}
