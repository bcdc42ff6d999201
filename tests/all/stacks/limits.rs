//! Layers that limit: no deadlocks, and no needless shedding.

use std::fmt::Debug;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::coop::poll_proceed;
use tower::buffer::Buffer;
use tower::limit::{ConcurrencyLimit, GlobalConcurrencyLimitLayer, RateLimit};
use tower::load_shed::{LoadShed, error::Overloaded};
use tower::{Layer, Service, ServiceExt, limit::rate::Rate};
use tower_multistatus::BatchLayer;

use crate::probe::Probe;
use crate::support::{Reply, gets, in_chunks, requests, send};

const LIMITS: [usize; 3] = [1, 2, 4];
const BATCHES: usize = 12;

/// A layer without time limits, so that a deadlock hangs.
pub(super) fn layer() -> BatchLayer {
    BatchLayer::new("/batch")
        .item_timeout(None)
        .batch_timeout(None)
}

/// Ten items, some of which have to wait.
fn ten() -> Vec<&'static str> {
    ["/ok", "/sleep/20", "/yield/3", "/sleep/1", "/ok"].repeat(2)
}

/// Sends batches with slow uploads at once, each in its own task. All have to end.
pub(super) async fn flood<S, B>(service: S, batches: usize, paths: &[&str]) -> Vec<Reply>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Debug + Send,
    S::Future: Send,
    B: http_body::Body<Data = Bytes, Error: Debug + Send> + Send + 'static,
{
    let tasks: Vec<_> = (0..batches)
        .map(|_| {
            let request = in_chunks(requests(gets(paths)), Duration::from_millis(50));
            tokio::spawn(send(service.clone(), request))
        })
        .collect();
    let mut replies = Vec::new();
    for task in tasks {
        let reply = tokio::time::timeout(Duration::from_secs(3600), task).await;
        replies.push(reply.expect("no deadlock").expect("no panic"));
    }
    replies
}

fn assert_all_succeeded(replies: &[Reply], paths: &[&str]) {
    for reply in replies {
        assert_eq!(reply.statuses(), vec![200; paths.len()]);
    }
}

pub(super) async fn a_concurrency_limit_inside_bounds_items() {
    for limit in LIMITS {
        for batches in [1, limit, BATCHES] {
            let (book, probe) = Probe::new();
            let service = layer().layer(ConcurrencyLimit::new(probe, limit));
            let replies = flood(service, batches, &ten()).await;
            assert_all_succeeded(&replies, &ten());
            assert_eq!(book.most_in_flight(), limit, "{batches} batches");
            assert_eq!((book.reserved(), book.unready_calls()), (0, 0));
        }
    }
}

