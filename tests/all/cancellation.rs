//! Dropping the response drops all its items at once.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::{Layer, Service};
use tower_multistatus::BatchLayer;

use crate::probe::{Book, Event, Probe};
use crate::support::{in_chunks, requests};

const ITEMS: usize = 14;

/// Items of every kind that end by themselves, with some dependencies.
fn items() -> Value {
    let paths = [
        "/yield/5", "/ok", "/sleep/3", "/yield/1", "/fail", "/panic", "/yield/2",
    ];
    let item = |index: usize| {
        let url = paths[index % paths.len()];
        let on: Vec<_> = (index % 3 == 2)
            .then(|| format!("{}", index - 2))
            .into_iter()
            .collect();
        json!({ "id": index.to_string(), "method": "GET", "url": url, "dependsOn": on })
    };
    (0..ITEMS).map(item).collect()
}

type Reading = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A batch, from its call to the last byte of its response.
fn reading(layer: &BatchLayer) -> (Arc<Book>, Reading) {
    let (book, probe) = Probe::new();
    let mut service = layer.layer(probe);
    let reading = async move {
        let request = in_chunks(requests(items()), Duration::from_millis(1));
        poll_fn(|cx| Service::<Request<Body>>::poll_ready(&mut service, cx))
            .await
            .expect("ready");
        let response = service.call(request).await.expect("a response");
        response.into_body().collect().await.expect("a whole body");
    };
    (book, Box::pin(reading))
}

/// Polls this number of times. Returns whether the future is ready.
async fn poll_times(times: usize, reading: &mut Reading) -> bool {
    for _ in 0..times {
        // Advance the clock, so that timers do not stall the polls.
        tokio::time::advance(Duration::from_millis(1)).await;
        if poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx)))
            .await
            .is_ready()
        {
            return true;
        }
    }
    false
}

fn assert_each_began_once_at_most(book: &Book) {
    let mut begun = book.begun();
    let all = begun.len();
    begun.sort_unstable();
    begun.dedup();
    assert_eq!(begun.len(), all, "an item was dispatched twice");
}

/// Drops a batch after 0 polls, 1 poll and so on, until it is done.
async fn drop_after_each_number_of_polls(layer: BatchLayer) {
    let mut seen_in_flight = 0;
    for polls in 0.. {
        let (book, mut reading) = reading(&layer);
        let is_done = poll_times(polls, &mut reading).await;
        let in_flight = book.in_flight();
        seen_in_flight = seen_in_flight.max(in_flight);
        drop(reading);
        assert_eq!(book.in_flight(), 0, "dropped after {polls} polls");
        assert_eq!(book.reserved(), 0, "dropped after {polls} polls");
        assert_each_began_once_at_most(&book);
        let tasks = tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks();
        assert_eq!(tasks, 0, "a task was spawned");
        let events = book.events();
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(
            book.events(),
            events,
            "something went on after {polls} polls"
        );
        if is_done {
            assert_eq!(in_flight, 0, "no item outlives the response");
            assert!(
                polls > 8,
                "the batch took {polls} polls: nothing was tested"
            );
            assert!(
                seen_in_flight > 0,
                "the batch was never dropped with items in flight"
            );
            return;
        }
        assert!(polls < 500, "the batch does not end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_buffered_response_drops_its_items_whenever_it_is_dropped() {
    for concurrency in [1, 2, 8, 100] {
        let layer = BatchLayer::new("/batch").concurrency(concurrency);
        drop_after_each_number_of_polls(layer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_streamed_response_drops_its_items_whenever_it_is_dropped() {
    for concurrency in [1, 2, 8, 100] {
        let layer = BatchLayer::new("/batch").streamed(true);
        drop_after_each_number_of_polls(layer.concurrency(concurrency)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_that_is_never_read_runs_nothing() {
    let (book, probe) = Probe::new();
    let mut service = BatchLayer::new("/batch").streamed(true).layer(probe);
    poll_fn(|cx| Service::<Request<Body>>::poll_ready(&mut service, cx))
        .await
        .expect("ready");
    let response = service.call(requests(items())).await.expect("a response");
    tokio::time::advance(Duration::from_secs(1)).await;
    drop(response);
    assert_eq!(book.events(), []);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_times_out_is_dropped_before_its_response_is_written() {
    let (book, probe) = Probe::new();
    let layer = BatchLayer::new("/batch")
        .item_timeout(Duration::from_secs(1))
        .streamed(true);
    let items = json!([
        { "id": "hung", "method": "GET", "url": "/hang-body" },
        { "id": "slow", "method": "GET", "url": "/sleep/5000" },
    ]);
    let mut service = layer.layer(probe);
    poll_fn(|cx| Service::<Request<Body>>::poll_ready(&mut service, cx))
        .await
        .expect("ready");
    let mut body = service
        .call(requests(items))
        .await
        .expect("a response")
        .into_body();
    body.frame().await.expect("a frame").expect("a frame");
    assert_eq!(
        book.in_flight(),
        2,
        "only the head of the envelope was written"
    );
    body.frame().await.expect("a frame").expect("a frame");
    assert_eq!(book.in_flight(), 0);
    let ended = [Event::Ended("hung".into()), Event::Ended("slow".into())];
    assert_eq!(book.events()[2..], ended);
}
