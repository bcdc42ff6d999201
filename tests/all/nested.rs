//! Nested batches: an item that the layer would treat as a batch is not dispatched.

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, SubrequestInfo, UrlBase};

use crate::support::{
    Log, Reply, failed, gets, recorded, recorder, recording_router, requests, responding_with,
    send, with_header,
};

/// Sends items to this path. Returns the reply and the inner requests.
async fn ask(layer: BatchLayer, path: &str, items: Value) -> (Reply, Log) {
    let (log, service) = recorder();
    let mut request = requests(items);
    *request.uri_mut() = path.parse().expect("a URI");
    (send(layer.layer(service), request).await, log)
}

/// An item that is an empty batch: a POST to this URL.
fn nested(url: &str) -> Value {
    json!({ "id": url, "method": "POST", "url": url, "body": { "requests": [] } })
}

fn refused(url: &str) -> Value {
    failed(
        url,
        508,
        "nested-batch",
        "a batch cannot contain another batch",
    )
}

#[tokio::test]
async fn a_nested_batch_fails_in_any_spelling_of_its_url_and_other_items_run() {
    let plain = || BatchLayer::new("/batch");
    let mounted = || plain().mounted_at("/v1");
    for (layer, path, urls) in [
        (
            plain(),
            "/batch",
            &[
                "/batch",
                "/batch?",
                "/batch?x=1",
                "batch",
                "batch?x",
                "http://api.example/batch",
                "HTTP://API.example:80/batch?x",
            ][..],
        ),
        (
            plain().base("/api"),
            "/batch",
            &["/batch", "http://api.example/batch"],
        ),
        (
            mounted(),
            "/batch",
            &[
                "/v1/batch",
                "/v1/batch?x",
                "batch",
                "http://api.example/v1/batch",
            ],
        ),
        (
            plain().encode_urls(true),
            "/batch",
            &["/batch", "/batch?a b"],
        ),
        (
            BatchLayer::new("/"),
            "/",
            &["/", "/?x", "http://api.example", "http://api.example?x"],
        ),
        (
            BatchLayer::new("/v1.0/$batch").base(UrlBase::for_all_urls("/v1.0/")),
            "/v1.0/$batch",
            &["/$batch", "$batch", "/v1.0/$batch", "/v1.0/$batch?x"],
        ),
    ] {
        let other = json!({ "id": "other", "method": "GET", "url": "http://api.example/v1/other" });
        let mut items: Vec<_> = urls.iter().copied().map(nested).collect();
        items.push(other);
        let mut expected: Vec<_> = urls.iter().copied().map(refused).collect();
        expected.push(recorded("other"));
        let (reply, log) = ask(layer, path, items.into()).await;
        assert_eq!(reply.items(), expected);
        assert_eq!(log.len(), 1);
    }
}

#[tokio::test]
async fn requests_that_are_no_batch_are_valid_items() {
    let method = |method: &str| json!({ "id": method, "method": method, "url": "/batch" });
    let items = json!([
        method("GET"),
        method("PUT"),
        method("OPTIONS"),
        nested("/batch/"),
        nested("/batches"),
        nested("/Batch"),
        nested("/a/batch"),
        nested("/%62atch"),
        nested("/?/batch"),
    ]);
    let (reply, log) = ask(BatchLayer::new("/batch"), "/batch", items).await;
    assert_eq!(reply.statuses(), [200; 9]);
    assert_eq!(log.len(), 9);
    // The batch path with the mount is not the batch path without it.
    let items = json!([nested("/v1/v1/batch"), nested("/v1/batches")]);
    let (reply, log) = ask(BatchLayer::new("/batch").mounted_at("/v1"), "/batch", items).await;
    assert_eq!(reply.statuses(), [200; 2]);
    assert_eq!(log.uris(), ["/v1/batch", "/batches"]);
}

#[tokio::test]
async fn a_reference_does_not_lead_to_a_batch() {
    let service = responding_with(|request| {
        assert_ne!(request.uri().path(), "/batch");
        let response = Response::builder().status(StatusCode::CREATED);
        let response = response.header("location", "/batch");
        response.body(Bytes::new()).expect("a response")
    });
    let service = BatchLayer::new("/batch").references(true).layer(service);
    let items = json!([
        { "id": "1", "method": "POST", "url": "/things" },
        { "id": "2", "method": "POST", "url": "/$1" },
        { "id": "3", "method": "POST", "url": "$1?x" },
        { "id": "4", "method": "POST", "url": "$1/x" },
    ]);
    let reply = send(service, requests(items)).await;
    assert_eq!(reply.statuses(), [201, 508, 508, 201]);
}

