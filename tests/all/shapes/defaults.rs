//! Members that are added to every item.

use serde_json::json;
use tower_multistatus::BatchLayer;

use crate::support::{Log, Reply, ask_through, envelope};

async fn ask(json: impl ToString) -> (Reply, Log) {
    ask_through(BatchLayer::kinto("/batch"), envelope(json.to_string())).await
}

/// The bodies of the items that reach the inner service, of which each is `/<index>`.
async fn bodies(defaults: &str, items: &[&str]) -> Vec<String> {
    let items: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(at, body)| format!(r#"{{"path":"/{at}"{body}}}"#))
        .collect();
    let text = format!(
        r#"{{"requests":[{}],"defaults":{defaults}}}"#,
        items.join(",")
    );
    let (reply, log) = ask(text).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let bodies = log.all().into_iter().map(|request| request.body);
    bodies
        .map(|body| String::from_utf8(body.to_vec()).unwrap())
        .collect()
}

#[tokio::test]
async fn the_item_wins_and_objects_are_merged() {
    let defaults = r#"{"body":{"a":1,"b":{"c":2.50,"d":null},"e":[1]}}"#;
    let merged = bodies(
        defaults,
        &[
            "",
            r#","body":{}"#,
            r#","body":{"b":{"d":3},"z":12345678901234567890.10}"#,
            r#","body":{"a":{},"b":7,"e":[]}"#,
            r#","body":[]"#,
            r#","body":null"#,
        ],
    )
    .await;
    assert_eq!(
        merged,
        [
            r#"{"a":1,"b":{"c":2.50,"d":null},"e":[1]}"#,
            r#"{"a":1,"b":{"c":2.50,"d":null},"e":[1]}"#,
            r#"{"b":{"d":3,"c":2.50},"z":12345678901234567890.10,"a":1,"e":[1]}"#,
            r#"{"a":{},"b":7,"e":[]}"#,
            "[]",
            "",
        ]
    );
}

#[tokio::test]
async fn names_with_escapes_are_the_same_names() {
    let merged = bodies(
        r#"{"b\u006fdy":{"é":1,"\"":2}}"#,
        &[r#","body":{"\u00e9":3}"#],
    )
    .await;
    assert_eq!(merged, [r#"{"\u00e9":3,"\"":2}"#]);
}

#[tokio::test]
async fn headers_are_merged_and_checked_as_those_of_an_item() {
    let envelope = json!({
        "defaults": { "headers": { "Content-Type": "text/plain", "X-Forwarded-For": "1.2.3.4" }, "path": "/d" },
        "requests": [{ "body": "text" }, { "headers": { "Content-Type": "application/json" }, "body": "json" }],
    });
    let (_, log) = ask(envelope).await;
    let received = log.all();
    assert_eq!([received[0].uri.as_str(), &received[1].uri], ["/d", "/d"]);
    assert_eq!(
        (&received[0].body[..], &received[1].body[..]),
        (&b"text"[..], &b"\"json\""[..])
    );
    assert!(
        received
            .iter()
            .all(|request| request.header("x-forwarded-for").is_empty())
    );
}

#[tokio::test]
async fn broken_defaults_are_refused() {
    for (defaults, item) in [
        ("[]", "{}"),
        ("7", "{}"),
        (r#"{"a":1,"a":2}"#, "{}"),
        (r#"{"\ud800":1}"#, "{}"),
        (r#"{"body":{"a":1,"a":2}}"#, r#"{"body":{}}"#),
        ("{}", r#"{"\ud800":1}"#),
        ("{}", r#"{"path":"/","path":"/"}"#),
        (r#"{"path":"/"}"#, r#"{"path":"/a","path":"/b"}"#),
        (r#"{"Path":"/"}"#, "{}"),
        ("{}", "[]"),
    ] {
        let text = format!(r#"{{"defaults":{defaults},"requests":[{item}]}}"#);
        let (reply, log) = ask(&text).await;
        assert_eq!((reply.status.as_u16(), log.len()), (400, 0), "{text}");
    }
}

#[tokio::test]
async fn defaults_count_with_every_item() {
    let defaults = json!({ "body": { "a": "x".repeat(10_000) } });
    let envelope =
        |count| json!({ "requests": vec![json!({ "path": "/" }); count], "defaults": defaults });
    let (reply, log) = ask(envelope(100)).await;
    assert_eq!((reply.status.as_u16(), log.len()), (200, 100));
    let layer = BatchLayer::kinto("/batch").max_envelope_bytes(100_000);
    let text = crate::support::envelope(envelope(10).to_string());
    let (reply, log) = ask_through(layer, text).await;
    assert_eq!((reply.status.as_u16(), log.len()), (413, 0));
    assert_eq!(reply.json()["message"], "the envelope is too large");
}
