//! One random batch: its layer, envelope and client, and the checks of its result.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, Service};
use tower_multistatus::{BatchLayer, ChangeSets, Order};

use crate::checks::{assert_all_or_nothing, assert_ended, assert_refused, assert_reported};
use crate::envelope::{envelope, upload};
use crate::ledger::{Ledger, planned};
use crate::random::Random;
use crate::service::Chaos;
use crate::sums::Sums;
use crate::transactions::Database;
use crate::wire::{Wire, statuses};

/// The result of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Read,
    Refused,
    Left,
    /// It was sent by the client half.
    #[cfg(feature = "client")]
    Client,
}

pub(crate) type Item = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tasks that an executor keeps and never runs.
pub(crate) type Kept = Arc<Mutex<Vec<Item>>>;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Executor {
    None,
    Tokio,
    /// Drops, keeps or spawns its tasks, and panics.
    Faulty,
}

/// An executor that treats each task in a random way.
fn faulty(random: Random, kept: Kept) -> impl Fn(Item) + Send + Sync + 'static {
    let random = Mutex::new(random);
    move |item| {
        let act = random.lock().expect("the dice").below(8);
        match act {
            0 => drop(item),
            // Never run. Its item must be dropped with the batch.
            1 => kept.lock().expect("the tasks").push(item),
            2 => {
                drop(item);
                planned();
            }
            _ => drop(tokio::spawn(item)),
        }
    }
}

pub(crate) fn layer(random: &mut Random, executor: Executor, kept: &Kept) -> BatchLayer {
    let layer = BatchLayer::new("/batch")
        .concurrency(1 + random.below(64))
        .max_response_bytes(16 << 10)
        .max_total_response_bytes(random.pick(&[4 << 10, 64 << 10, 8 << 20]))
        .item_timeout(Duration::from_millis(random.pick(&[5, 20, 100])))
        .batch_timeout(Duration::from_millis(random.pick(&[10, 100, 400])))
        .idle_timeout(Duration::from_millis(random.pick(&[10, 100, 400])))
        .max_remembered_ids(random.pick(&[0, 3, 10_000]))
        .continue_on_error(!random.one_in(4))
        .change_sets(ChangeSets::best_effort());
    #[cfg(feature = "multipart")]
    let layer = layer.format(tower_multistatus::Multipart::new());
    #[cfg(feature = "shapes")]
    let layer = layer.format(tower_multistatus::Json::shaped(&crate::wire::SHAPE));
    let layer = match random.below(3) {
        0 => layer.order(Order::Completion),
        1 => layer.order(Order::Request),
        _ => layer,
    };
    let layer = match random.below(3) {
        0 => layer.streamed(true),
        _ => layer,
    };
    let dice = Random::new(random.below(1 << 30) as u64);
    match executor {
        Executor::None => layer,
        Executor::Tokio => layer.executor(|item| drop(tokio::spawn(item))),
        Executor::Faulty => layer.executor(faulty(dice, Arc::clone(kept))),
    }
}

/// Drops a value whose destructor must not panic.
fn drop_in_peace<T>(value: T) {
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(value)));
    assert!(dropped.is_ok(), "a destructor panicked out of the batch");
}

/// Polls at most this number of times.
async fn polled<F: Future>(mut future: Pin<&mut F>, mut times: usize) -> Option<F::Output> {
    poll_fn(|cx| {
        if times == 0 {
            return Poll::Ready(None);
        }
        times -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Reads at most this number of frames. Returns all bytes if the body has ended.
async fn read<B>(response: Response<B>, frames: usize) -> Option<Vec<u8>>
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let mut body = Box::pin(response.into_body());
    let mut all = Vec::new();
    for _ in 0..frames {
        match body.frame().await {
            Some(frame) => all.extend(frame.expect("a frame").into_data().expect("data")),
            None => {
                drop_in_peace(body);
                return Some(all);
            }
        }
    }
    drop_in_peace(body);
    None
}

/// Runs a random batch, and checks it. Returns its outcome, its ledger, and the number of items
/// that its observers were told of.
pub(crate) async fn run(mut random: Random) -> (Outcome, Arc<Ledger>, usize) {
    let items = 1 + random.below(100);
    let (executor, wire) = (
        random.pick(&[
            Executor::None,
            Executor::None,
            Executor::Tokio,
            Executor::Faulty,
        ]),
        Wire::pick(&mut random),
    );
    let kept = Kept::default();
    let has_groups = wire.takes_groups() && random.one_in(3);
    let sums = Sums::default();
    let layer = layer(&mut random, executor, &kept);
    let mut layer = sums.observe(layer, &mut random);
    let (content_type, text) = envelope(&mut random, wire, items, has_groups);
    let request = Request::post("/batch")
        .header("content-type", content_type)
        .header("accept", wire.accept())
        .body(upload(&mut random, text))
        .expect("a request");
    let leaves = random.one_in(3).then(|| random.below(12));
    let frames = if random.one_in(4) {
        random.below(6)
    } else {
        usize::MAX
    };
    let has_transactions = has_groups && random.one_in(2);
    let dice = Random::new(random.below(1 << 30) as u64);
    let is_concurrent = random.one_in(2);
    let ledger = Ledger::new(items, random.one_in(2), random);
    if has_transactions {
        let database = Database::new(&ledger, dice);
        let change_sets = ChangeSets::in_transactions(database);
        layer = layer.change_sets(change_sets.concurrent_items(is_concurrent));
    }
    let mut service = layer.layer(Chaos::new(&ledger));
    poll_fn(|cx| Service::<Request<Body>>::poll_ready(&mut service, cx))
        .await
        .expect("ready");
    let mut calling = Box::pin(service.call(request));
    let response = match leaves {
        Some(polls) => polled(calling.as_mut(), polls).await,
        None => Some(calling.as_mut().await),
    };
    drop_in_peace(calling);
    let mut read_statuses = Vec::new();
    let outcome = match response.map(|response| response.expect("a response")) {
        None => Outcome::Left,
        Some(response) => {
            let status = response.status().as_u16();
            match read(response, frames).await {
                None => Outcome::Left,
                Some(body) if status != 207 => {
                    assert_refused(&ledger, status, &body);
                    Outcome::Refused
                }
                Some(body) => {
                    let (statuses, is_cut) = statuses(wire, &body, items);
                    read_statuses.clone_from(&statuses);
                    assert!(is_cut || statuses.len() == items, "an item is missing");
                    let results = if has_transactions {
                        assert_all_or_nothing(&statuses)
                    } else {
                        statuses
                    };
                    assert_reported(&ledger, executor, &results);
                    Outcome::Read
                }
            }
        }
    };
    assert_ended(&ledger, executor).await;
    assert!((0..items).all(|at| ledger.began(at) < 2));
    let has_executor = executor != Executor::None;
    let told = sums.assert_match(&ledger, outcome, &read_statuses, has_executor);
    (outcome, ledger, told)
}
