//! Hostile envelopes are refused, or fail an item, in linear time and on a small stack.

use std::fmt::Write;

use serde_json::json;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{Log, Reply, ask_through, envelope, requests, responding_with, run, send};

/// Sends an envelope to a layer without limits of items and bytes.
async fn ask(json: String) -> (Reply, Log) {
    let layer = BatchLayer::new("/batch")
        .max_items(usize::MAX)
        .max_envelope_bytes(usize::MAX);
    ask_through(layer, envelope(json)).await
}

/// Sends an envelope from a thread with a stack of 128 KiB. Returns the code of the refusal.
fn refused_on_a_small_stack(json: String) -> String {
    let thread = std::thread::Builder::new().stack_size(128 << 10);
    let result = thread.spawn(|| {
        let (reply, log) = run(ask(json));
        assert_eq!(log.len(), 0);
        reply.code()
    });
    result.unwrap().join().expect("the stack is enough")
}

#[test]
fn a_million_brackets_are_refused_on_a_small_stack() {
    for bracket in ["[", "{\"a\":", "[{\"\":"] {
        let deep = bracket.repeat(1_000_000);
        for start in [
            "",
            r#"{"x":"#,
            r#"{"requests":"#,
            r#"{"requests":[{"id":"a","x":"#,
            r#"{"requests":[{"id":"a","body":"#,
            r#"{"requests":[{"id":"a","method":"#,
            r#"{"requests":[{"id":"a","headers":{"x":"#,
            r#"{"requests":[{"id":"a","dependsOn":"#,
        ] {
            assert_eq!(
                refused_on_a_small_stack(format!("{start}{deep}")),
                "malformed"
            );
        }
    }
    let closed = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    let body = format!(r#"{{"requests":[{{"id":"a","body":{closed}}}]}}"#);
    assert_eq!(refused_on_a_small_stack(body), "malformed");
}

#[test]
fn a_deeply_nested_response_is_checked_on_a_small_stack() {
    let thread = std::thread::Builder::new().stack_size(128 << 10);
    let result = thread.spawn(|| {
        let service = responding_with(|_| {
            let response = http::Response::builder().header("content-type", "application/json");
            response.body("[".repeat(1_000_000).into()).unwrap()
        });
        let items = json!([{ "id": "a", "method": "GET", "url": "/" }]);
        let reply = run(send(
            BatchLayer::new("/batch").layer(service),
            requests(items),
        ));
        assert_eq!(reply.item("a")["encoding"], "base64");
    });
    result.unwrap().join().expect("the stack is enough");
}

#[tokio::test(start_paused = true)]
async fn many_empty_items_are_refused_at_the_first() {
    let json = format!(r#"{{"requests":[{}]}}"#, vec!["{}"; 300_000].join(","));
    let (reply, log) = ask(json).await;
    assert_eq!((reply.code().as_str(), log.len()), ("malformed", 0));
    assert_eq!(reply.json()["pointer"], "#/requests/0");
}

#[tokio::test(start_paused = true)]
async fn items_past_the_limit_are_not_read() {
    let json = r#"{"requests":["#.to_owned() + &r#"{"id":"a"},"#.repeat(50_000);
    let (reply, log) = ask_through(BatchLayer::new("/batch"), envelope(json)).await;
    assert_eq!((reply.status.as_u16(), log.len()), (413, 0));
    assert_eq!(reply.code(), "too-many-items");
    assert_eq!(reply.json()["limit"], "max_items");
    assert_eq!(reply.json()["max"], 100);
}

#[tokio::test(start_paused = true)]
async fn too_many_headers_fail_only_their_item() {
    let mut headers = String::new();
    for at in 0..25_000 {
        write!(headers, r#""x-{at}":"","#).unwrap();
    }
    let array = vec![r#""""#; 25_000].join(",");
    for headers in [format!(r#"{headers}"x":"""#), format!(r#""x":[{array}]"#)] {
        let json = format!(
            r#"{{"requests":[{{"id":"a","method":"GET","url":"/1","headers":{{{headers}}}}},{{"id":"b","method":"GET","url":"/2"}}]}}"#
        );
        let (reply, log) = ask(json).await;
        assert_eq!(reply.statuses(), [400, 200]);
        assert_eq!(reply.item("a")["body"]["code"], "too-many-headers");
        assert_eq!(log.uris(), ["/2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn many_unknown_members_are_ignored() {
    let members = (0..300_000).map(|at| format!(r#""{at}":0,"#));
    let members: String = members.collect();
    let (reply, log) = ask(format!(
        r#"{{{members}"requests":[{{{members}"id":"a","method":"GET","url":"/1"}}]}}"#
    ))
    .await;
    assert_eq!((reply.statuses(), log.len()), (vec![200], 1));
}

#[tokio::test(start_paused = true)]
async fn a_string_of_a_mebibyte_is_too_long_in_any_member() {
    let long = "x".repeat(1 << 20);
    let item = |members: &str| format!(r#"{{"requests":[{{{members}}}]}}"#);
    let (reply, log) = ask(item(&format!(r#""id":"{long}""#))).await;
    assert_eq!((reply.code().as_str(), log.len()), ("malformed", 0));
    let get = r#""id":"a","method":"GET","url":"/1""#;
    for (members, status, code) in [
        (
            format!(r#""id":"a","method":"GET","url":"/{long}""#),
            400,
            "bad-target",
        ),
        (
            format!(r#""id":"a","method":"{long}","url":"/1""#),
            405,
            "method-not-allowed",
        ),
        (
            format!(r#"{get},"headers":{{"x":"{long}"}}"#),
            400,
            "too-many-headers",
        ),
        (
            format!(r#"{get},"headers":{{"{long}":"x"}}"#),
            400,
            "too-many-headers",
        ),
        (format!(r#"{get},"body":"{long}""#), 413, "body-too-large"),
        (
            format!(r#"{get},"headers":{{"content-type":"text/plain"}},"body":"{long}""#),
            413,
            "body-too-large",
        ),
        (
            format!(r#"{get},"headers":{{"content-type":"image/png"}},"body":"{long}""#),
            413,
            "body-too-large",
        ),
    ] {
        let (reply, log) = ask(item(&members)).await;
        assert_eq!((reply.statuses(), log.len()), (vec![status], 0), "{code}");
        assert_eq!(reply.item("a")["body"]["code"], code);
    }
    let (reply, _) = ask(item(&format!(r#"{get},"{long}":"{long}""#))).await;
    assert_eq!(reply.statuses(), [200]);
    let (reply, log) = ask_through(BatchLayer::new("/batch"), envelope(item(&long))).await;
    assert_eq!((reply.status.as_u16(), log.len()), (413, 0));
    assert_eq!(reply.code(), "envelope-too-large");
}
