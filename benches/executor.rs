//! How items are run: those that are ready at once, those that have to wait, and those that
//! compute.
//!
//! ```sh
//! cargo bench --bench executor [-- --quick]
//! ```
mod support;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use support::harness::{Mode, Variant, answered, floored, seconds};
use support::inner::{Answer, json};
use support::{Kind, Load, by_hand, layer};
use tokio::runtime::Runtime;
use tower::{Layer, Service, ServiceExt};
use tower_multistatus::{Batch, BatchLayer};

const COUNT: usize = 100;
const TIME: Duration = Duration::from_secs(20);

/// The layers to compare: a line for each way of running items.
fn layers() -> Vec<(&'static str, BatchLayer)> {
    vec![
        ("8 at once, in the task of the batch", layer(COUNT)),
        ("one after the other", layer(COUNT).concurrency(1)),
        (
            "64 at once, in the task of the batch",
            layer(COUNT).concurrency(64),
        ),
        (
            "8 at once, spawned",
            layer(COUNT).executor(|item| {
                tokio::spawn(item);
            }),
        ),
    ]
}

fn main() {
    let Some(mode) = Mode::from_args() else {
        println!("`cargo bench --bench executor` runs this");
        return;
    };
    // Of several threads, for what is spawned.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let load = Load::new(Kind::Get, Answer::Small, COUNT);
    let size = Answer::Small.body().len();
    let mut names = Vec::new();
    let mut variants: Vec<Variant<'_>> = Vec::new();
    for work in Work::ALL {
        let service = Worker::new(work);
        names.push((work, "called in a loop"));
        variants.push(floored(&runtime, service.clone(), &load, size));
        names.push((work, "by hand, all at once"));
        let by_hand = by_hand::app(service.clone());
        variants.push(answered(&runtime, by_hand, || load.request()));
        for (name, layer) in layers() {
            names.push((work, name));
            let service = layer.layer(service.clone());
            variants.push(on_a_worker(&runtime, service, &load));
        }
    }
    let seconds = seconds(&mut variants, mode.of(TIME));
    let ways = names.len() / Work::ALL.len();
    println!("| {COUNT} items | run | µs an item | to the loop |\n| --- | --- | --- | --- |");
    for (index, ((work, name), time)) in names.iter().zip(&seconds).enumerate() {
        println!(
            "| {} | {name} | {:.2} | {:.2} |",
            work.name(),
            time / COUNT as f64 * 1e6,
            time / seconds[index / ways * ways]
        );
    }
}

/// Batches in a task of the runtime's, as a server has them: what is spawned there is on the same
/// queue.
fn on_a_worker<'a>(runtime: &'a Runtime, service: Batch<Worker>, load: &'a Load) -> Variant<'a> {
    Box::new(move |times| {
        let requests: Vec<_> = (0..times).map(|_| load.request()).collect();
        let service = service.clone();
        let batches = runtime.spawn(async move {
            for request in requests {
                let answer = service.clone().oneshot(request).await.expect("an answer");
                let body = answer.into_body().collect().await.expect("a body");
                std::hint::black_box(body.to_bytes());
            }
        });
        runtime.block_on(batches).expect("the batches");
    })
}

/// What an item does before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Ready,
    /// Pends once, and is woken at once.
    Waits,
    /// One in ten does.
    SomeWait,
    /// Some 10 µs.
    ComputesLittle,
    /// Some 50 µs.
    Computes,
}

impl Work {
    const ALL: [Self; 5] = [
        Self::Ready,
        Self::Waits,
        Self::SomeWait,
        Self::ComputesLittle,
        Self::Computes,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waits => "pending once",
            Self::SomeWait => "one in ten pending once",
            Self::ComputesLittle => "computing a little",
            Self::Computes => "computing",
        }
    }
}

#[derive(Clone, Debug)]
struct Worker {
    work: Work,
    body: Bytes,
    called: Arc<AtomicUsize>,
}

impl Worker {
    fn new(work: Work) -> Self {
        Self {
            work,
            body: Answer::Small.body(),
            called: Arc::default(),
        }
    }
}

impl<B> Service<Request<B>> for Worker {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Working;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Working {
        let called = self.called.fetch_add(1, Ordering::Relaxed);
        Working {
            waits: match self.work {
                Work::Ready | Work::ComputesLittle | Work::Computes => false,
                Work::Waits => true,
                Work::SomeWait => called.is_multiple_of(10),
            },
            computes: match self.work {
                Work::ComputesLittle => 10_000,
                Work::Computes => 50_000,
                _ => 0,
            },
            body: self.body.clone(),
        }
    }
}

#[derive(Debug)]
struct Working {
    waits: bool,
    computes: u64,
    body: Bytes,
}

impl Future for Working {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if std::mem::take(&mut self.waits) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        compute(self.computes);
        Poll::Ready(Ok(json(self.body.clone())))
    }
}

/// The same code wherever it is called from.
#[inline(never)]
fn compute(steps: u64) {
    let mut sum = 1_u64;
    for next in 0..steps {
        sum = std::hint::black_box(sum.rotate_left(5) ^ next);
    }
}