#[tokio::test]
async fn dependants_of_a_nested_batch_fail_and_no_filter_is_called() {
    let layer = BatchLayer::new("/batch").filter(|item| match item.uri.path() {
        "/batch" => Err(StatusCode::IM_A_TEAPOT),
        _ => Ok(()),
    });
    let mut items = gets(&["/a"]);
    items[0]["dependsOn"] = json!(["/batch"]);
    let items = json!([nested("/batch"), items[0]]);
    let (reply, log) = ask(layer, "/batch", items).await;
    assert_eq!(reply.statuses(), [508, 424]);
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn when_gets_the_item_as_it_would_be_dispatched() {
    let layer = BatchLayer::new("/account").when(|request| {
        assert_eq!(request.method, Method::POST);
        request.uri.query() == Some("comp=batch") && !request.headers.contains_key("x-no-batch")
    });
    let policy = tower_multistatus::ItemHeaders::guarded().allow(["x-no-batch"]);
    let mut with_header = nested("/account?comp=batch");
    with_header["id"] = json!("with");
    with_header["headers"] = json!({ "X-No-Batch": "1" });
    let items = json!([
        nested("/account?comp=batch"),
        nested("/account"),
        nested("/account?comp=x"),
        with_header,
    ]);
    let (reply, log) = ask(layer.item_headers(policy), "/account?comp=batch", items).await;
    assert_eq!(reply.statuses(), [508, 200, 200, 200]);
    assert_eq!(
        log.uris(),
        ["/account", "/account?comp=x", "/account?comp=batch"]
    );
}

#[tokio::test]
async fn an_item_for_which_when_panics_is_not_dispatched_and_the_others_run() {
    let layer = BatchLayer::new("/batch").when(|request| {
        assert!(request.extensions.get::<SubrequestInfo>().is_none());
        true
    });
    let items = json!([nested("/batch"), gets(&["/a"])[0]]);
    let (reply, log) = ask(layer, "/batch", items).await;
    let expected = [
        failed("/batch", 500, "panicked", "the service panicked"),
        recorded("0"),
    ];
    assert_eq!(reply.items(), expected);
    assert_eq!(log.uris(), ["/a"]);
}

#[tokio::test]
async fn a_nested_batch_fails_in_ndjson_too() {
    let request = with_header(
        requests(json!([nested("/batch")])),
        "accept",
        "application/x-ndjson",
    );
    let (log, service) = recorder();
    let reply = send(BatchLayer::new("/batch").layer(service), request).await;
    let lines: Vec<_> = reply.body.split(|byte| *byte == b'\n').collect();
    let first: Value = serde_json::from_slice(lines[0]).expect("JSON");
    assert_eq!(first, refused("/batch"));
    assert_eq!(log.len(), 0);
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn a_nested_batch_fails_in_multipart_too() {
    let body = "--b\r\nContent-Type: application/http\r\n\r\n\
                POST /batch HTTP/1.1\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n\
                --b\r\nContent-Type: application/http\r\n\r\nGET /batch HTTP/1.1\r\n\r\n--b--";
    for layer in [
        BatchLayer::new("/batch").format(tower_multistatus::Multipart::new()),
        BatchLayer::odata("/batch"),
        BatchLayer::google("/batch"),
    ] {
        let (log, service) = recorder();
        let request = Request::post("/batch").header("content-type", "multipart/mixed; boundary=b");
        let request = request.body(Body::from(body)).expect("a request");
        let reply = send(layer.layer(service), request).await;
        let text = std::str::from_utf8(&reply.body).expect("text");
        assert!(text.contains("HTTP/1.1 508 Loop Detected"), "{text}");
        assert_eq!(log.only().method, Method::GET);
    }
}

#[tokio::test]
async fn a_batch_does_not_reach_a_gateway_of_the_same_kind() {
    // A gateway forwards requests without extensions, which would mark them as items.
    let (log, router) = recording_router();
    let second = BatchLayer::new("/batch").layer(router);
    let gateway = tower::service_fn(
        move |request: Request<tower_multistatus::RequestBody<Body>>| {
            let (mut parts, body) = request.into_parts();
            parts.extensions.clear();
            let request = Request::from_parts(parts, Body::new(body));
            tower::ServiceExt::oneshot(second.clone(), request)
        },
    );
    let mut with_items = nested("/batch");
    with_items["body"] = json!({ "requests": gets(&["/a", "/b"]) });
    let items = json!([with_items, gets(&["/c"])[0]]);
    let reply = send(BatchLayer::new("/batch").layer(gateway), requests(items)).await;
    assert_eq!(reply.statuses(), [508, 200]);
    assert_eq!(log.uris(), ["/c"]);
}
