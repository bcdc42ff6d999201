//! The callback `admit`: its argument, sync or async, and the effect of its result.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tower::Layer;
use tower_multistatus::{Admission, BatchLayer, Error, ErrorKind};

use crate::support::{failed, gets, problem, recorder, requests, send};

/// The id, index, method and target of each item.
type Items = Vec<(String, usize, String, Option<String>)>;

fn items(admission: &Admission) -> Items {
    let target = |item: &tower_multistatus::AdmissionItem| Some(item.target()?.to_string());
    let items = admission.items().iter();
    items
        .map(|item| {
            (
                item.id().into(),
                item.index(),
                item.method().to_string(),
                target(item),
            )
        })
        .collect()
}

#[tokio::test]
async fn admit_sees_the_items_that_can_run_as_they_will_be_dispatched() {
    let seen = Arc::<Mutex<Items>>::default();
    let note = Arc::clone(&seen);
    let layer = BatchLayer::new("/batch").mounted_at("/v1").references(true);
    let layer = layer.max_item_body_bytes(10).admit(move |admission| {
        assert_eq!(admission.total(), 7);
        *note.lock().expect("the list") = items(&admission);
        Ok::<_, StatusCode>(())
    });
    let batch = json!([
        { "id": "a", "method": "post", "url": "orders?x=1" },
        { "id": "b", "method": "GET", "url": "//evil" },
        { "id": "c", "method": "BREW", "url": "/v1/tea" },
        { "id": "d", "method": "PUT", "url": "/v1/large", "body": "0123456789" },
        { "id": "e", "method": "GET", "url": "$a/lines" },
        { "id": "f", "method": "DELETE", "url": "http://api.example/v1/orders/1" },
        { "id": "g", "method": "GET", "url": "/v1/orders/1", "headers": { "a b": "1" } },
    ]);
    send(layer.layer(recorder().1), requests(batch)).await;
    let item = |id: &str, index, method: &str, target: Option<&str>| {
        (
            id.to_owned(),
            index,
            method.to_owned(),
            target.map(str::to_owned),
        )
    };
    assert_eq!(
        *seen.lock().expect("the list"),
        [
            item("a", 0, "POST", Some("/orders?x=1")),
            item("e", 4, "GET", None),
            item("f", 5, "DELETE", Some("/orders/1")),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn admit_can_be_async_and_nothing_is_dispatched_before() {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").admit({
        let log = log.clone();
        move |admission: Admission| {
            let log = log.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(3)).await;
                assert_eq!(log.len(), 0);
                match admission.items().len() {
                    0..3 => Ok(()),
                    _ => Err(StatusCode::TOO_MANY_REQUESTS),
                }
            }
        }
    });
    let service = layer.layer(service);
    let reply = send(service.clone(), requests(gets(&["/", "/", "/"]))).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(log.len(), 0);
    let reply = send(service, requests(gets(&["/", "/"]))).await;
    assert_eq!(reply.statuses(), [200, 200]);
}

#[tokio::test(start_paused = true)]
async fn admit_that_exceeds_the_batch_timeout_refuses_the_batch() {
    let never = async |_: Admission| std::future::pending::<Result<(), StatusCode>>().await;
    let layer = BatchLayer::new("/batch").admit(never);
    let (log, service) = recorder();
    let begun = tokio::time::Instant::now();
    let reply = send(layer.layer(service), requests(gets(&["/"]))).await;
    assert_eq!(begun.elapsed().as_secs(), 30);
    let title = "the batch was not admitted in time";
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.json(), problem(503, "admission-timeout", title));
    assert_eq!(log.len(), 0);
}

fn limited() -> Error {
    let left = HeaderValue::from_static("\"default\";r=0;t=60");
    Error::from(StatusCode::TOO_MANY_REQUESTS)
        .retry_after(60)
        .with_header(HeaderName::from_static("ratelimit"), left)
        .with_header(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("image/png"),
        )
        .with_header(http::header::CONTENT_LENGTH, HeaderValue::from_static("9"))
}

