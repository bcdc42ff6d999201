//! `Prefer` and `Preference-Applied`.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};

use crate::support::{Reply, gets_by_url, requests, responding_with, send};

/// A batch of GETs to these URLs with these `Prefer` headers.
fn preferring(urls: &[&str], prefers: &[&str]) -> Request<Body> {
    let mut request = requests(gets_by_url(urls));
    for prefer in prefers {
        let prefer = HeaderValue::from_str(prefer).unwrap();
        request.headers_mut().append("prefer", prefer);
    }
    // `Prefer` need not be the last header.
    let other = HeaderValue::from_static("1");
    request.headers_mut().insert("x-other", other);
    request
}

/// Sends GETs of `/200`, `/500` and `/302`. Each responds with the status in its URL and a body.
async fn ask(layer: BatchLayer, prefers: &[&str]) -> Reply {
    let service = responding_with(|request| {
        let status = request.uri().path()[1..].parse().unwrap();
        let response = Response::builder().header("content-type", "application/json");
        response
            .status(StatusCode::from_u16(status).unwrap())
            .body(Bytes::from("[1]"))
            .unwrap()
    });
    let request = preferring(&["/200", "/500", "/302"], prefers);
    send(layer.concurrency(1).layer(service), request).await
}

fn applied(reply: &Reply) -> Option<&str> {
    reply.header("preference-applied")
}

const GO_ON: [u64; 3] = [200, 500, 302];
const STOP: [u64; 3] = [200, 500, 424];

#[tokio::test]
async fn without_a_preference_the_layer_decides() {
    for prefers in [
        &[][..],
        &[""],
        &[",;,"],
        &["respond-async, x=\"a, return=minimal\""],
    ] {
        let reply = ask(BatchLayer::new("/batch"), prefers).await;
        assert_eq!(
            (reply.statuses(), applied(&reply)),
            (GO_ON.to_vec(), None),
            "{prefers:?}"
        );
        let reply = ask(BatchLayer::new("/batch").continue_on_error(false), prefers).await;
        assert_eq!(
            (reply.statuses(), applied(&reply)),
            (STOP.to_vec(), None),
            "{prefers:?}"
        );
    }
}

#[tokio::test]
async fn continue_on_error_is_a_preference_of_the_client() {
    for (prefer, expected) in [
        ("continue-on-error", GO_ON),
        ("continue-on-error=true", GO_ON),
        ("continue-on-error=\"true\"", GO_ON),
        ("Continue-On-Error=TRUE", GO_ON),
        ("odata.continue-on-error", GO_ON),
        ("OData.Continue-On-Error=true", GO_ON),
        ("continue-on-error=false", STOP),
        ("odata.continue-on-error=false", STOP),
        ("continue-on-error = \"false\"", STOP),
    ] {
        for default in [true, false] {
            let layer = BatchLayer::new("/batch").continue_on_error(default);
            let reply = ask(layer, &[prefer]).await;
            assert_eq!(reply.statuses(), expected, "{prefer}");
            assert_eq!(applied(&reply), Some(prefer));
        }
    }
    let reply = ask(BatchLayer::new("/batch"), &["continue-on-error=perhaps"]).await;
    assert_eq!((reply.statuses(), applied(&reply)), (GO_ON.to_vec(), None));
}

#[tokio::test]
async fn a_minimal_return_omits_the_bodies_of_successful_items() {
    let content_type = json!({ "Content-Type": "application/json" });
    let reply = ask(BatchLayer::new("/batch"), &["return=minimal"]).await;
    assert_eq!(applied(&reply), Some("return=minimal"));
    assert_eq!(
        Value::from(reply.items()),
        json!([
            { "id": "/200", "status": 200, "headers": content_type, "body": null },
            { "id": "/500", "status": 500, "headers": content_type, "body": [1] },
            { "id": "/302", "status": 302, "headers": content_type, "body": null },
        ])
    );
    for other in ["return", "return=representation", "return=Minimal-ish"] {
        let reply = ask(BatchLayer::new("/batch"), &[other]).await;
        assert_eq!(
            (&reply.items()[0]["body"], applied(&reply)),
            (&json!([1]), None),
            "{other}"
        );
    }
}

#[tokio::test]
async fn several_preferences_are_all_applied_in_one_header_or_in_many() {
    let expected = Some("return=minimal, continue-on-error=false, wait=20");
    for prefers in [
        &["return=minimal, continue-on-error=false, wait=20"][..],
        &["return=minimal", "continue-on-error=false", "wait=20"],
        &[
            "respond-async,return=minimal; a=\"b,c\" ,, handling=lenient",
            "continue-on-error=false;x, wait=20",
        ],
    ] {
        let reply = ask(BatchLayer::new("/batch"), prefers).await;
        assert_eq!(applied(&reply), expected, "{prefers:?}");
        assert_eq!(reply.statuses(), STOP);
        assert_eq!(reply.items()[0]["body"], Value::Null);
    }
}

