//! A shape of a user, with what the constants do not use.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::shape::{BodyForm, ItemResult, Member, Output, Shape, Top, TopOutput};
use tower_multistatus::{BatchLayer, Json};

use crate::support::{Log, Reply, ask_through, envelope, responding, responding_with, send};

fn shout(result: &ItemResult<'_>) -> Option<(StatusCode, String)> {
    let code = result.code?;
    Some((
        StatusCode::IM_A_TEAPOT,
        format!(r#"{{"code":"{code}","run":{}}}"#, !result.is_not_run),
    ))
}

const MINE: Shape = Shape {
    envelope: &[
        ("calls", Top::Items),
        ("tenant", Top::ItemHeader("x-tenant")),
        ("lang", Top::ItemQuery("lang")),
        ("stop", Top::MaxFailures),
        ("tag", Top::Echo),
        ("future", Top::Unsupported),
    ],
    item: &[
        ("name", Member::Name),
        ("verb", Member::Method),
        ("href", Member::Url),
        ("text", Member::Body(BodyForm::Text("text/plain"))),
        ("after", Member::DependsOn),
    ],
    is_sequential: true,
    status: StatusCode::ACCEPTED,
    content_type: "application/vnd.mine+json",
    response: &[
        ("version", TopOutput::Fixed("2")),
        ("answers", TopOutput::Responses),
        ("tag", TopOutput::Echo),
        ("bad", TopOutput::HasFailures),
        ("skipped", TopOutput::NotRun),
    ],
    result: &[
        ("nr", Output::IdOrPosition),
        ("line", Output::StatusLine),
        ("text", Output::StatusText),
        ("why", Output::Reason),
        ("href", Output::Url),
        ("verb", Output::Method),
        ("etag", Output::Header("etag")),
        ("content", Output::Body(BodyForm::Text(""))),
    ],
    document: Some(shout),
    ..Shape::DEFAULT
};

fn layer() -> BatchLayer {
    let headers = tower_multistatus::ItemHeaders::guarded().allow(["x-tenant"]);
    BatchLayer::new("/batch")
        .format(Json::shaped(&MINE))
        .item_headers(headers)
}

async fn ask(json: Value) -> (Reply, Log) {
    ask_through(layer(), envelope(json.to_string())).await
}

#[tokio::test]
async fn every_member_is_read_and_written() {
    let calls = json!([
        { "name": "a", "verb": "post", "href": "/a?x=\u{e9}", "text": "hi" },
        { "verb": "BREW", "href": "/b?lang=de", "after": ["a"] },
        { "verb": "GET", "href": "/b?lang=de", "after": "a" },
    ]);
    let envelope = json!({ "calls": calls, "tenant": "t", "lang": "en", "tag": 7, "stop": 9 });
    let (log, service) = crate::support::recorder();
    let request = crate::support::envelope(envelope.to_string());
    let reply = send(layer().encode_urls(true).layer(service), request).await;
    let received = log.all();
    assert_eq!(log.uris(), ["/a?x=%C3%A9&lang=en", "/b?lang=de"]);
    assert_eq!(
        (received[0].header("x-tenant"), &received[0].body[..]),
        (vec!["t"], &b"hi"[..])
    );
    assert_eq!(received[0].header("content-type"), ["text/plain"]);
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (StatusCode::ACCEPTED, Some("application/vnd.mine+json"))
    );
    let result = |nr: &str, status: (&str, &str), href: &str, verb: &str, content: &str| {
        json!({ "nr": nr, "line": format!("HTTP/1.1 {} {}", status.0, status.1), "text": status.0, "why": status.1,
                "href": href, "verb": verb, "content": content })
    };
    let expected = json!({ "version": 2, "answers": [
        result("1", ("200", "OK"), "/a?x=\u{e9}&lang=en", "POST", "{}"),
        result("2", ("418", "I'm a teapot"), "/b?lang=de", "BREW", r#"{"code":"method-not-allowed","run":true}"#),
        result("3", ("200", "OK"), "/b?lang=de", "GET", "{}"),
    ], "tag": "7", "bad": true, "skipped": [] });
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn what_a_shape_does_not_support_is_refused() {
    let (reply, log) =
        ask(json!({ "calls": [{ "verb": "GET", "href": "/" }], "future": {} })).await;
    assert_eq!((reply.status.as_u16(), log.len()), (400, 0));
    let (reply, log) =
        ask(json!({ "calls": [{ "verb": "GET", "href": "/" }], "future": null })).await;
    assert_eq!((reply.status.as_u16(), log.len()), (202, 1));
    for wrong in [
        json!({ "tenant": 7 }),
        json!({ "lang": [] }),
        json!({ "tenant": "\n" }),
    ] {
        let mut envelope = json!({ "calls": [{ "verb": "GET", "href": "/" }] });
        envelope
            .as_object_mut()
            .unwrap()
            .extend(wrong.as_object().unwrap().clone());
        let (reply, log) = ask(envelope).await;
        assert_eq!(log.len(), 0, "{:?}", reply.body);
    }
}

#[tokio::test]
async fn stopped_items_are_listed_once() {
    let calls = vec![json!({ "verb": "GET", "href": "/" }); 5];
    let envelope = json!({ "calls": calls, "stop": 2 });
    let request = crate::support::envelope(envelope.to_string());
    let reply = send(layer().layer(responding(500, &[], "x")), request).await;
    assert_eq!(reply.json()["answers"].as_array().unwrap().len(), 2);
    assert_eq!(reply.json()["skipped"], json!(["3", "4", "5"]));
}

#[tokio::test]
async fn binary_text_is_base64_and_says_so() {
    let service = responding_with(|_| Response::new(Bytes::from_static(b"\xFF")));
    let request =
        crate::support::envelope(json!({ "calls": [{ "verb": "GET", "href": "/" }] }).to_string());
    let reply = send(layer().layer(service), request).await;
    let result = &reply.json()["answers"][0];
    assert_eq!(
        (&result["content"], &result["encoding"]),
        (&json!("/w=="), &json!("base64"))
    );
}

#[tokio::test]
async fn responses_that_are_too_large_together_are_507() {
    let calls = vec![json!({ "verb": "GET", "href": "/" }); 20];
    let service = responding_with(|_| Response::new(Bytes::from(vec![b'x'; 5_000])));
    let request = crate::support::envelope(json!({ "calls": calls }).to_string());
    let max = 40_000;
    let reply = send(
        layer().max_total_response_bytes(max).layer(service),
        request,
    )
    .await;
    assert!(reply.body.len() <= max, "{}", reply.body.len());
    let answers = reply.json()["answers"].clone();
    let lines = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["line"].clone());
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 20);
    assert_eq!(
        (&lines[0], &lines[19]),
        (
            &json!("HTTP/1.1 200 OK"),
            &json!("HTTP/1.1 418 I'm a teapot")
        )
    );
    assert!(
        answers[19]["content"]
            .as_str()
            .unwrap()
            .contains("total-too-large")
    );
}
