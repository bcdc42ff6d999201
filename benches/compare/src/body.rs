//! Bodies that follow a script.

use std::collections::VecDeque;
use std::io;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::random::Random;

/// A step of a body.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Data(Bytes),
    Trailers,
    Yield,
    Sleep(u64),
    Fail,
    Hang,
    Panic,
}

/// A body of these steps.
#[derive(Debug)]
pub(crate) struct Steps {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    has_exact_size: bool,
}

impl Steps {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>, has_exact_size: bool) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            sleep: None,
            has_exact_size,
        }
    }
}

/// Splits the bytes into one chunk or several, with random pauses between and a fault at the end.
pub(crate) fn chunks(bytes: Bytes, can_panic: bool, random: &mut Random) -> Vec<Step> {
    if random.below(4) != 0 {
        return vec![Step::Data(bytes)];
    }
    let (mut steps, mut rest) = (Vec::new(), bytes);
    let size = 1 + rest.len() / (1 + random.below(5));
    while !rest.is_empty() {
        steps.push(Step::Data(rest.split_to(size.min(rest.len()))));
        match random.below(20) {
            0..3 => steps.push(Step::Yield),
            3 => steps.push(Step::Sleep(1 + random.below(20) as u64)),
            4 => steps.push(Step::Data(Bytes::new())),
            _ => {}
        }
    }
    match random.below(40) {
        0 => steps.push(Step::Fail),
        1 => steps.push(Step::Hang),
        2 if can_panic => steps.push(Step::Panic),
        3 | 4 => steps.push(Step::Trailers),
        _ => {}
    }
    steps
}

impl Body for Steps {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            return match self.steps.pop_front() {
                None => Poll::Ready(None),
                Some(Step::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Trailers) => {
                    let value = HeaderValue::from_static("t");
                    let trailers = HeaderMap::from_iter([(http::header::ETAG, value)]);
                    Poll::Ready(Some(Ok(Frame::trailers(trailers))))
                }
                Some(Step::Yield) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Some(Step::Sleep(millis)) => {
                    self.sleep = Some(Box::pin(sleep(Duration::from_millis(millis))));
                    continue;
                }
                Some(Step::Fail) => Poll::Ready(Some(Err(io::Error::other("broken")))),
                Some(Step::Hang) => {
                    self.steps.push_front(Step::Hang);
                    Poll::Pending
                }
                Some(Step::Panic) => resume_unwind(Box::new("planned")),
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let len = |step: &Step| match step {
            Step::Data(bytes) => bytes.len() as u64,
            _ => 0,
        };
        if self.has_exact_size {
            SizeHint::with_exact(self.steps.iter().map(len).sum())
        } else {
            SizeHint::default()
        }
    }
}
