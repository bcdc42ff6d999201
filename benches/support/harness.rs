//! Measures variants in turn, in one process: on a machine with other work to do only their ratios
//! mean something.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::runtime::Runtime;
use tower::Service;

use super::{Load, floor};

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Full,
    /// `--quick`: only to see that it runs.
    Quick,
}

impl Mode {
    /// What the arguments ask for; `None` if it is not `cargo bench` that runs this: `cargo test
    /// --benches` builds without optimisation, and what it would measure says nothing.
    pub(crate) fn from_args() -> Option<Self> {
        let has = |name: &str| std::env::args().skip(1).any(|arg| arg == name);
        match (has("--quick"), has("--bench")) {
            (true, _) => Some(Self::Quick),
            (false, true) => Some(Self::Full),
            (false, false) => None,
        }
    }

    /// The full measure, or a small part of it.
    pub(crate) fn of(self, full: Duration) -> Duration {
        match self {
            Self::Full => full,
            Self::Quick => full / 20,
        }
    }
}

/// One way to do a thing: does it so many times.
pub(crate) type Variant<'a> = Box<dyn FnMut(u32) + 'a>;

/// Runs the variants in turn until the time is up: the median seconds that each takes once. The
/// first variant sets how many times make a slot.
pub(crate) fn seconds(variants: &mut [Variant<'_>], time: Duration) -> Vec<f64> {
    let end = Instant::now() + time;
    let once: Vec<Duration> = variants.iter_mut().map(|run| timed(run, 1)).collect();
    // Slots of about a millisecond: long against the clock, short against what else the machine
    // does.
    let times: Vec<u32> = once
        .iter()
        .map(|once| (1_000_000 / once.as_nanos().max(1)).clamp(1, 10_000) as u32)
        .collect();
    let mut slots = vec![Vec::new(); variants.len()];
    while slots[0].is_empty() || Instant::now() < end {
        for ((run, times), slots) in variants.iter_mut().zip(&times).zip(&mut slots) {
            slots.push(timed(run, *times).as_secs_f64() / f64::from(*times));
        }
    }
    slots.into_iter().map(median).collect()
}

fn timed(run: &mut Variant<'_>, times: u32) -> Duration {
    let start = Instant::now();
    run(times);
    start.elapsed()
}

pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// The load, sent to a service and read to its end.
pub(crate) fn answered<'a, S, B>(
    runtime: &'a Runtime,
    mut service: S,
    request: impl Fn() -> Request<Body> + 'a,
) -> Variant<'a>
where
    S: Service<Request<Body>, Response = Response<B>> + 'a,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
    B::Error: std::fmt::Debug,
{
    Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                std::future::poll_fn(|cx| service.poll_ready(cx))
                    .await
                    .expect("ready");
                let answer = service.call(request()).await.expect("an answer");
                assert!(answer.status().is_success(), "{}", answer.status());
                let mut body = answer.into_body();
                while let Some(frame) = body.frame().await {
                    std::hint::black_box(frame.expect("a frame"));
                }
            }
        });
    })
}

/// The load's items, each by `oneshot` on a clone of the router.
pub(crate) fn oneshot<'a>(
    runtime: &'a Runtime,
    router: Router,
    load: &'a Load,
    answer_bytes: usize,
) -> Variant<'a> {
    Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                std::hint::black_box(floor::oneshot(&router, load, answer_bytes).await);
            }
        });
    })
}

/// The load's items, called in a loop.
pub(crate) fn floored<'a, S>(
    runtime: &'a Runtime,
    mut service: S,
    load: &'a Load,
    answer_bytes: usize,
) -> Variant<'a>
where
    S: Service<Request<Body>, Response = Response<Body>> + 'a,
    S::Error: std::fmt::Debug,
{
    Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                std::hint::black_box(floor::run(&mut service, load, answer_bytes).await);
            }
        });
    })
}
