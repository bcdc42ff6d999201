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
use serde_json::Value;
use tower::{Layer, Service};
use tower_multistatus::{BatchLayer, ChangeSets, Order};

use crate::envelope::{envelope, upload};
use crate::ledger::{Fault, Ledger, planned};
use crate::random::Random;
use crate::service::Chaos;
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

/// Runs a random batch, and checks it.
pub(crate) async fn run(mut random: Random) -> (Outcome, Arc<Ledger>) {
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
    let mut layer = layer(&mut random, executor, &kept);
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
    (outcome, ledger)
}

/// Asserts that no item of a refused batch was called.
fn assert_refused(ledger: &Ledger, status: u16, body: &[u8]) {
    let problem: Value = serde_json::from_slice(body).expect("a problem");
    let code = problem["code"].as_str().expect("a code");
    match code {
        "panicked" => assert!(ledger.unready, "nothing could panic"),
        "upload-timeout" => assert_eq!(status, 408),
        code => panic!("refused with {code}"),
    }
    assert!((0..ledger.faults.len()).all(|at| ledger.began(at) == 0));
}

/// Asserts that each item has one response that matches its fault.
fn assert_reported(ledger: &Ledger, executor: Executor, reported: &[u16]) {
    let any_may_panic = ledger.unready || executor == Executor::Faulty;
    let unreported = reported.len()..ledger.faults.len();
    assert_eq!(unreported.map(|at| ledger.began(at)).max().unwrap_or(0), 0);
    for (at, status) in reported.iter().enumerate() {
        let (began, fault) = (ledger.began(at), ledger.faults[at]);
        let shown = format!("item {at}, {fault:?}, begun {began} times: {status}");
        match status {
            200 => assert!(began == 1 && may_succeed(fault), "{shown}"),
            409 => assert!(began == 1 && fault == Fault::Status, "{shown}"),
            424 => assert_eq!(began, 0, "{shown}"),
            500 => assert!(any_may_panic || may_panic(fault), "{shown}"),
            502 => assert_eq!(began, 1, "{shown}"),
            503 => assert!(ledger.unready && began == 0, "{shown}"),
            504 | 507 => {}
            _ => panic!("{shown}"),
        }
    }
}

/// Asserts that the items of each group have all succeeded or all failed. Returns the statuses with
/// those of groups replaced by 504, which says nothing about the item.
fn assert_all_or_nothing(statuses: &[u16]) -> Vec<u16> {
    let is_member = |at: usize| at % 8 < 3;
    let group = |first: usize| statuses.iter().skip(first).take(3);
    for first in (0..statuses.len()).step_by(8) {
        let succeeded = group(first).filter(|status| **status < 400).count();
        let count = group(first).count();
        assert!(succeeded == 0 || succeeded == count, "{statuses:?}");
    }
    let replaced = |(at, status): (usize, &u16)| if is_member(at) { 504 } else { *status };
    statuses.iter().enumerate().map(replaced).collect()
}

fn may_succeed(fault: Fault) -> bool {
    use Fault::*;
    // A response to HEAD has no body, so its body is not polled.
    !matches!(
        fault,
        Error | Status | CallPanics | FuturePanics | FutureHangs | HangsAndDropPanics | FutureSpins
    )
}

fn may_panic(fault: Fault) -> bool {
    use Fault::*;
    matches!(
        fault,
        Error
            | CallPanics
            | FuturePanics
            | FutureDropPanics
            | BodyPanics
            | BodyDropPanics
            | EndPanics
            | ExtensionDropPanics
    )
}

/// Asserts that all values are dropped: at once, or when a poll on another thread returns.
pub(crate) async fn assert_ended(ledger: &Ledger, executor: Executor) {
    for _ in 0..5000 {
        if ledger.alive() == 0 || executor == Executor::None {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(ledger.alive(), 0, "something lives on");
}
