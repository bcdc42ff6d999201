//! axum, hyper, AWS Lambda, warp, salvo and poem.

use lambda_http::IntoResponse;
use salvo::conn::tcp::TcpAcceptor;
use serde_json::{Value, json};
use tower::ServiceExt;
use warp::{Filter, Reply};

use crate::{api, assert_mounted, batch, gets, listener};

#[tokio::test]
async fn axum_serves_a_batch() {
    let (address, listener) = listener().await;
    let app = hosts::axum::mount(api());
    tokio::spawn(axum::serve(listener, app).into_future());
    assert_mounted(address).await;
}

#[tokio::test]
async fn hyper_serves_a_batch() {
    let (address, listener) = listener().await;
    tokio::spawn(hosts::hyper::serve(listener, hosts::hyper::mount()));
    assert_mounted(address).await;
}

#[tokio::test]
async fn a_lambda_function_serves_a_batch() {
    let event = |stage: &str, method: &str, path: &str, body: Value| {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
            "headers": { "content-type": "application/json", "host": "api.example" },
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "api.example", "domainPrefix": "api",
                "http": { "method": method, "path": path, "protocol": "HTTP/1.1",
                          "sourceIp": "192.0.2.1", "userAgent": "test" },
                "requestId": "r", "routeKey": "$default", "stage": stage,
                "time": "24/Nov/2026:00:00:00 +0000", "timeEpoch": 0
            },
            "body": body, "isBase64Encoded": false
        });
        lambda_http::request::from_str(&event.to_string()).expect("an event")
    };
    let function = hosts::lambda::function(api());
    let respond = async |request| {
        let Ok(response) = function.clone().oneshot(request).await;
        let response = response.into_response().await;
        (response.status().as_u16(), response.into_body())
    };

    let (status, body) = respond(event("$default", "GET", "/hello", Value::Null)).await;
    assert_eq!((status, &*body), (200, &b"hello from /hello"[..]));
    let envelope = json!({ "requests": gets(&["/hello"]) }).to_string();
    let (status, body) = respond(event("$default", "POST", "/batch", json!(envelope))).await;
    assert_eq!(status, 207);
    let envelope: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(envelope["responses"][0]["body"], "hello from /hello");
    // Any other stage is in the path.
    let staged = event("prod", "POST", "/batch", Value::Null);
    assert_eq!(staged.uri().path(), "/prod/batch");
    // The runtime accepts the function: this only has to compile.
    drop(hosts::lambda::run(api()));
}

#[tokio::test]
async fn warp_serves_a_batch() {
    let (address, listener) = listener().await;
    let hello = warp::path!("hello").map(|| Reply::into_response("hello from /hello"));
    let service = hosts::warp::mount(hello.boxed());
    tokio::spawn(hosts::hyper::serve(listener, service));
    assert_mounted(address).await;
}

#[tokio::test]
async fn salvo_serves_a_batch() {
    #[salvo::handler]
    async fn hello() -> &'static str {
        "hello from /hello"
    }
    #[salvo::handler]
    async fn double(request: &mut salvo::Request) -> String {
        request.payload().await.map_or(String::new(), |body| {
            String::from_utf8_lossy(body).repeat(2)
        })
    }
    let api = || {
        salvo::Router::new()
            .push(salvo::Router::with_path("hello").get(hello))
            .push(salvo::Router::with_path("double").post(double))
    };
    let (address, listener) = listener().await;
    let acceptor = TcpAcceptor::try_from(listener).expect("a listener");
    tokio::spawn(salvo::Server::new(acceptor).serve(hosts::salvo::mount(api)));
    assert_mounted(address).await;
    let not_found =
        "code: 404\n\nname: Not Found\n\nbrief: The requested resource could not be found.";
    assert_eq!(batch(address, posts()).await, doubled(not_found));
}

#[tokio::test]
async fn poem_serves_a_batch() {
    #[poem::handler]
    fn hello() -> &'static str {
        "hello from /hello"
    }
    #[poem::handler]
    fn double(body: String) -> String {
        body.repeat(2)
    }
    let (address, listener) = listener().await;
    let api = poem::Route::new()
        .at("/hello", poem::get(hello))
        .at("/double", poem::post(double));
    let acceptor = poem::listener::TcpAcceptor::from_tokio(listener).expect("a listener");
    let app = hosts::poem::mount(api);
    tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(app));
    assert_mounted(address).await;
    assert_eq!(batch(address, posts()).await, doubled("not found"));
}

/// An item with a body, and one that no route matches.
fn posts() -> Value {
    json!([
        { "id": "a", "method": "POST", "url": "/double",
          "headers": { "content-type": "text/plain" }, "body": "tea" },
        { "id": "b", "method": "GET", "url": "/nowhere", "headers": { "accept": "text/plain" } },
    ])
}

fn doubled(not_found: &str) -> Vec<(u64, Value)> {
    vec![(200, json!("teatea")), (404, json!(not_found))]
}
