//! The result in every format, with the bytes of the batch that runs at once.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use tower_multistatus::{BatchLayer, ChangeSets};

use crate::support::{App, Reply, background, batch, batch_layer, item, preferring, with_header};

/// Sends a batch at once and in the background, and returns both results.
async fn both(app: &App, request: impl Fn() -> Request<Body>) -> (Reply, Reply) {
    let now = app.send(request()).await;
    let prefer = request().headers().get("prefer").cloned();
    let mut later = preferring(request(), "respond-async");
    if let Some(prefer) = prefer {
        later.headers_mut().append("prefer", prefer);
    }
    let reply = app.send(later).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
    let monitor = reply.header("location").to_owned();
    (now, app.result(&monitor).await)
}

fn assert_same(now: &Reply, later: &Reply) {
    assert_eq!(later.status, StatusCode::OK);
    assert_eq!(later.header("asyncresult"), now.status.as_u16().to_string());
    assert_eq!(without_boundaries(now), without_boundaries(later));
}

/// The headers and the body, without the random parts of boundaries.
fn without_boundaries(reply: &Reply) -> (Vec<(String, String)>, String) {
    let headers = reply.headers.iter();
    let headers =
        headers.filter(|(name, _)| *name != "asyncresult" && *name != "preference-applied");
    let headers = headers.map(|(name, value)| {
        let value = value.to_str().expect("a text");
        (name.to_string(), without_random(value))
    });
    let mut headers: Vec<_> = headers.collect();
    headers.sort();
    let body = String::from_utf8(reply.body.to_vec()).expect("a text");
    (headers, without_random(&body))
}

/// Removes the 32 digits after each `response_`.
fn without_random(text: &str) -> String {
    let mut parts = text.split("response_");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let is_random = part.len() >= 32 && part[..32].bytes().all(|byte| byte.is_ascii_hexdigit());
        text + "response_" + if is_random { &part[32..] } else { part }
    })
}

fn varied() -> serde_json::Value {
    json!([
        item("GET", "/users/1"),
        item("POST", "/orders/7"),
        item("GET", "/nowhere"),
        item("HEAD", "/users/2"),
        item("DELETE", "/nothing"),
        item("POST", "/panic"),
        item("GET", "//elsewhere"),
        item("GET", "/bytes/2000000"),
        { "id": "after", "method": "POST", "url": "/orders/8", "dependsOn": ["/nowhere"] },
        { "id": "then", "method": "POST", "url": "/orders/9", "dependsOn": ["/users/1"], "body": { "n": 1.50 } },
    ])
}

#[tokio::test]
async fn every_format_has_the_bytes_of_the_batch_that_runs_at_once() {
    let app = App::new().await;
    for accept in ["application/json", "multipart/mixed", "application/xml"] {
        let request = || with_header(batch(varied()), "accept", accept);
        let (now, later) = both(&app, request).await;
        assert_same(&now, &later);
    }
    let request = || with_header(batch(varied()), "accept", "application/x-ndjson");
    let (now, later) = both(&app, request).await;
    let sorted = |reply: &Reply| {
        let text = String::from_utf8(reply.body.to_vec()).expect("a text");
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&now), sorted(&later));
}

#[tokio::test]
async fn one_result_can_be_read_in_every_format() {
    let app = App::new().await;
    let monitor = app.submit(json!([item("GET", "/users/1")])).await;
    app.result(&monitor).await;
    for (accept, begin) in [
        ("application/json", "{\"responses\":["),
        ("application/x-ndjson", "{\"id\":\"/users/1\""),
        ("multipart/mixed", "--batchresponse_"),
        ("application/xml", "<?xml"),
        ("*/*", "{\"responses\":["),
    ] {
        let reply = app.get_as(&monitor, accept).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(
            reply.body.starts_with(begin.as_bytes()),
            "{accept}: {:?}",
            reply.body
        );
    }
    let reply = app.get_as(&monitor, "text/html").await;
    assert_eq!(reply.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn who_accepts_http_gets_the_whole_response_as_a_message() {
    let app = App::new().await;
    let now = app.send(batch(json!([item("GET", "/users/1")]))).await;
    let monitor = app.submit(json!([item("GET", "/users/1")])).await;
    app.result(&monitor).await;
    let reply = app.get_as(&monitor, "application/http").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "application/http");
    let text = String::from_utf8(reply.body.to_vec()).expect("a text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 207 Multi-Status\r\n"));
    assert!(head.contains("\r\ncontent-type: application/json"));
    assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())));
    assert_eq!(body.as_bytes(), now.body);
}

