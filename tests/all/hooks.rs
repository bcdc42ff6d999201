//! User callbacks, and the extensions of items.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use serde_json::json;
use tower::Layer;
use tower_multistatus::{BatchLayer, Error, SubrequestInfo};

use crate::support::{
    Log, Received, batch, envelope, gets_by_url, problem, recorded, recorder, recording_router,
    requests, send,
};

#[tokio::test]
async fn a_request_that_when_rejects_passes_through() {
    let layer = BatchLayer::new("/account").when(|outer| outer.uri.query() == Some("comp=batch"));
    for (uri, is_batch) in [
        ("/account?comp=batch", true),
        ("/account", false),
        ("/account?comp=x", false),
    ] {
        let (log, service) = recorder();
        let mut request = requests(gets_by_url(&["/a"]));
        *request.uri_mut() = uri.parse().expect("a URI");
        let reply = send(layer.clone().layer(service), request).await;
        if is_batch {
            assert_eq!(reply.items(), [recorded("/a")]);
        } else {
            let envelope = json!({ "requests": gets_by_url(&["/a"]) });
            assert_eq!(log.only().body, envelope.to_string());
        }
    }
}

#[tokio::test]
async fn when_is_called_only_for_a_post_to_the_batch_path() {
    let calls = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&calls);
    let layer = BatchLayer::new("/batch").when(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        true
    });
    let service = layer.layer(recorder().1);
    for request in [Request::get("/batch"), Request::post("/elsewhere")] {
        send(
            service.clone(),
            request.body(Body::empty()).expect("a request"),
        )
        .await;
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    send(service, requests(gets_by_url(&["/a"]))).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// The calls of `admit`: the number of items, and how many had been dispatched before.
type Calls = Arc<Mutex<Vec<(usize, usize)>>>;

fn noting(calls: &Calls, log: &Log) -> BatchLayer {
    let (calls, log) = (Arc::clone(calls), log.clone());
    BatchLayer::new("/batch").admit(move |admission| {
        assert_eq!(admission.outer().headers["host"], "api.example");
        let mut calls = calls.lock().expect("the list");
        calls.push((admission.total(), log.len()));
        Ok::<_, StatusCode>(())
    })
}

#[tokio::test]
async fn admit_is_called_once_with_the_number_of_items_before_any_runs() {
    let (log, router) = recording_router();
    let calls = Calls::default();
    // An item that will fail counts too.
    let items = gets_by_url(&["/a", "/b", "//evil", "/c"]);
    let reply = batch(noting(&calls, &log), router, items).await;
    assert_eq!(reply.statuses(), [200, 200, 400, 200]);
    assert_eq!(*calls.lock().expect("the list"), [(4, 0)]);
}

#[tokio::test]
async fn admit_is_not_called_for_a_batch_that_is_refused() {
    for (text, code) in [
        ("{}".to_owned(), "malformed"),
        (
            json!({ "requests": gets_by_url(&["/a", "/a"]) }).to_string(),
            "duplicate-id",
        ),
        (
            json!({ "requests": [{ "id": "a", "method": "GET", "url": "/", "dependsOn": ["a"] }] })
                .to_string(),
            "unknown-dependency",
        ),
        (
            json!({ "requests": gets_by_url(&["/"; 101]) }).to_string(),
            "too-many-items",
        ),
    ] {
        let (log, router) = recording_router();
        let calls = Calls::default();
        let reply = send(noting(&calls, &log).layer(router), envelope(text)).await;
        assert_eq!(reply.json()["code"], code);
        assert!(calls.lock().expect("the list").is_empty());
    }
}

#[tokio::test]
async fn a_batch_that_is_not_admitted_is_refused_with_the_status_of_admit() {
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::PAYMENT_REQUIRED] {
        for retry_after in [None, Some(60)] {
            let (log, service) = recorder();
            let layer = BatchLayer::new("/batch").admit(move |admission| {
                let refusal = Error::from(status);
                match (admission.total(), retry_after) {
                    (1, _) => Ok(()),
                    (_, None) => Err(refusal),
                    (_, Some(seconds)) => Err(refusal.retry_after(seconds)),
                }
            });
            let service = layer.layer(service);
            let reply = send(service.clone(), requests(gets_by_url(&["/a", "/b"]))).await;
            assert_eq!(reply.status, status);
            assert_eq!(reply.header("retry-after"), retry_after.map(|_| "60"));
            assert_eq!(
                reply.json(),
                problem(
                    status.as_u16(),
                    "not-admitted",
                    "the batch was not admitted"
                )
            );
            assert_eq!(log.len(), 0);
            send(service, requests(gets_by_url(&["/a"]))).await;
            assert_eq!(log.len(), 1);
        }
    }
}