#[tokio::test]
async fn a_refusal_of_admit_has_its_headers() {
    let layer = BatchLayer::new("/batch").admit(|_| Err(limited()));
    let reply = send(layer.layer(recorder().1), requests(gets(&["/"]))).await;
    assert_eq!(reply.header("retry-after"), Some("60"));
    assert_eq!(reply.header("ratelimit"), Some("\"default\";r=0;t=60"));
    assert_eq!(
        reply.header("content-length"),
        Some(&*reply.body.len().to_string())
    );
    assert_eq!(reply.code(), "not-admitted");
}

#[tokio::test]
async fn a_filter_can_set_headers_of_the_response_and_other_items_run() {
    let layer = BatchLayer::new("/batch").filter(|item| match item.uri.path() {
        "/a" => Err(limited()),
        _ => Ok(()),
    });
    let (log, service) = recorder();
    let reply = send(layer.layer(service), requests(gets(&["/a", "/b"]))).await;
    let mut expected = failed("0", 429, "rejected", "Too Many Requests");
    expected["headers"]["Retry-After"] = json!("60");
    expected["headers"]["Ratelimit"] = json!("\"default\";r=0;t=60");
    assert_eq!(reply.item("0"), expected);
    assert_eq!(log.uris(), ["/b"]);
    // The batch repeats `Retry-After` of its items.
    assert_eq!(reply.header("retry-after"), Some("60"));
}

#[tokio::test]
async fn admit_and_filter_accept_the_same_errors() {
    let limit = HeaderName::from_static("ratelimit");
    let full = || {
        let error = Error::from(StatusCode::TOO_MANY_REQUESTS).retry_after(7);
        error.with_header(limit.clone(), HeaderValue::from_static("r=0"))
    };
    let errors: [Error; 4] = [
        StatusCode::FORBIDDEN.into(),
        StatusCode::CONTINUE.into(),
        ErrorKind::UploadTimeout.into(),
        full(),
    ];
    for (error, status) in errors.into_iter().zip([403, 500, 408, 429]) {
        let is_full = status == 429;
        let refusal = error.clone();
        let layer = BatchLayer::new("/batch").admit(move |_| Err(refusal.clone()));
        let reply = send(layer.layer(recorder().1), requests(gets(&["/a"]))).await;
        assert_eq!(reply.status.as_u16(), status);
        assert_eq!(reply.header("retry-after"), is_full.then_some("7"));
        assert_eq!(reply.header("ratelimit"), is_full.then_some("r=0"));

        let layer = BatchLayer::new("/batch").filter(move |_| Err(error.clone()));
        let reply = send(layer.layer(recorder().1), requests(gets(&["/a"]))).await;
        assert_eq!(reply.statuses(), [u64::from(status)]);
        let headers = &reply.item("0")["headers"];
        assert_eq!(headers["Retry-After"] == "7", is_full);
        assert_eq!(headers["Ratelimit"] == "r=0", is_full);
    }
    // Both callbacks also accept plain statuses and kinds.
    let layer = BatchLayer::new("/batch");
    for layer in [
        layer.clone().admit(|_| Err(StatusCode::IM_A_TEAPOT)),
        layer.clone().admit(async |_| Err(StatusCode::IM_A_TEAPOT)),
        layer.clone().filter(|_| Err(StatusCode::IM_A_TEAPOT)),
        layer
            .clone()
            .admit(|_| Err(ErrorKind::NotAdmitted(StatusCode::IM_A_TEAPOT))),
        layer
            .clone()
            .filter(|_| Err(ErrorKind::NotAdmitted(StatusCode::IM_A_TEAPOT))),
    ] {
        let reply = send(layer.layer(recorder().1), requests(gets(&["/a"]))).await;
        let status = match reply.status {
            StatusCode::MULTI_STATUS => reply.statuses()[0],
            refused => u64::from(refused.as_u16()),
        };
        assert_eq!(status, 418);
    }
}
