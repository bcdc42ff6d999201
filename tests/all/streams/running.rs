//! When items of a stream run, and when they are dropped.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::routing::get as route_get;
use serde_json::json;
use tokio::time::Instant;
use tower::{Layer, ServiceExt};
use tower_multistatus::{BatchLayer, Order, SubrequestInfo};

use super::{Lines, channel, get, lines, summary};
use crate::probe::Probe;
use crate::support::read;

#[tokio::test(start_paused = true)]
async fn an_item_is_answered_before_the_next_one_is_sent() {
    let (upload, body) = channel();
    let service = BatchLayer::new("/batch").layer(Probe::new().1);
    let mut response = Lines::of(service, body).await;
    for id in 0..300 {
        upload.send(get(id, "/ok").into()).expect("it is read");
        assert_eq!(response.next_item().await, (id.to_string(), 200));
    }
    drop(upload);
    assert_eq!(response.summary_after(0).await, summary(300, 300));
}

#[tokio::test(start_paused = true)]
async fn a_slow_item_does_not_delay_items_that_arrive_later() {
    let (upload, body) = channel();
    let service = BatchLayer::new("/batch").layer(Probe::new().1);
    let mut response = Lines::of(service, body).await;
    upload
        .send(get("slow", "/sleep/9000").into())
        .expect("it is read");
    upload.send(get("fast", "/ok").into()).expect("it is read");
    let begun = Instant::now();
    assert_eq!(response.next_item().await, ("fast".to_owned(), 200));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    drop(upload);
    assert_eq!(response.next_item().await, ("slow".to_owned(), 200));
    assert_eq!(response.summary_after(0).await, summary(2, 2));
}

#[tokio::test(start_paused = true)]
async fn no_more_items_than_the_concurrency_are_in_flight() {
    for (concurrency, order) in [(1, None), (3, None), (8, None), (3, Some(Order::Request))] {
        let (book, probe) = Probe::new();
        let mut layer = BatchLayer::new("/batch").concurrency(concurrency);
        if let Some(order) = order {
            layer = layer.order(order);
        }
        let upload: String = (0..100).map(|id| get(id, "/sleep/10")).collect();
        let response = Lines::of(layer.layer(probe), upload).await;
        assert_eq!(response.summary_after(100).await, summary(100, 100));
        assert_eq!(book.most_in_flight(), concurrency);
        assert_eq!(book.in_flight(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn in_request_order_the_lines_have_the_order_of_the_items() {
    let layer = BatchLayer::new("/batch").order(Order::Request);
    let upload: String = (0..200)
        .map(|id| get(id, if id % 7 == 0 { "/sleep/50" } else { "/ok" }))
        .collect();
    let lines = Lines::of(layer.layer(Probe::new().1), upload)
        .await
        .rest()
        .await;
    let ids = lines.iter().filter_map(|line| line["id"].as_str());
    assert!(ids.eq((0..200).map(|id| id.to_string())));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_stops_the_items_and_goes_on_when_it_reads() {
    const BODY: usize = 1000;
    let (book, probe) = Probe::new();
    let service = BatchLayer::new("/batch").layer(probe);
    let (upload, body) = channel();
    let mut response = Lines::of(service, body).await;
    for id in 0..10_000 {
        upload
            .send(get(id, &format!("/big/{BODY}")).into())
            .expect("it is read");
    }
    drop(upload);
    assert_eq!(
        book.begun().len(),
        0,
        "nothing runs before the response is read"
    );
    assert_eq!(response.next_item().await, ("0".to_owned(), 200));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let begun = book.begun().len();
    let bound = 32 * 1024 / BODY + 8;
    assert!(
        begun <= bound,
        "{begun} items have begun, of which {bound} may"
    );
    // The hour in which nobody read was no idle time.
    assert_eq!(response.summary_after(9_999).await, summary(10_000, 10_000));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_response_drops_the_items_and_the_upload() {
    for sent in 0..30 {
        let (book, probe) = Probe::new();
        let (upload, body) = channel();
        let mut response = Lines::of(BatchLayer::new("/batch").layer(probe), body).await;
        for id in 0..sent {
            let url = if id % 3 == 0 { "/hang" } else { "/ok" };
            upload.send(get(id, url).into()).expect("it is read");
        }
        let more = tokio::time::timeout(Duration::from_secs(1), async {
            while response.next().await.is_some() {}
        });
        more.await.expect_err("the upload has not ended");
        assert_eq!(book.in_flight() > 0, sent > 0);
        drop(response);
        assert_eq!((book.in_flight(), book.reserved()), (0, 0));
        assert!(upload.is_closed());
    }
}

#[tokio::test(start_paused = true)]
async fn with_another_type_of_response_the_envelope_is_read_first() {
    let (upload, body) = channel();
    let (book, probe) = Probe::new();
    let mut request = lines(body);
    let accept = "application/json".parse().expect("a value");
    request.headers_mut().insert("accept", accept);
    upload.send(get("a", "/ok").into()).expect("it is read");
    let response = BatchLayer::new("/batch").layer(probe).oneshot(request);
    let mut response = pin!(response);
    let early = tokio::time::timeout(Duration::from_secs(1), response.as_mut()).await;
    assert!(early.is_err(), "the envelope is not complete");
    assert_eq!(book.begun().len(), 0);
    upload.send(get("b", "/fail").into()).expect("it is read");
    drop(upload);
    let reply = read(response.await.expect("a response")).await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.statuses(), [200, 500]);
}

#[tokio::test]
async fn a_handler_sees_that_the_number_of_items_is_unknown() {
    let handler = async |Extension(info): Extension<SubrequestInfo>| {
        format!("{} {} {:?}", info.id(), info.index(), info.total())
    };
    let api = Router::new().route("/", route_get(handler));
    let upload = [get("a", "/"), get("b", "/")].concat();
    let lines = Lines::of(BatchLayer::new("/batch").layer(api), upload)
        .await
        .rest()
        .await;
    let bodies: Vec<_> = lines.iter().map(|line| &line["body"]).collect();
    assert_eq!(bodies[..2], [&json!("a 0 None"), &json!("b 1 None")]);
}