pub(super) async fn a_concurrency_limit_outside_bounds_batches() {
    for limit in LIMITS {
        let (book, probe) = Probe::new();
        let service = ConcurrencyLimit::new(layer().concurrency(3).layer(probe), limit);
        let replies = flood(service, BATCHES, &["/sleep/1000"; 10]).await;
        assert_all_succeeded(&replies, &["/sleep/1000"; 10]);
        assert_eq!(book.most_in_flight(), 3 * limit);
    }
    // A streamed response begins before its items run. Nobody reads the first one.
    let service = ConcurrencyLimit::new(layer().streamed(true).layer(Probe::new().1), 1);
    let first = service.clone().oneshot(requests(gets(&["/hang"]))).await;
    let replies = flood(service, 2, &["/ok"]).await;
    assert_all_succeeded(&replies, &["/ok"]);
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn concurrency_limits_on_both_sides_do_not_wait_for_each_other() {
    for outside in LIMITS {
        for inside in LIMITS {
            let (book, probe) = Probe::new();
            let service = layer().layer(ConcurrencyLimit::new(probe, inside));
            let service = ConcurrencyLimit::new(service, outside);
            let replies = flood(service, BATCHES, &ten()).await;
            assert_all_succeeded(&replies, &ten());
            assert_eq!(book.most_in_flight(), inside);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_semaphore_on_both_sides_is_a_deadlock_that_the_deadline_ends() {
    let permits = GlobalConcurrencyLimitLayer::with_semaphore(Arc::new(Semaphore::new(2)));
    let (book, probe) = Probe::new();
    let layer = layer().batch_timeout(Duration::from_secs(5));
    let service = permits.layer(layer.layer(permits.layer(probe)));
    let replies = flood(service, 2, &["/ok"; 3]).await;
    // The first batch has one permit, and the second batch takes the other: the items of the first
    // get none.
    assert_eq!(replies[0].statuses(), [504; 3]);
    assert_eq!(
        replies[1].statuses(),
        [200; 3],
        "the first one's permit is free again"
    );
    assert_eq!(book.callers().len(), 3);
}

pub(super) async fn a_buffer_inside_takes_turns() {
    for bound in LIMITS {
        for limit in LIMITS {
            let (book, probe) = Probe::new();
            let buffer = Buffer::new(ConcurrencyLimit::new(probe, limit), bound);
            let replies = flood(layer().layer(buffer), BATCHES, &ten()).await;
            assert_all_succeeded(&replies, &ten());
            assert_eq!(book.most_in_flight(), limit);
        }
    }
}

pub(super) async fn a_buffer_outside_takes_turns() {
    for bound in LIMITS {
        for limit in LIMITS {
            let (book, probe) = Probe::new();
            let inner = layer().layer(ConcurrencyLimit::new(probe, limit));
            let replies = flood(Buffer::new(inner, bound), BATCHES, &ten()).await;
            assert_all_succeeded(&replies, &ten());
            assert_eq!(book.most_in_flight(), limit);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_buffer_on_both_sides_takes_turns() {
    for bound in LIMITS {
        let (_, probe) = Probe::new();
        let inside = Buffer::new(ConcurrencyLimit::new(probe, 1), bound);
        let outside = Buffer::new(layer().layer(inside), bound);
        assert_all_succeeded(&flood(outside, BATCHES, &ten()).await, &ten());
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_shed_with_enough_permits_sheds_nothing() {
    for path in ["/ok", "/yield/1", "/yield/40", "/sleep/1"] {
        for (batches, concurrency) in [(1, 1), (1, 8), (BATCHES, 8)] {
            let (_, probe) = Probe::new();
            let inner = LoadShed::new(ConcurrencyLimit::new(probe, batches * concurrency));
            let service = layer().concurrency(concurrency).layer(inner);
            let replies = flood(service, batches, &[path; 100]).await;
            assert_all_succeeded(&replies, &[path; 100]);
        }
    }
}

/// Uses the budget of its task to become ready, like services with a channel or a timer.
#[derive(Clone)]
struct Stepping<S>(S);

impl<R, S: Service<R>> Service<R> for Stepping<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        for _ in 0..3 {
            ready!(poll_proceed(cx)).made_progress();
        }
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.0.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_never_waits_does_not_exhaust_the_budget_of_its_task() {
    // 100 items in one poll would take 300 units of a budget of 128.
    let inner = LoadShed::new(Stepping(Probe::new().1));
    let replies = flood(layer().layer(inner), 1, &["/ok"; 100]).await;
    assert_all_succeeded(&replies, &["/ok"; 100]);
}

#[tokio::test(start_paused = true)]
async fn a_load_shed_over_a_buffer_with_enough_room_sheds_nothing() {
    let (_, probe) = Probe::new();
    let inner = LoadShed::new(Buffer::new(probe, 8 * BATCHES));
    let replies = flood(layer().layer(inner), BATCHES, &["/sleep/1"; 100]).await;
    assert_all_succeeded(&replies, &["/sleep/1"; 100]);
}

pub(super) async fn a_load_shed_inside_sheds_items_and_its_error_can_be_mapped() {
    let (_, probe) = Probe::new();
    let layer = layer().map_error(|error, _| {
        error
            .is::<Overloaded>()
            .then_some(StatusCode::SERVICE_UNAVAILABLE)
    });
    let service = layer.layer(LoadShed::new(ConcurrencyLimit::new(probe, 2)));
    let replies = flood(service, 1, &["/sleep/1"; 4]).await;
    assert_eq!(replies[0].statuses(), [200, 200, 503, 503]);
}

pub(super) async fn a_load_shed_outside_sheds_batches() {
    let (_, probe) = Probe::new();
    let service = LoadShed::new(ConcurrencyLimit::new(layer().layer(probe), 1));
    let first = tokio::spawn(send(service.clone(), requests(gets(&["/sleep/1"; 20]))));
    tokio::task::yield_now().await;
    let second = service.oneshot(requests(gets(&["/ok"]))).await;
    assert!(second.expect_err("it is shed").is::<Overloaded>());
    assert_all_succeeded(&[first.await.expect("no panic")], &["/sleep/1"; 20]);
}

pub(super) async fn a_rate_limit_inside_counts_items() {
    let begun = tokio::time::Instant::now();
    // A rate limit cannot be cloned, so a buffer wraps it.
    let inside = Buffer::new(RateLimit::new(Probe::new().1, ten_a_second()), 4);
    assert_all_succeeded(&flood(layer().layer(inside), BATCHES, &ten()).await, &ten());
    assert_eq!(begun.elapsed().as_secs(), 11, "120 items, 10 a second");
}

pub(super) async fn a_rate_limit_outside_counts_batches() {
    let begun = tokio::time::Instant::now();
    let batches = layer().layer(Probe::new().1);
    let outside = Buffer::new(RateLimit::new(batches, ten_a_second()), 4);
    assert_all_succeeded(&flood(outside, BATCHES, &ten()).await, &ten());
    assert_eq!(begun.elapsed().as_secs(), 1, "12 batches, 10 a second");
}

fn ten_a_second() -> Rate {
    Rate::new(10, Duration::from_secs(1))
}