const ODATA: &str = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n\
    GET /users/1 HTTP/1.1\r\n\r\n\r\n\
    --b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
    --c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 2\r\n\r\n\
    POST /orders/1 HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{}\r\n\
    --c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 3\r\n\r\n\
    POST $2 HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"again\":1}\r\n\
    --c--\r\n\
    --b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 4\r\n\r\n\
    GET /nowhere HTTP/1.1\r\n\r\n\r\n\
    --b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 5\r\n\r\n\
    GET /users/5 HTTP/1.1\r\n\r\n\r\n\
    --b--\r\n";

#[tokio::test]
async fn multipart_and_json_of_odata_have_the_bytes_of_the_batch_that_runs_at_once() {
    let layer = BatchLayer::odata("/batch").change_sets(ChangeSets::best_effort());
    let app = App::with(layer.base("/"), |layer| layer).await;
    for prefer in [None, Some("odata.continue-on-error=false")] {
        let multipart = || {
            let request = Request::post("/batch")
                .header(header::CONTENT_TYPE, "multipart/mixed; boundary=b")
                .header("odata-version", "4.0")
                .body(Body::from(ODATA))
                .expect("a request");
            match prefer {
                Some(prefer) => preferring(request, prefer),
                None => request,
            }
        };
        let (now, later) = both(&app, multipart).await;
        assert_same(&now, &later);
        let applied = |reply: &Reply| reply.headers.get("preference-applied").cloned();
        assert_eq!(applied(&now), applied(&later));
        assert_eq!(later.header("odata-version"), "4.0");
    }
    let json = || with_header(batch(varied()), "odata-version", "4.01");
    let (now, later) = both(&app, json).await;
    assert_same(&now, &later);
}

#[tokio::test]
async fn a_batch_that_stops_at_the_first_failure_stops_there_in_its_result_too() {
    let app = App::with(batch_layer().concurrency(2), |layer| layer).await;
    let items = json!([
        item("GET", "/users/1"),
        item("GET", "/held/1"),
        item("GET", "/users/2"),
        item("GET", "/nowhere"),
        item("POST", "/orders/1"),
        item("POST", "/orders/2"),
    ]);
    let request = preferring(batch(items), "respond-async, odata.continue-on-error=false");
    let reply = app.send(request).await;
    let monitor = reply.header("location").to_owned();
    app.until("held 1").await;
    app.gate.open(1);
    let first = app.result(&monitor).await;
    // An item that had started before the failure has run.
    let order = if app.ledger.count("order 1") == 1 {
        201
    } else {
        424
    };
    assert_eq!(first.statuses(), [200, 200, 200, 404, order, 424]);
    assert_eq!(app.ledger.count("order 2"), 0);
    for _ in 0..20 {
        assert_eq!(app.get(&monitor).await.body, first.body);
    }
}

#[tokio::test]
async fn cookies_of_items_are_not_stored() {
    let layer = batch_layer().set_cookie(tower_multistatus::SetCookie::keep());
    let app = App::with(layer, |layer| layer).await;
    let monitor = app.submit(json!([item("GET", "/cookie")])).await;
    let result = app.result(&monitor).await;
    assert_eq!(result.statuses(), [200]);
    assert!(!String::from_utf8_lossy(&result.body).contains("secret"));
}

#[tokio::test]
async fn lines_are_a_batch_in_the_background_too() {
    let app = App::new().await;
    let lines = "{\"id\":\"a\",\"method\":\"GET\",\"url\":\"/users/1\"}\n{\"id\":\"b\",\"method\":\"POST\",\"url\":\"/orders/1\"}\n";
    let request = background(json!([])).map(|_| Body::from(lines));
    let request = with_header(request, "content-type", "application/x-ndjson");
    let reply = app
        .send(with_header(request, "accept", "application/x-ndjson"))
        .await;
    let result = app.result(reply.header("location")).await;
    let text = String::from_utf8(result.body.to_vec()).expect("a text");
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.ends_with("{\"summary\":{\"total\":2,\"succeeded\":2,\"failed\":0}}\n"));
}
