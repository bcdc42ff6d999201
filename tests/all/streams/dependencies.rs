//! Dependencies on items that run, have finished, or are forgotten.

use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::BatchLayer;

use super::{Lines, channel, get, get_after, summary};
use crate::probe::{Event, Probe};

#[tokio::test(start_paused = true)]
async fn an_item_waits_for_one_that_runs_and_runs_after_one_that_has_finished() {
    let (book, probe) = Probe::new();
    let (upload, body) = channel();
    let mut response = Lines::of(BatchLayer::new("/batch").layer(probe), body).await;
    upload.send(get("a", "/ok").into()).expect("it is read");
    assert_eq!(response.next_item().await, ("a".to_owned(), 200));
    let more = [
        get("slow", "/sleep/100"),
        get_after("c", "/ok", &["a", "slow", "a"]),
        get_after("d", "/ok", &["a"]),
    ];
    upload.send(more.concat().into()).expect("it is read");
    drop(upload);
    for id in ["d", "slow", "c"] {
        assert_eq!(response.next_item().await, (id.to_owned(), 200));
    }
    let slow_ends = Event::Ended("slow".to_owned());
    let c_begins = Event::Begun("c".to_owned());
    let events = book.events();
    let at = |event| events.iter().position(|other| *other == event);
    assert!(at(slow_ends) < at(c_begins), "{events:?}");
}