#[tokio::test]
async fn the_filter_sees_an_item_as_it_will_be_dispatched() {
    let seen = Arc::<Mutex<Vec<(Method, String, HeaderMap)>>>::default();
    let note = Arc::clone(&seen);
    let layer = BatchLayer::new("/batch")
        .mounted_at("/v1")
        .filter(move |item| {
            let what = (
                item.method.clone(),
                item.uri.to_string(),
                item.headers.clone(),
            );
            note.lock().expect("the list").push(what);
            assert!(item.extensions.get::<SubrequestInfo>().is_some());
            Ok::<_, StatusCode>(())
        });
    let (log, router) = recording_router();
    let items = json!([
        { "id": "a", "method": "post", "url": "http://api.example/v1/a?b", "body": 1,
          "headers": { "X-Forwarded-For": "1.2.3.4", "If-A": "1", "Host": "evil" } },
        // These two are not dispatched.
        { "id": "b", "method": "TRACE", "url": "/v1/b" },
        { "id": "c", "method": "GET", "url": "/v1/c", "dependsOn": ["b"] },
    ]);
    let reply = batch(layer, router, items).await;
    assert_eq!(reply.statuses(), [200, 405, 424]);
    let Received {
        method,
        uri,
        headers,
        ..
    } = log.only();
    assert_eq!((method.as_str(), &*uri), ("POST", "/a?b"));
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type", "host", "if-a"]);
    assert_eq!(headers["host"], "api.example");
    assert_eq!(
        *seen.lock().expect("the list"),
        [(method, uri, headers)],
        "what runs is what was checked"
    );
}

#[derive(Debug, Clone, PartialEq)]
struct CurrentUser(u8);

#[derive(Debug, Clone, PartialEq)]
struct Secret(u8);

#[tokio::test]
async fn only_registered_extensions_reach_an_item() {
    for (layer, expected) in [
        (BatchLayer::new("/batch"), None),
        (
            BatchLayer::new("/batch").inherit_extension::<CurrentUser>(),
            Some(&CurrentUser(7)),
        ),
    ] {
        let (log, service) = recorder();
        let mut request = requests(gets_by_url(&["/a"]));
        request.extensions_mut().insert(CurrentUser(7));
        request.extensions_mut().insert(Secret(8));
        send(layer.layer(service), request).await;
        let extensions = log.only().extensions;
        assert_eq!(extensions.get::<CurrentUser>(), expected);
        assert_eq!(extensions.len(), 1 + usize::from(expected.is_some()));
        assert!(extensions.get::<SubrequestInfo>().is_some());
    }
}

#[tokio::test]
async fn an_extension_that_is_registered_may_be_absent() {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").inherit_extension::<CurrentUser>();
    send(layer.layer(service), requests(gets_by_url(&["/a"]))).await;
    assert_eq!(log.only().extensions.len(), 1);
}

#[tokio::test]
async fn a_handler_can_read_the_item_and_batch_of_its_request() {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").concurrency(1);
    let mut request = requests(gets_by_url(&["/a", "//evil", "/c"]));
    request.extensions_mut().insert(Secret(8));
    send(layer.layer(service), request).await;
    let infos: Vec<_> = log
        .all()
        .iter()
        .map(|received| {
            let info = received
                .extensions
                .get::<SubrequestInfo>()
                .expect("it is of a batch");
            assert_eq!(info.outer().uri, "/batch");
            assert_eq!(info.outer().headers["content-type"], "application/json");
            assert_eq!(info.outer().extensions.get(), Some(&Secret(8)));
            (info.id().to_owned(), info.index(), info.total())
        })
        .collect();
    assert_eq!(
        infos,
        [("/a".to_owned(), 0, Some(3)), ("/c".to_owned(), 2, Some(3))]
    );
}

#[tokio::test]
async fn a_request_that_passes_through_keeps_its_extensions_and_is_not_an_item() {
    let (log, service) = recorder();
    let request = Request::post("/elsewhere").extension(Secret(8));
    let request = request.body(Body::empty()).expect("a request");
    send(BatchLayer::new("/batch").layer(service), request).await;
    let extensions = log.only().extensions;
    assert_eq!(extensions.get(), Some(&Secret(8)));
    assert_eq!(extensions.len(), 1);
}

#[cfg(feature = "test-util")]
#[tokio::test]
async fn subrequest_info_of_a_test_marks_a_request_as_an_item() {
    let (outer, ()) = Request::post("/batch?a")
        .body(())
        .expect("one")
        .into_parts();
    let info = SubrequestInfo::new("x", 2, 3, outer);
    assert_eq!((info.id(), info.index(), info.total()), ("x", 2, Some(3)));
    assert_eq!(info.outer().uri, "/batch?a");
    // For an inner layer the request is an item, so its batch is nested.
    let (log, service) = recorder();
    let mut request = requests(gets_by_url(&["/"]));
    request.extensions_mut().insert(info);
    let reply = send(BatchLayer::new("/batch").layer(service), request).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (508, "nested-batch".to_owned())
    );
    assert_eq!(log.len(), 0);
}

#[cfg(feature = "test-util")]
#[test]
#[should_panic(expected = "the index must be less than the number of items")]
fn subrequest_info_with_an_index_beyond_the_batch_panics() {
    let (outer, ()) = http::Request::new(()).into_parts();
    let _ = SubrequestInfo::new("x", 3, 3, outer);
}