#[tokio::test]
async fn the_first_of_two_preferences_with_one_name_wins() {
    for (prefers, statuses, is_minimal, expected) in [
        (
            &["continue-on-error=false, continue-on-error=true"][..],
            STOP,
            false,
            Some("continue-on-error=false"),
        ),
        (
            &["continue-on-error", "continue-on-error=false"],
            GO_ON,
            false,
            Some("continue-on-error"),
        ),
        (
            &["odata.continue-on-error=false, continue-on-error"],
            STOP,
            false,
            Some("odata.continue-on-error=false"),
        ),
        (
            &["return=minimal, return=representation"],
            GO_ON,
            true,
            Some("return=minimal"),
        ),
        (
            &["return=minimal", "return=minimal"],
            GO_ON,
            true,
            Some("return=minimal"),
        ),
        (
            &["return=representation, return=minimal"],
            GO_ON,
            false,
            None,
        ),
        (&["Return=other", "return=minimal"], GO_ON, false, None),
        (
            &["continue-on-error=perhaps, continue-on-error=false"],
            GO_ON,
            false,
            None,
        ),
        (&["wait=soon, wait=20"], GO_ON, false, None),
        (&["wait=20, wait=0"], GO_ON, false, Some("wait=20")),
    ] {
        let reply = ask(BatchLayer::new("/batch"), prefers).await;
        assert_eq!(applied(&reply), expected, "{prefers:?}");
        assert_eq!(reply.statuses(), statuses, "{prefers:?}");
        assert_eq!(
            reply.items()[0]["body"].is_null(),
            is_minimal,
            "{prefers:?}"
        );
    }
}

/// Sends GETs of `/1` and `/7`, which take 1 and 7 seconds. Returns the reply and the duration.
async fn ask_slow(layer: BatchLayer, prefers: &[&str]) -> (Reply, Duration) {
    let service = service_fn(async |request: Request<RequestBody<Body>>| {
        let seconds = request.uri().path()[1..].parse().unwrap();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let began = Instant::now();
    let reply = send(layer.layer(service), preferring(&["/1", "/7"], prefers)).await;
    (reply, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn wait_shortens_the_batch_timeout_and_never_extends_it() {
    for (prefer, deadline, statuses, took, reported) in [
        ("wait=60", 30, [200, 200], 7, "wait=30"),
        ("wait=30", 30, [200, 200], 7, "wait=30"),
        ("wait=7200", 5, [200, 504], 5, "wait=5"),
        ("wait=18446744073709551615", 5, [200, 504], 5, "wait=5"),
        ("wait=3", 30, [200, 504], 3, "wait=3"),
        ("wait=\"3\"", 30, [200, 504], 3, "wait=\"3\""),
        ("WAIT=0", 30, [504, 504], 0, "WAIT=0"),
    ] {
        let layer = BatchLayer::new("/batch").batch_timeout(Duration::from_secs(deadline));
        let (reply, elapsed) = ask_slow(layer, &[prefer]).await;
        assert_eq!(reply.statuses(), statuses, "{prefer}");
        assert_eq!(applied(&reply), Some(reported), "{prefer}");
        // The timer has a resolution of a millisecond.
        assert_eq!(elapsed.as_millis() / 10 * 10, took * 1000, "{prefer}");
    }
    let (reply, _) = ask_slow(BatchLayer::new("/batch").batch_timeout(None), &["wait=3"]).await;
    assert_eq!(reply.statuses(), [200, 504]);
    assert_eq!(reply.item("/7")["body"]["code"], "deadline");
}

#[tokio::test]
async fn preference_applied_has_the_wait_that_holds() {
    let millis = Duration::from_millis;
    for (limit, prefer, reported) in [
        (Some(millis(5000)), "wait=6", "wait=5"),
        (Some(millis(5000)), "wait=5", "wait=5"),
        // The wait is rounded up to whole seconds.
        (Some(millis(5001)), "wait=60", "wait=6"),
        (Some(millis(5001)), "wait=5", "wait=5"),
        (Some(millis(1)), "wait=60", "wait=1"),
        (Some(millis(1)), "wait=0", "wait=0"),
        (None, "wait=7200", "wait=7200"),
    ] {
        let layer = BatchLayer::new("/batch").batch_timeout(limit);
        let prefer = format!("return=minimal, {prefer}; x=1, continue-on-error");
        let reported = format!("return=minimal, {reported}, continue-on-error");
        let reply = ask(layer.item_timeout(None), &[&prefer]).await;
        assert_eq!(applied(&reply), Some(&*reported), "{limit:?} {prefer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_no_number_of_seconds_is_not_applied() {
    for prefer in [
        "wait",
        "wait=",
        "wait=-1",
        "wait=1.5",
        "wait=1s",
        "wait=18446744073709551616",
    ] {
        let (reply, _) = ask_slow(BatchLayer::new("/batch"), &[prefer]).await;
        assert_eq!(
            (reply.statuses(), applied(&reply)),
            (vec![200, 200], None),
            "{prefer}"
        );
    }
}