#[tokio::test]
async fn items_that_can_run_start_in_the_order_of_the_envelope() {
    let (book, probe) = Probe::new();
    let layer = BatchLayer::new("/batch").concurrency(1);
    let upload = [
        get("a", "/ok"),
        get_after("b", "/ok", &["a"]),
        get("c", "/ok"),
        get_after("d", "/ok", &["a"]),
        get("e", "/ok"),
    ];
    let response = Lines::of(layer.layer(probe), upload.concat()).await;
    assert_eq!(response.summary_after(5).await, summary(5, 5));
    assert_eq!(book.begun(), ["a", "b", "c", "d", "e"]);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_depends_on_a_failed_one_fails_however_late_it_arrives() {
    let (book, probe) = Probe::new();
    let (upload, body) = channel();
    let mut response = Lines::of(BatchLayer::new("/batch").layer(probe), body).await;
    upload.send(get("a", "/fail").into()).expect("it is read");
    assert_eq!(response.next_item().await, ("a".to_owned(), 500));
    let more = [
        get_after("b", "/ok", &["a"]),
        get_after("c", "/ok", &["b"]),
        get_after("d", "//invalid", &["a"]),
    ];
    upload.send(more.concat().into()).expect("it is read");
    drop(upload);
    for id in ["b", "c", "d"] {
        let line = response.next().await.expect("a line");
        assert_eq!((&line["id"], &line["status"]), (&json!(id), &json!(424)));
        assert_eq!(line["body"]["code"], "failed-dependency");
    }
    assert_eq!(response.summary_after(0).await, summary(4, 0));
    assert_eq!(book.begun(), ["a"]);
}

#[tokio::test]
async fn a_dependency_on_a_forgotten_item_fails_the_item() {
    let layer = BatchLayer::new("/batch")
        .max_remembered_ids(3)
        .concurrency(1);
    let upload = [
        get("a", "/ok"),
        get("b", "/ok"),
        get("c", "/ok"),
        get_after("d", "/ok", &["a"]),
        get_after("e", "/ok", &["b"]),
        get_after("f", "/ok", &["never"]),
        // `a` is forgotten, so this id is free again.
        get("a", "/ok"),
        get_after("g", "/ok", &["a"]),
    ];
    let response = Lines::of(layer.layer(Probe::new().1), upload.concat()).await;
    let lines = response.rest().await;
    let result = |line: &Value| {
        let code = line["body"]["code"].as_str().unwrap_or_default();
        format!(
            "{} {} {code}",
            line["id"].as_str().unwrap_or_default(),
            line["status"]
        )
    };
    // All items of one chunk are added before any of them runs.
    let results: Vec<_> = lines.iter().map(result).collect();
    let expected = ["a 200 ", "b 200 ", "c 200 ", "d 200 ", "e 200 "];
    assert_eq!(results[..5], expected);
    assert_eq!(lines[5]["summary"]["error"]["code"], "unknown-dependency");

    let layer = BatchLayer::new("/batch")
        .max_remembered_ids(3)
        .concurrency(1);
    let (sender, body) = channel();
    let mut response = Lines::of(layer.layer(Probe::new().1), body).await;
    let mut results = Vec::new();
    for line in upload {
        sender.send(line.into()).expect("it is read");
        results.push(result(&response.next().await.expect("a line")));
    }
    let forgotten = "424 forgotten-dependency";
    let expected = [
        "a 200 ".to_owned(),
        "b 200 ".to_owned(),
        "c 200 ".to_owned(),
        "d 200 ".to_owned(),
        "e 200 ".to_owned(),
        format!("f {forgotten}"),
        "a 200 ".to_owned(),
        "g 200 ".to_owned(),
    ];
    assert_eq!(results, expected);
}

#[tokio::test(start_paused = true)]
async fn an_item_in_the_place_of_a_lost_one_waits_for_its_own_dependencies() {
    let (upload, body) = channel();
    let layer = BatchLayer::new("/batch");
    let mut response = Lines::of(layer.layer(Probe::new().1), body).await;
    let first = [
        get("a", "/fail"),
        get("b", "/sleep/100"),
        get("c", "/sleep/200"),
        get_after("lost", "/ok", &["a", "b"]),
    ];
    upload.send(first.concat().into()).expect("it is read");
    for (id, status) in [("a", 500), ("lost", 424)] {
        assert_eq!(response.next_item().await, (id.to_owned(), status));
    }
    let late = get_after("late", "/ok", &["c"]);
    upload.send(late.into()).expect("it is read");
    drop(upload);
    for id in ["b", "c", "late"] {
        assert_eq!(response.next_item().await, (id.to_owned(), 200));
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_depends_on_itself_ends_the_upload() {
    let (book, probe) = Probe::new();
    let upload = [
        get("a", "/ok"),
        get_after("b", "/ok", &["b"]),
        get("c", "/ok"),
    ];
    let response = Lines::of(BatchLayer::new("/batch").layer(probe), upload.concat()).await;
    let lines = response.rest().await;
    assert_eq!((lines.len(), &lines[0]["id"]), (2, &json!("a")));
    assert_eq!(lines[1]["summary"]["error"]["code"], "unknown-dependency");
    assert_eq!(book.begun(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn items_that_wait_are_bounded_by_their_bytes() {
    let (book, probe) = Probe::new();
    let layer = BatchLayer::new("/batch").max_envelope_bytes(64 * 1024);
    let mut upload = get("slow", "/sleep/1000");
    for id in 0..5_000 {
        upload.push_str(&get_after(id, "/ok", &["slow"]));
    }
    upload.push_str(&get("last", "/ok"));
    let (sender, body) = channel();
    sender.send(upload.into()).expect("it is read");
    drop(sender);
    let mut response = Lines::of(layer.layer(probe), body).await;
    // `last` arrives only when those that wait have started.
    assert_eq!(response.next_item().await.0, "slow");
    assert!(!book.begun().contains(&"last".to_owned()));
    assert_eq!(response.summary_after(5_001).await, summary(5_002, 5_002));
}

#[tokio::test(start_paused = true)]
async fn items_that_no_longer_wait_make_room_for_as_many_bytes() {
    const WAITING: usize = 400;
    let (book, probe) = Probe::new();
    let layer = BatchLayer::new("/batch").max_envelope_bytes(64 * 1024);
    let mut upload = get("slow", "/sleep/1000") + &get("fast", "/sleep/10");
    for id in 0..10 {
        upload.push_str(&get_after(format!("after fast {id}"), "/ok", &["fast"]));
    }
    for id in 0..WAITING {
        upload.push_str(&get_after(id, "/ok", &["slow"]));
    }
    upload.push_str(&get("last", "/ok"));
    let (sender, body) = channel();
    sender.send(upload.into()).expect("it is read");
    drop(sender);
    let mut response = Lines::of(layer.layer(probe), body).await;
    for _ in 0..11 {
        response.next_item().await;
    }
    // The ten items that started make room for about ten others, not for all.
    assert_eq!(response.next_item().await.0, "slow");
    assert!(!book.begun().contains(&"last".to_owned()));
    assert_eq!(response.summary_after(WAITING + 1).await["failed"], 0);
}
