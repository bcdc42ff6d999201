//! When a batch leaves, and how large it is.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use tower::{Layer, Service, ServiceExt};
use tower_multistatus::{BatchClient, BatchLayer, NdJson};

use super::*;

fn gets(count: usize) -> impl Iterator<Item = Request<Body>> {
    (0..count).map(|at| get(&format!("/{at}?q")))
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_made_at_the_same_time_are_one_batch() {
    let (wire, client) = client(layer());
    let outcomes = fetch_all(&client, gets(40)).await;
    let expected: Vec<_> = (0..40).map(|at| format!("200 /{at}?q")).collect();
    assert_eq!(shown(&outcomes), expected);
    let sent = wire.only();
    assert!(sent.is_batch());
    assert_eq!(sent.items().len(), 40);
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.header("accept"), Some("application/json"));
}

#[tokio::test(start_paused = true)]
async fn tasks_that_make_a_request_each_share_a_batch() {
    let (wire, client) = client(layer());
    let tasks: Vec<_> = gets(40)
        .map(|request| {
            let client = client.clone();
            tokio::spawn(async move { fetch(&client, request).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().status, 200);
    }
    assert_eq!(wire.lines(), ["POST /batch"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_alone_is_sent_as_it_is_and_waits_for_nothing() {
    let (wire, client) = client(layer());
    let before = tokio::time::Instant::now();
    for at in 0..3 {
        let mut request = post(&format!("/{at}"), "{}");
        request.headers_mut().insert("x-own", "1".parse().unwrap());
        assert_eq!(
            shown(&[fetch(&client, request).await]),
            [format!("200 /{at}")]
        );
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(wire.lines(), ["POST /0", "POST /1", "POST /2"]);
    let sent = wire.all().remove(0);
    assert_eq!(
        (sent.header("x-own"), &sent.body[..]),
        (Some("1"), &b"{}"[..])
    );
    assert_eq!(sizes(&client, gets(1)).await, [None]);
}

#[tokio::test(start_paused = true)]
async fn a_window_collects_requests_for_that_time() {
    let (wire, client) = client(layer().window(Duration::from_millis(5)));
    let late = async {
        tokio::time::sleep(Duration::from_millis(4)).await;
        fetch(&client, get("/late")).await
    };
    let (early, late) = tokio::join!(fetch_all(&client, gets(2)), late);
    assert_eq!(shown(&early), ["200 /0?q", "200 /1?q"]);
    assert_eq!(shown(&[late]), ["200 /late"]);
    assert_eq!(wire.only().items().len(), 3);
    // The next window begins with the next request.
    let later = async {
        tokio::time::sleep(Duration::from_millis(6)).await;
        fetch(&client, get("/later")).await
    };
    let (_, later) = tokio::join!(fetch_all(&client, gets(2)), later);
    assert_eq!(shown(&[later]), ["200 /later"]);
    assert_eq!(wire.lines()[1..], ["POST /batch", "GET /later"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait_for_its_window() {
    let (wire, client) = client(layer().window(Duration::from_secs(9)).max_items(3));
    let before = tokio::time::Instant::now();
    assert_eq!(sizes(&client, gets(3)).await, [Some(3); 3]);
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(wire.lines(), ["POST /batch"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_at_most_max_items_and_max_bytes() {
    let (_, few) = client(layer().max_items(3));
    let expected = [Some(3), Some(3), Some(3), Some(3), Some(3), Some(3), None];
    assert_eq!(sizes(&few, gets(7)).await, expected);

    let (wire, small) = client(layer().max_bytes(100));
    let sizes = sizes(&small, gets(5)).await;
    assert_eq!(sizes, [Some(2), Some(2), Some(2), Some(2), None]);
    let all = wire.all();
    assert!(all.iter().all(|sent| sent.body.len() <= 100 + 2), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn while_all_batches_are_in_flight_the_next_one_grows() {
    let wire = Wire::default();
    let slow = wire.to(async |sent: Sent| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        responses(&echoed(&sent))
    });
    let client = layer().max_in_flight(1).layer(slow);
    let later = async |after: u64| {
        tokio::time::sleep(Duration::from_millis(after)).await;
        sizes(&client, gets(2)).await
    };
    let (first, second, third) = tokio::join!(later(0), later(10), later(20));
    assert_eq!(
        (first, second, third),
        (vec![Some(2); 2], vec![Some(4); 2], vec![Some(4); 2])
    );
    assert_eq!(wire.lines(), ["POST /batch", "POST /batch"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_alone_leaves_while_all_batches_are_in_flight() {
    let wire = Wire::default();
    let connection = wire.to(async |sent: Sent| {
        if sent.is_batch() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            return responses(&echoed(&sent));
        }
        Ok(Response::new(Body::empty()))
    });
    let client = layer().max_in_flight(1).layer(connection);
    let before = tokio::time::Instant::now();
    let alone = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(sizes(&client, gets(1)).await, [None]);
        before.elapsed()
    };
    let (_, alone) = tokio::join!(sizes(&client, gets(2)), alone);
    assert_eq!(alone, Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn the_service_is_not_ready_when_max_waiting_requests_wait() {
    let wire = Wire::default();
    let slow = wire.to(async |sent: Sent| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        responses(&echoed(&sent))
    });
    let client = layer().max_in_flight(1).max_waiting(2).layer(slow);
    let start = tokio::time::Instant::now();
    let ready_after = async |after: u64| {
        tokio::time::sleep(Duration::from_millis(after)).await;
        let mut client = client.clone();
        let ready: &mut BatchClient<_> = ServiceExt::<Request<Body>>::ready(&mut client).await?;
        let elapsed = start.elapsed().as_millis();
        ready.call(get("/")).await?;
        Ok::<_, BatchClientError>(elapsed)
    };
    // Two leave at once, two wait, and two find no place until these have left.
    let times = join_all([0, 0, 10, 10, 20, 20].map(ready_after)).await;
    let times: Vec<_> = times.into_iter().map(Result::unwrap).collect();
    assert_eq!(times, [0, 0, 10, 10, 1000, 1000]);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_reserved_and_not_used_is_free_when_its_clone_is_dropped() {
    let (_, client) = client(layer().max_waiting(1));
    let mut idle = client.clone();
    ServiceExt::<Request<Body>>::ready(&mut idle).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_secs(1), fetch(&client, get("/a"))).await;
    assert!(waiting.is_err());
    drop(idle);
    assert_eq!(shown(&[fetch(&client, get("/a")).await]), ["200 /a"]);
}

#[tokio::test(start_paused = true)]
async fn with_ndjson_a_caller_has_its_response_when_its_item_has_finished() {
    let wire = Wire::default();
    let api = Router::new().fallback(async |request: Request<Body>| {
        let wait = request.uri().path()[1..].parse().unwrap();
        tokio::time::sleep(Duration::from_secs(wait)).await;
    });
    let connection = wire.to_server(BatchLayer::new("/batch"), api);
    let client = layer().format(NdJson::new()).layer(connection);
    let start = tokio::time::Instant::now();
    let after = [3, 1, 2].map(async |seconds: u64| {
        fetch(&client, get(&format!("/{seconds}"))).await.unwrap();
        start.elapsed().as_secs()
    });
    assert_eq!(join_all(after).await, [3, 1, 2]);
    assert_eq!(wire.lines(), ["POST /batch"]);
    assert_eq!(wire.only().header("accept"), Some("application/x-ndjson"));
}

#[test]
fn a_pair_runs_without_a_runtime_of_tokio() {
    let wire = Wire::default();
    let connection = wire.to_server(BatchLayer::new("/batch"), echo());
    let (client, worker) = layer().pair(connection);
    let both = async {
        let requests = async move { fetch_all(&client, gets(3)).await };
        // The worker ends with the last clone of the client.
        let (outcomes, ()) = futures_util::future::join(requests, worker).await;
        outcomes
    };
    let mut both = std::pin::pin!(both);
    let mut context = Context::from_waker(Waker::noop());
    let outcomes = loop {
        if let Poll::Ready(outcomes) = both.as_mut().poll(&mut context) {
            break outcomes;
        }
    };
    assert_eq!(shown(&outcomes), ["200 /0?q", "200 /1?q", "200 /2?q"]);
    assert_eq!(wire.lines(), ["POST /batch"]);
}

#[tokio::test]
async fn without_its_worker_a_client_is_not_ready() {
    let wire = Wire::default();
    let connection = wire.to_server(BatchLayer::new("/batch"), echo());
    let (client, worker) = layer().pair(connection);
    drop(worker);
    let outcome = fetch(&client, get("/")).await;
    assert_eq!(outcome.unwrap_err(), BatchClientErrorKind::NotSent);
}
