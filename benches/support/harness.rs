//! Measures variants in turn, in one process. On a machine with other work, only their ratios are
//! meaningful.

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
    /// `--quick`: only checks that the bench runs.
    Quick,
}

impl Mode {
    /// Reads the mode from the arguments. Returns `None` if `cargo bench` does not run this
    /// program: `cargo test --benches` builds without optimisation, so its measures would be
    /// meaningless.
    pub(crate) fn from_args() -> Option<Self> {
        let has = |name: &str| std::env::args().skip(1).any(|arg| arg == name);
        match (has("--quick"), has("--bench")) {
            (true, _) => Some(Self::Quick),
            (false, true) => Some(Self::Full),
            (false, false) => None,
        }
    }

    /// The time to measure: all of it, or a twentieth.
    pub(crate) fn of(self, full: Duration) -> Duration {
        match self {
            Self::Full => full,
            Self::Quick => full / 20,
        }
    }
}

/// A variant to measure: a function that repeats it this number of times.
pub(crate) type Variant<'a> = Box<dyn FnMut(u32) + 'a>;

/// Runs the variants in turn until the time is up. Returns the median seconds per repetition of
/// each.
pub(crate) fn seconds(variants: &mut [Variant<'_>], time: Duration) -> Vec<f64> {
    let end = Instant::now() + time;
    let once: Vec<Duration> = variants.iter_mut().map(|run| timed(run, 1)).collect();
    // Slots of about a millisecond: long for the resolution of the clock, short for the other work
    // of the machine.
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

/// Sends a request to a service, and reads the whole response.
pub(crate) fn served<'a, S, B>(
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
                let response = service.call(request()).await.expect("a response");
                assert!(response.status().is_success(), "{}", response.status());
                let mut body = response.into_body();
                while let Some(frame) = body.frame().await {
                    std::hint::black_box(frame.expect("a frame"));
                }
            }
        });
    })
}

/// Sends each item of the load by `oneshot` to a clone of the router.
pub(crate) fn oneshot<'a>(
    runtime: &'a Runtime,
    router: Router,
    load: &'a Load,
    body_bytes: usize,
) -> Variant<'a> {
    Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                std::hint::black_box(floor::oneshot(&router, load, body_bytes).await);
            }
        });
    })
}

/// Calls a service for each item of the load, in a loop.
pub(crate) fn floored<'a, S>(
    runtime: &'a Runtime,
    mut service: S,
    load: &'a Load,
    body_bytes: usize,
) -> Variant<'a>
where
    S: Service<Request<Body>, Response = Response<Body>> + 'a,
    S::Error: std::fmt::Debug,
{
    Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                std::hint::black_box(floor::run(&mut service, load, body_bytes).await);
            }
        });
    })
}
