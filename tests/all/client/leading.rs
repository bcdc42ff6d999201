//! The first request that waits: its caller sends it, unless others join it.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use tower::{Layer, Service};
use tower_multistatus::{BatchClientFuture, BatchClientWorker};

use super::*;

/// A client and its worker, which the test polls.
fn pair(layer: BatchClientLayer) -> (Wire, BatchClient<Body>, BatchClientWorker) {
    let wire = Wire::default();
    let connection = wire.to_server(BatchLayer::new("/batch"), echo());
    let (client, worker) = layer.pair(connection);
    (wire, client, worker)
}

/// Makes a request, whose future was not polled.
async fn call(client: &BatchClient<Body>, path: &str) -> BatchClientFuture<Body> {
    let mut client = client.clone();
    let ready: &mut BatchClient<_> = ServiceExt::<Request<Body>>::ready(&mut client)
        .await
        .expect("ready");
    ready.call(get(path))
}

fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    pin!(future).poll(&mut context).is_pending()
}

async fn text(call: BatchClientFuture<Body>) -> String {
    let reply = read(call.await.expect("a response")).await;
    String::from_utf8(reply.body.to_vec()).expect("text")
}

#[tokio::test]
async fn a_request_that_is_alone_needs_no_worker() {
    let (wire, client, _worker) = pair(layer());
    for path in ["/a", "/b"] {
        assert_eq!(
            shown(&[fetch(&client, get(path)).await]),
            [format!("200 {path}")]
        );
    }
    assert_eq!(wire.lines(), ["GET /a", "GET /b"]);
}

#[tokio::test]
async fn a_first_request_whose_caller_goes_away_is_not_sent_and_frees_its_place() {
    let (wire, client, _worker) = pair(layer().max_waiting(1));
    for polls in 0..2 {
        let mut gone = call(&client, "/gone").await;
        for _ in 0..polls {
            assert!(is_pending(&mut gone));
        }
        drop(gone);
        assert_eq!(shown(&[fetch(&client, get("/a")).await]), ["200 /a"]);
    }
    assert_eq!(wire.lines(), ["GET /a", "GET /a"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_first_request_whose_caller_is_idle() {
    for polls in 0..2 {
        let (wire, client, worker) = pair(layer());
        tokio::spawn(worker);
        let mut idle = call(&client, "/idle").await;
        for _ in 0..polls {
            assert!(is_pending(&mut idle));
        }
        assert_eq!(shown(&[fetch(&client, get("/a")).await]), ["200 /a"]);
        assert_eq!(wire.only().items().len(), 2);
        assert_eq!(text(idle).await, "/idle");
        assert_eq!(wire.lines(), ["POST /batch"]);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_after_a_first_one_that_goes_away_share_a_batch() {
    let (wire, client) = client(layer());
    let mut gone = call(&client, "/gone").await;
    assert!(is_pending(&mut gone));
    let others = [call(&client, "/a").await, call(&client, "/b").await];
    drop(gone);
    assert_eq!(join_all(others.map(text)).await, ["/a", "/b"]);
    let items = wire.only().items();
    let urls: Vec<_> = items.iter().map(|item| item["url"].clone()).collect();
    assert_eq!(urls, ["/a", "/b"]);
}

#[tokio::test(start_paused = true)]
async fn a_first_request_can_move_to_another_task() {
    let (wire, client) = client(layer());
    let mut first = call(&client, "/a").await;
    assert!(is_pending(&mut first));
    assert_eq!(tokio::spawn(text(first)).await.unwrap(), "/a");
    assert_eq!(wire.lines(), ["GET /a"]);
}

#[tokio::test]
async fn a_first_request_ends_when_the_worker_is_dropped() {
    let (wire, client, worker) = pair(layer());
    let mut first = call(&client, "/a").await;
    assert!(is_pending(&mut first));
    drop(worker);
    let error = first.await.expect_err("no worker");
    assert_eq!(error.kind(), BatchClientErrorKind::NotSent);
    assert!(wire.lines().is_empty());
}

#[tokio::test]
async fn requests_that_wait_when_the_worker_is_dropped_were_not_sent() {
    let (wire, client, mut worker) = pair(layer().window(Duration::from_secs(1)));
    let mut calls = [call(&client, "/a").await, call(&client, "/b").await];
    assert!(calls.iter_mut().all(is_pending) && is_pending(&mut worker));
    drop(worker);
    for call in calls {
        let error = call.await.expect_err("no worker");
        assert_eq!(error.kind(), BatchClientErrorKind::NotSent);
    }
    assert!(wire.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_first_request_is_sent_when_the_client_is_dropped() {
    let (wire, client, worker) = pair(layer());
    let mut first = call(&client, "/a").await;
    assert!(is_pending(&mut first));
    drop(client);
    // The worker has nothing else to wait for.
    worker.await;
    assert_eq!(text(first).await, "/a");
    assert_eq!(wire.lines(), ["GET /a"]);
}

#[tokio::test]
async fn with_a_window_a_first_request_waits_for_the_worker() {
    let (wire, client, _worker) = pair(layer().window(Duration::from_secs(1)));
    let mut first = call(&client, "/a").await;
    assert!((0..5).all(|_| is_pending(&mut first)));
    assert!(wire.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_the_worker_waits_a_first_request_joins_it() {
    let wire = Wire::default();
    let slow = wire.to(async |sent: Sent| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        responses(&echoed(&sent))
    });
    let client = layer().max_in_flight(1).layer(slow);
    let later = async |after: u64, count: usize| {
        tokio::time::sleep(Duration::from_millis(after)).await;
        sizes(&client, (0..count).map(|_| get("/"))).await
    };
    let (in_flight, waiting, first) = tokio::join!(later(0, 2), later(10, 2), later(20, 1));
    assert_eq!(
        (in_flight, waiting, first),
        (vec![Some(2); 2], vec![Some(3); 2], vec![Some(3)])
    );
    // After that, the worker has nothing that could wait.
    assert!(is_pending(&mut call(&client, "/").await));
    assert_eq!(wire.lines().len(), 2);
}

/// The number of batches and of single requests of 40 tasks that make a request each, at once.
async fn sent_by_40_tasks() -> (usize, usize) {
    let (wire, client) = client(layer());
    let barrier = Arc::new(tokio::sync::Barrier::new(40));
    let tasks = (0..40).map(|at| {
        let (client, barrier) = (client.clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            fetch(&client, get(&format!("/{at}"))).await
        })
    });
    for (at, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
        let outcome = task.await.expect("a task");
        assert_eq!(shown(&[outcome]), [format!("200 /{at}")]);
    }
    let all = wire.all();
    let batches = all.iter().filter(|sent| sent.is_batch()).count();
    (batches, all.len() - batches)
}

#[tokio::test]
async fn tasks_of_one_thread_share_one_batch() {
    for _ in 0..10 {
        assert_eq!(sent_by_40_tasks().await, (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_several_threads_share_few_batches() {
    let mut sent = Vec::new();
    for _ in 0..21 {
        let (batches, single) = tokio::spawn(sent_by_40_tasks()).await.expect("a task");
        sent.push(batches + single);
    }
    // The threads may be interrupted at any time, so this holds for most runs.
    sent.sort_unstable();
    assert!(sent[10] <= 3, "{sent:?}");
}
