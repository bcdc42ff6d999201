//! The monitor while a batch runs, and afterwards.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{App, batch_layer, item};

#[tokio::test]
async fn a_monitor_says_how_far_its_batch_is() {
    let app = App::new().await;
    let items = json!([
        item("GET", "/users/1"),
        item("GET", "/nowhere"),
        item("GET", "/held/1")
    ]);
    let monitor = app.submit(items).await;
    app.until("held 1").await;
    let reply = loop {
        let reply = app.get(&monitor).await;
        if reply.json()["done"] == 2 {
            break reply;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.json(), json!({ "total": 3, "done": 2, "failed": 1 }));
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(reply.header("cache-control"), "no-store");
    app.gate.open(1);
    assert_eq!(app.result(&monitor).await.statuses(), [200, 404, 200]);
}

#[tokio::test]
async fn lines_show_what_is_done_and_then_the_rest_as_it_comes() {
    let app = App::new().await;
    let items = json!([
        item("GET", "/users/1"),
        item("GET", "/held/1"),
        item("GET", "/held/2")
    ]);
    let monitor = app.submit(items).await;
    app.until("held 2").await;
    let request = Request::get(&monitor).header(header::ACCEPT, "application/x-ndjson");
    let request = request.body(Body::empty()).expect("a request");
    let Ok(response) = app.router.clone().oneshot(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["asyncresult"], "207");
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let mut body = response.into_body().into_data_stream();
    let mut read = Vec::new();
    let mut line = async || -> Value {
        while !read.contains(&b'\n') {
            read.extend_from_slice(&body.next().await.expect("a frame").expect("no error"));
        }
        let end = read.iter().position(|byte| *byte == b'\n').expect("a line");
        serde_json::from_slice(&read.drain(..=end).collect::<Vec<_>>()).expect("JSON")
    };
    assert_eq!(line().await["id"], "/users/1");
    app.gate.open(1);
    let first = line().await["id"].clone();
    app.gate.open(1);
    let second = line().await["id"].clone();
    let mut both = [first, second];
    both.sort_by_key(Value::to_string);
    assert_eq!(both, ["/held/1", "/held/2"]);
    assert_eq!(
        line().await,
        json!({ "summary": { "total": 3, "succeeded": 3, "failed": 0 } })
    );
}

#[tokio::test]
async fn a_hostile_id_is_that_of_no_batch() {
    let app = App::new().await;
    let monitor = app.submit(json!([item("GET", "/users/1")])).await;
    app.result(&monitor).await;
    let id = monitor.rsplit('/').next().expect("an id");
    let hostile = [
        String::new(),
        "x".to_owned(),
        id.to_uppercase(),
        format!("{id}/"),
        format!("{id}/.."),
        format!("{id}%00"),
        format!("{id}'"),
        format!(".%2f{id}"),
        id[1..].to_owned(),
        format!("{id}{id}"),
        "%27%20OR%20%271%27=%271".to_owned(),
        "_".repeat(36),
        "%25".repeat(36),
        "a".repeat(60_000),
        "00000000-0000-0000-0000-000000000000".to_owned(),
    ];
    for id in hostile {
        for method in ["GET", "DELETE"] {
            let request = Request::builder()
                .method(method)
                .uri(format!("/batch/monitors/{id}"));
            let reply = app
                .send(request.body(Body::empty()).expect("a request"))
                .await;
            assert_eq!(
                (reply.status, reply.code()),
                (StatusCode::NOT_FOUND, "no-such-batch".into()),
                "{id}"
            );
        }
    }
    assert_eq!(app.get(&monitor).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_monitor_takes_get_and_delete_only() {
    let app = App::new().await;
    let monitor = app.submit(json!([item("GET", "/users/1")])).await;
    for method in ["POST", "PUT", "PATCH", "HEAD", "OPTIONS"] {
        let request = Request::builder().method(method).uri(&monitor);
        let reply = app
            .send(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(reply.header("allow"), "GET, DELETE");
    }
}

#[tokio::test]
async fn a_result_expires_and_is_forgotten() {
    let keep = Duration::from_millis(1500);
    let app = App::with(batch_layer(), |layer| layer.keep(keep)).await;
    let monitor = app.submit(json!([item("GET", "/users/1")])).await;
    assert_eq!(app.result(&monitor).await.status, StatusCode::OK);
    let until = async |status| loop {
        let reply = app.get(&monitor).await;
        if reply.status == status {
            break reply;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let gone = until(StatusCode::GONE).await;
    assert_eq!(gone.code(), "expired");
    assert_eq!(app.delete(&monitor).await.status, StatusCode::GONE);
    until(StatusCode::NOT_FOUND).await;
}
