//! The `Content-ID` of a response: unchanged, or made from the id of another format.

use std::collections::BTreeMap;

use axum::body::Body;
use http::{Request, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, Json, Multipart};

use super::responses_of;
use super::{decode, replay};
use crate::model::parts::{Part, parse};
use crate::support::{Reply, recorder, requests, run, send};

/// The multipart reply to JSON items.
async fn reply(layer: BatchLayer, items: Value) -> Reply {
    let (_, inner) = recorder();
    let mut request: Request<Body> = requests(items);
    let accept = http::HeaderValue::from_static("multipart/mixed");
    request.headers_mut().insert("accept", accept);
    send(layer.format(Json::new()).layer(inner), request).await
}

/// The `Content-ID` of each response to JSON items with these ids.
async fn content_ids(format: Multipart, ids: &[&str]) -> Vec<Option<String>> {
    let item = |id: &&str| json!({ "id": id, "method": "GET", "url": "/" });
    let items = ids.iter().map(item).collect();
    let reply = reply(BatchLayer::new("/batch").format(format), items).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    let responses = responses_of(&reply);
    responses
        .into_iter()
        .map(|response| response.content_id)
        .collect()
}

const IDS: [(&str, &str); 12] = [
    ("1", "1"),
    ("o'clock", "o'clock"),
    ("a%20b", "a%20b"),
    ("!#$%&'*+-.^_`|~", "!#$%&'*+-.^_`|~"),
    ("a b", "<a%20b>"),
    ("a %20b", "<a%20%2520b>"),
    ("<1>", "<%3C1%3E>"),
    ("a@b", "<a%40b>"),
    ("\"q\"", "<%22q%22>"),
    ("(c)", "<%28c%29>"),
    ("é", "<%C3%A9>"),
    (" ", "<%20>"),
];

#[tokio::test]
async fn an_id_of_another_format_is_the_content_id_and_reads_back() {
    let ids = IDS.map(|(id, _)| id);
    let expected = IDS.map(|(_, content_id)| Some(content_id.to_owned()));
    assert_eq!(content_ids(Multipart::new(), &ids).await, expected);
    let long = "x".repeat(256);
    let expected = [Some(long.clone())];
    assert_eq!(content_ids(Multipart::new(), &[&long]).await, expected);
}

#[tokio::test]
async fn an_id_of_another_format_is_marked_as_google_marks_it() {
    let format = Multipart::new().response_ids(true);
    let expected = [Some("response-1".into()), Some("<response-a%20b>".into())];
    assert_eq!(content_ids(format, &["1", "a b"]).await, expected);
}

#[tokio::test]
async fn members_of_a_group_keep_their_ids_and_a_failed_group_has_the_id_of_the_failure() {
    let item = |id: &str, url: &str| json!({ "id": id, "method": "GET", "url": url, "atomicityGroup": "g" });
    let layer = || {
        BatchLayer::new("/batch")
            .format(Multipart::new())
            .change_sets(ChangeSets::best_effort())
    };
    let good = reply(layer(), json!([item("a", "/"), item("b c", "/")])).await;
    let parts = parse(good.header("content-type").expect("one"), &good.body);
    let [Part::ChangeSet(members)] = &parts[..] else {
        panic!("a change set")
    };
    let ids: Vec<_> = members
        .iter()
        .map(|member| member.content_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("a"), Some("<b%20c>")]);
    let bad = reply(layer(), json!([item("a", "/"), item("b c", "//")])).await;
    let parts = parse(bad.header("content-type").expect("one"), &bad.body);
    let [Part::Response(failure)] = &parts[..] else {
        panic!("one response")
    };
    assert_eq!(
        (failure.status, failure.content_id.as_deref()),
        (400, Some("<b%20c>"))
    );
}

#[tokio::test]
async fn content_ids_of_multipart_are_repeated_and_generated_ids_are_omitted() {
    let cases = ["<a%20b>", "a%20b", "<a b>", "a b", "<b+1>", "1", "", "<>"];
    for content_id in cases {
        let head = match content_id {
            "" => String::new(),
            id => format!("Content-ID: {id}\r\n"),
        };
        let body = format!(
            "--b\r\nContent-Type: application/http\r\n{head}\r\nGET /a HTTP/1.1\r\n\r\n--b--"
        );
        let (_, reply) = replay("multipart/mixed; boundary=b", body).await;
        let responses = responses_of(&reply);
        let expected = Some(content_id).filter(|id| !matches!(*id, "" | "<>"));
        assert_eq!(responses[0].content_id.as_deref(), expected, "{content_id}");
    }
}

/// An independent parser: an id in brackets is percent-encoded (RFC 2392), and an id without is
/// plain.
fn read_back(content_id: &str) -> String {
    let inner = content_id
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix('>'));
    let Some(inner) = inner else {
        return content_id.to_owned();
    };
    let mut bytes = Vec::new();
    let mut rest = inner.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match first {
            b'%' => {
                let digits = std::str::from_utf8(&after[..2]).expect("two digits");
                let byte = u8::from_str_radix(digits, 16).expect("two digits");
                (byte, &after[2..])
            }
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn id() -> impl Strategy<Value = String> {
    let control_free =
        |id: &String| (1..=256).contains(&id.len()) && !id.chars().any(char::is_control);
    prop_oneof!["[ -~]{1,20}", "[<>%a0-9 ]{1,9}", ".{1,60}"].prop_filter("an id", control_free)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    })]

    #[test]
    fn every_id_reads_back(ids in prop::collection::btree_set(id(), 1..5)) {
        let received: Vec<_> = ids.iter().map(String::as_str).collect();
        let written = run(content_ids(Multipart::new(), &received));
        let written: Vec<String> = written.into_iter().map(|id| id.expect("an id")).collect();
        let read: Vec<_> = written.iter().map(|id| read_back(id)).collect();
        prop_assert_eq!(&read, &received);
        // The decoder of the crate accepts each as a distinct `Content-ID`.
        let part = |id: &String| format!("--b\r\nContent-Type: application/http\r\nContent-ID: {id}\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        let short = written.iter().filter(|id| id.len() <= 256);
        let envelope = short.clone().map(part).collect::<String>() + "--b--";
        let found = decode("multipart/mixed; boundary=b", &[envelope.as_bytes()]).expect("items");
        let found: BTreeMap<_, _> = found.iter().map(|item| (item.id().to_owned(), ())).collect();
        prop_assert_eq!(found.len(), short.count());
    }
}
