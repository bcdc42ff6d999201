//! One call of `on_response` per item.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tower::Layer;
use tower_multistatus::{BatchLayer, Order};

use super::{Told, api};
use crate::probe::{Clones, Probe};
use crate::streams::{Lines, get_after};
use crate::support::{batch, gets, gets_by_url, requests, send};

#[tokio::test(start_paused = true)]
async fn each_item_is_told_once_with_its_status_code_and_times() {
    let told = Told::default();
    let layer =
        told.observe(BatchLayer::new("/batch").concurrency(2).filter(
            |item| match item.uri.path() {
                "/secret" => Err(StatusCode::FORBIDDEN),
                _ => Ok(()),
            },
        ));
    let items = json!([
        { "id": "a", "method": "GET", "url": "/sleep" },
        { "id": "b", "method": "GET", "url": "/sleep" },
        { "id": "queued", "method": "GET", "url": "/sleep" },
        { "id": "after", "method": "GET", "url": "/sleep", "dependsOn": ["a"] },
        { "id": "fails", "method": "GET", "url": "/fail" },
        { "id": "lost", "method": "GET", "url": "/", "dependsOn": ["fails", "b"] },
        { "id": "filtered", "method": "GET", "url": "/secret" },
        { "id": "panics", "method": "GET", "url": "/panic" },
        { "id": "bad", "method": "GET", "url": "//x" },
        { "id": "hangs", "method": "GET", "url": "/hang" },
    ]);
    batch(layer, api(), items).await;
    assert_eq!(
        told.take(),
        [
            "a 200 - sent [0, 0, 10]",
            "b 200 - sent [0, 0, 10]",
            "queued 200 - sent [0, 10, 10]",
            "after 200 - sent [10, 0, 10]",
            "fails 409 - sent [0, 20, 0]",
            "lost 424 failed-dependency not sent [20, 0, 0]",
            "filtered 403 rejected not sent [0, 20, 0]",
            "panics 500 panicked sent [0, 20, 0]",
            "bad 400 bad-target not sent [0, 20, 0]",
            "hangs 504 item-timeout sent [0, 20, 10000]",
            "ended 207 - 10 items, 6 failed, 10020 ms",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_order_of_the_calls_is_that_of_the_envelope() {
    for (order, expected) in [
        (Order::Request, ["/sleep", "/"]),
        (Order::Completion, ["/", "/sleep"]),
    ] {
        let told = Told::default();
        let layer = told.observe(BatchLayer::new("/batch").order(order));
        batch(layer, api(), gets_by_url(&["/sleep", "/"])).await;
        let ids: Vec<_> = told.take().into_iter().take(2).collect();
        let ids = ids
            .iter()
            .map(|line| line.split(' ').next().expect("an id"));
        assert!(ids.eq(expected), "{order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_never_reached_the_service_was_not_dispatched() {
    for (clones, expected) in [
        (Clones::Hang, "0 504 item-timeout not sent [0, 10000, 0]"),
        (Clones::Fail, "0 503 not-ready not sent [0, 0, 0]"),
        (Clones::Panic, "0 500 panicked not sent [0, 0, 0]"),
    ] {
        for has_executor in [false, true] {
            let told = Told::default();
            let mut layer = told.observe(BatchLayer::new("/batch"));
            if has_executor {
                layer = layer.executor(|item| drop(tokio::spawn(item)));
            }
            let (_, probe) = Probe::with_clones(clones);
            send(layer.layer(probe), requests(gets(&["/ok"]))).await;
            assert_eq!(told.take()[0], expected, "executor: {has_executor}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_the_service_has_received_was_dispatched_whatever_runs_it() {
    for has_executor in [false, true] {
        let told = Told::default();
        let mut layer = told.observe(BatchLayer::new("/batch"));
        if has_executor {
            layer = layer.executor(|item| drop(tokio::spawn(item)));
        }
        batch(layer, api(), gets_by_url(&["/hang", "/panic"])).await;
        let items = [
            "/panic 500 panicked sent [0, 0, 0]",
            "/hang 504 item-timeout sent [0, 0, 10000]",
        ];
        let mut lines = told.take();
        lines.truncate(2);
        lines.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(lines, items, "executor: {has_executor}");
    }
}

#[tokio::test(start_paused = true)]
async fn items_that_a_timeout_of_the_batch_or_a_failure_stops_are_told() {
    let told = Told::default();
    let layer = BatchLayer::new("/batch").batch_timeout(Duration::from_millis(50));
    let layer = told.observe(layer.concurrency(1));
    batch(layer, api(), gets_by_url(&["/hang", "/"])).await;
    assert_eq!(
        told.take(),
        [
            "/hang 504 deadline sent [0, 0, 50]",
            "/ 504 deadline not sent [0, 50, 0]",
            "ended 207 - 2 items, 2 failed, 50 ms",
        ]
    );
    let layer = BatchLayer::new("/batch").continue_on_error(false);
    let layer = told.observe(layer.concurrency(1));
    batch(layer, api(), gets_by_url(&["/sleep", "/fail", "/"])).await;
    assert_eq!(
        told.take(),
        [
            "/sleep 200 - sent [0, 0, 10]",
            "/fail 409 - sent [0, 10, 0]",
            "/ 424 stopped not sent [0, 10, 0]",
            "ended 207 - 3 items, 2 failed, 10 ms",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_replaced_is_told_once_as_the_client_gets_it() {
    let told = Told::default();
    let layer = told.observe(BatchLayer::new("/batch").max_total_response_bytes(1000));
    let (_, probe) = Probe::new();
    let reply = send(
        layer.concurrency(1).layer(probe),
        requests(gets(&["/big/300", "/big/900", "/ok"])),
    )
    .await;
    assert_eq!(reply.statuses(), [200, 507, 507]);
    assert_eq!(
        told.take(),
        [
            "0 200 - sent [0, 0, 0]",
            "1 507 total-too-large sent [0, 0, 0]",
            "2 507 total-too-large not sent [0, 0, 0]",
            "ended 207 - 3 items, 2 failed, 0 ms",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn items_of_a_stream_are_told_with_times_from_their_arrival() {
    let told = Told::default();
    let layer = told.observe(BatchLayer::new("/batch").concurrency(1));
    let upload = [
        get_after("a", "/sleep", &[]),
        get_after("b", "/sleep", &["a"]),
        get_after("c", "/fail", &[]),
        get_after("d", "/", &["c"]),
    ];
    let lines = Lines::of(layer.layer(api()), upload.concat()).await;
    lines.summary_after(4).await;
    let mut told = told.take();
    assert_eq!(
        told.pop().as_deref(),
        Some("ended 207 - 4 items, 2 failed, 20 ms")
    );
    told.sort_unstable();
    assert_eq!(told.len(), 4);
    assert_eq!(told[0], "a 200 - sent [0, 0, 10]");
    assert!(told[1].starts_with("b 200 - sent ["), "{told:?}");
    assert!(told[2].starts_with("c 409 - sent ["), "{told:?}");
    assert!(
        told[3].starts_with("d 424 failed-dependency not sent ["),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_callback_that_panics_changes_nothing() {
    let layer = BatchLayer::new("/batch")
        .on_response(|_| panic!("in on_response"))
        .on_batch(|_| panic!("in on_batch"));
    let expected = batch(BatchLayer::new("/batch"), api(), gets(&["/", "/fail"])).await;
    let reply = batch(layer, api(), gets(&["/", "/fail"])).await;
    assert_eq!((reply.status, reply.body), (expected.status, expected.body));
}
