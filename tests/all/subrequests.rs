//! Items of a custom format, with properties set in any order and more than once.

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde_json::{Value, json};
use tower_multistatus::{
    BatchLayer, ChangeSets, Decoder, Encoder, Error, Format, Json, Limits, Subrequest,
};

use crate::support::{Log, Reply, ask_through, envelope, failed, recorded};

/// A format that reads any envelope as these items, and writes JSON.
#[derive(Debug)]
struct Made(fn() -> Vec<Subrequest>);

struct Maker(fn() -> Vec<Subrequest>);

impl Format for Made {
    fn media_types(&self) -> &[&str] {
        &["text/x-made"]
    }

    fn decoder(&self, _: &Parts, _: &Limits) -> Option<Result<Box<dyn Decoder>, Error>> {
        Some(Ok(Box::new(Maker(self.0))))
    }

    fn encoder(&self, outer: &Parts) -> Option<Box<dyn Encoder>> {
        Json::new().encoder(outer)
    }
}

impl Decoder for Maker {
    fn push(&mut self, _: Bytes, _: &mut Vec<Subrequest>) -> Result<(), Error> {
        Ok(())
    }

    fn end(&mut self, found: &mut Vec<Subrequest>) -> Result<(), Error> {
        found.extend((self.0)());
        Ok(())
    }
}

fn item(id: &'static str) -> Subrequest {
    Subrequest::new(id).expect("an id").with_url("/")
}

async fn ask(items: fn() -> Vec<Subrequest>) -> (Reply, Log) {
    let layer = BatchLayer::new("/batch")
        .allow_methods(["PURGE"])
        .change_sets(ChangeSets::best_effort())
        .format(Made(items));
    let mut request = envelope("");
    let made = HeaderValue::from_static("text/x-made");
    request.headers_mut().insert(CONTENT_TYPE, made);
    ask_through(layer, request).await
}

fn bad_header(id: &str) -> Value {
    failed(id, 400, "bad-header", "a header is invalid")
}

#[tokio::test]
async fn the_later_of_two_methods_wins() {
    let (reply, log) = ask(|| {
        vec![
            item("a").with_method(b"GET").with_method(b"PURGE"),
            item("b").with_method(b"purge").with_method(b"put"),
            item("c").with_method(b"HEAD").with_method(b"DELETE"),
        ]
    })
    .await;
    assert_eq!(reply.statuses(), [200, 200, 200]);
    let methods: Vec<_> = log
        .all()
        .into_iter()
        .map(|received| received.method)
        .collect();
    assert_eq!(methods, ["PURGE", "PUT", "DELETE"]);
}

#[tokio::test]
async fn two_content_types_fail_the_item_whatever_they_are() {
    let (reply, log) = ask(|| {
        let (json, text) = ("application/json", "text/plain");
        let with = |id, first, second| {
            item(id)
                .with_method(b"POST")
                .with_header(b"content-type", first)
                .with_header(b"Content-Type", second)
        };
        vec![
            with("a", json, json),
            with("b", json, text),
            with("c", text, json),
            with("d", text, text),
        ]
    })
    .await;
    assert_eq!(reply.items(), ["a", "b", "c", "d"].map(bad_header));
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn a_header_that_exceeds_the_limit_with_others_fails_the_item() {
    let (reply, log) = ask(|| {
        let with = |id, length| {
            item(id)
                .with_method(b"GET")
                .with_header(b"x-a", "1")
                .with_header(b"x", "y".repeat(length))
                .with_header(b"x-b", "2")
        };
        vec![
            with("a", 16 * 1024 - 9),
            with("b", 16 * 1024 - 8),
            with("c", 0xFFFF - 1),
            with("d", 0xFFFF),
            with("e", 0x1_0000),
        ]
    })
    .await;
    let too_many = |id| {
        failed(
            id,
            400,
            "too-many-headers",
            "the item has too many or too large headers",
        )
    };
    let refused = ["b", "c", "d", "e"].map(too_many);
    assert_eq!(reply.items(), [&[recorded("a")], &refused[..]].concat());
    assert_eq!(log.len(), 1);
}

#[tokio::test]
async fn rare_properties_of_items_can_be_set_in_any_order() {
    let (reply, log) = ask(|| {
        let post = |id| item(id).with_method(b"POST");
        vec![
            post("a").in_group("g"),
            post("b")
                .with_header(b"content-type", "text/plain")
                .with_method(b"PURGE")
                .in_group("g")
                .with_body("x"),
            item("c")
                .with_dependency("g")
                .with_method(b"PURGE")
                .with_dependency("a")
                .with_header(b"content-type", "text/html")
                .with_body("y"),
        ]
    })
    .await;
    assert_eq!(reply.items(), ["a", "b", "c"].map(recorded));
    let received: Vec<_> = log
        .all()
        .into_iter()
        .map(|received| {
            let content_type = received.header("content-type").concat();
            let body = String::from_utf8_lossy(&received.body);
            json!([received.method.as_str(), content_type, body])
        })
        .collect();
    let expected = json!([
        ["POST", "", ""],
        ["PURGE", "text/plain", "x"],
        ["PURGE", "text/html", "y"],
    ]);
    assert_eq!(json!(received), expected);
}
