//! An inner service whose faults are in its ledger.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Frame;
use tokio::task::coop;
use tower::Service;
use tower_multistatus::RequestBody;

use crate::ledger::{Fault, Ledger, Token, planned};

/// A header of each response: the index of the item.
pub(crate) const ITEM: HeaderName = HeaderName::from_static("x-item");

/// An instance, with the number of clones up to it. Items have the third.
pub(crate) struct Chaos {
    ledger: Arc<Ledger>,
    generation: usize,
    pends: usize,
    _token: Option<Token>,
}

impl Chaos {
    pub(crate) fn new(ledger: &Arc<Ledger>) -> Self {
        Self {
            ledger: Arc::clone(ledger),
            generation: 1,
            pends: 0,
            _token: None,
        }
    }
}

impl Clone for Chaos {
    fn clone(&self) -> Self {
        let ledger = &self.ledger;
        if ledger.one_in(100) {
            planned();
        }
        let generation = self.generation + 1;
        let token = || Token::new(ledger, ledger.one_in(20));
        Self {
            ledger: Arc::clone(ledger),
            generation,
            pends: usize::from(ledger.one_in(4)),
            _token: (generation > 2).then(token),
        }
    }
}

impl Service<Request<RequestBody<Body>>> for Chaos {
    type Response = Response<ChaosBody>;
    type Error = Broken;
    type Future = Work;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let ledger = &self.ledger;
        if self.generation == 1 {
            return Poll::Ready(Ok(()));
        }
        if self.pends > 0 {
            self.pends -= 1;
            // Some never become ready.
            if !ledger.one_in(10) {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        if ledger.one_in(50) {
            planned();
        }
        if ledger.one_in(50) {
            Poll::Ready(Err(Broken(Token::new(ledger, ledger.one_in(2)))))
        } else {
            Poll::Ready(Ok(()))
        }
    }

    fn call(&mut self, request: Request<RequestBody<Body>>) -> Work {
        let index = index_of(request.uri());
        self.ledger.begun[index].fetch_add(1, SeqCst);
        let fault = self.ledger.faults[index];
        let panics = matches!(fault, Fault::FutureDropPanics | Fault::HangsAndDropPanics);
        let work = Work {
            fault,
            index,
            pends: index % 3,
            sleep: None,
            ledger: Arc::clone(&self.ledger),
            _token: Token::new(&self.ledger, panics),
        };
        if fault == Fault::CallPanics {
            planned();
        }
        work
    }
}

/// The item with this URL.
fn index_of(uri: &Uri) -> usize {
    let index = uri
        .path()
        .strip_prefix('/')
        .and_then(|index| index.parse().ok());
    index.expect("the URL of an item")
}

/// The error of the inner service.
#[derive(Debug)]
pub(crate) struct Broken(#[expect(dead_code, reason = "counted")] Token);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

/// The future of an item.
pub(crate) struct Work {
    fault: Fault,
    index: usize,
    pends: usize,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    ledger: Arc<Ledger>,
    _token: Token,
}

/// Spends the rest of the budget of the task, and wakes the task.
fn spin(cx: &mut Context<'_>) {
    while let Poll::Ready(proceed) = coop::poll_proceed(cx) {
        proceed.made_progress();
    }
    cx.waker().wake_by_ref();
}

fn block(duration: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < duration {
        std::hint::spin_loop();
    }
}

impl Future for Work {
    type Output = Result<Response<ChaosBody>, Broken>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.pends > 0 {
            self.pends -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut response = Response::new(ChaosBody {
            fault: self.fault,
            frames: 3,
            _token: Token::new(&self.ledger, self.fault == Fault::BodyDropPanics),
        });
        response.headers_mut().insert(ITEM, self.index.into());
        match self.fault {
            Fault::Error => return Poll::Ready(Err(Broken(Token::new(&self.ledger, true)))),
            Fault::Status => *response.status_mut() = StatusCode::CONFLICT,
            Fault::FuturePanics => planned(),
            Fault::FutureHangs | Fault::HangsAndDropPanics => return Poll::Pending,
            Fault::FutureSpins => {
                spin(cx);
                return Poll::Pending;
            }
            Fault::FutureBlocks => block(Duration::from_micros(300)),
            Fault::FutureSleeps => {
                let sleep = || Box::pin(tokio::time::sleep(Duration::from_millis(3)));
                ready!(self.sleep.get_or_insert_with(sleep).as_mut().poll(cx));
            }
            Fault::ExtensionDropPanics => {
                let token = Token::new(&self.ledger, true);
                response.extensions_mut().insert(token);
            }
            Fault::HeadersHuge => {
                for at in 0..200_u32 {
                    let name = HeaderName::try_from(format!("x-{at}")).expect("a name");
                    let value = HeaderValue::from_static("a value of thirty-two characters");
                    response.headers_mut().append(name, value);
                }
            }
            _ => {}
        }
        Poll::Ready(Ok(response))
    }
}

/// The body of a response.
pub(crate) struct ChaosBody {
    fault: Fault,
    frames: usize,
    _token: Token,
}

impl http_body::Body for ChaosBody {
    type Data = Bytes;
    type Error = Failed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failed>>> {
        let frame = match self.fault {
            Fault::BodyPanics => planned(),
            Fault::BodyHangs => return Poll::Pending,
            Fault::BodyBreaks => return Poll::Ready(Some(Err(Failed))),
            Fault::BodyEndless => return Poll::Ready(Some(Ok(Frame::data(Bytes::new())))),
            Fault::BodySpins => {
                spin(cx);
                return Poll::Pending;
            }
            Fault::BodyHuge => {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[120; 4096])))));
            }
            _ => Frame::data(Bytes::from_static(b"well ")),
        };
        if self.frames == 0 {
            return Poll::Ready(None);
        }
        self.frames -= 1;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        if self.fault == Fault::EndPanics {
            planned();
        }
        false
    }
}

/// The error of a body that breaks.
#[derive(Debug)]
pub(crate) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {}
