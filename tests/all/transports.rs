//! The layer in routers, functions and servers.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_multistatus::{Batch, BatchLayer, EnvelopeStatus, RequestBody, check_service};

use crate::support::{Reply, api, gets, read, requests, send};

#[tokio::test]
async fn a_router_can_mount_the_layer_as_fallback_and_as_route() {
    let around = || BatchLayer::new("/batch").layer(api());
    let apps = [
        Router::new().fallback_service(around()),
        Router::new().route_service("/batch", around()).merge(api()),
    ];
    for app in apps {
        let reply = send(app.clone(), requests(gets(&["/users/1", "/x"]))).await;
        assert_eq!(reply.statuses(), [200, 404]);
        assert_eq!(reply.item("0")["body"], json!({ "id": 1 }));
        let plain = Request::get("/users/2")
            .body(Body::empty())
            .expect("a request");
        assert_eq!(send(app, plain).await.json(), json!({ "id": 2 }));
    }
}

#[tokio::test]
async fn two_layers_have_their_own_paths_and_settings() {
    let small = BatchLayer::new("/small")
        .max_items(1)
        .status(EnvelopeStatus::ok());
    let large = BatchLayer::new("/large").max_items(3);
    let around = small.clone().layer(large.clone().layer(api()));
    let apart = Router::new()
        .route_service("/small", small.layer(api()))
        .route_service("/large", large.layer(api()));
    for app in [Router::new().fallback_service(around), apart] {
        for (path, items, expected) in [
            ("/small", 1, 200),
            ("/small", 2, 413),
            ("/large", 3, 207),
            ("/large", 4, 413),
        ] {
            let mut request = requests(gets(&vec!["/users/1"; items]));
            *request.uri_mut() = path.parse().expect("a URI");
            assert_eq!(
                send(app.clone(), request).await.status,
                expected,
                "{path} {items}"
            );
        }
    }
}

#[tokio::test]
async fn a_batch_path_cannot_be_an_item_of_another_batch_path() {
    let inner = BatchLayer::new("/inner").layer(api());
    let service = BatchLayer::new("/outer").layer(inner);
    let nested = json!({ "requests": gets(&["/users/1"]) });
    let items = json!([
        { "id": "a", "method": "POST", "url": "/inner", "body": nested },
        { "id": "b", "method": "POST", "url": "/outer", "body": nested },
        { "id": "c", "method": "GET", "url": "/users/1" },
    ]);
    let mut request = requests(items);
    *request.uri_mut() = "/outer".parse().expect("a URI");
    assert_eq!(send(service, request).await.statuses(), [508, 508, 200]);
}

#[tokio::test]
async fn under_a_prefix_items_have_the_urls_that_clients_use() {
    let batch = BatchLayer::new("/batch").mounted_at("/v1").layer(api());
    let app: Router = Router::new().nest_service("/v1", batch);
    let urls = [
        "/v1/users/1",
        "users/2",
        "http://api.example/v1/users/3",
        "/users/4",
        "/v12/users/5",
    ];
    let mut request = requests(gets(&urls));
    *request.uri_mut() = "/v1/batch".parse().expect("a URI");
    let reply = send(app, request).await;
    assert_eq!(reply.statuses(), [200, 200, 200, 404, 404]);
    assert_eq!(reply.item("2")["body"], json!({ "id": 3 }));
    assert_eq!(reply.item("3")["body"]["code"], "outside-mount");
    assert_eq!(reply.item("4")["body"]["code"], "outside-mount");
}

/// An error type of an inner service.
#[derive(Debug, PartialEq)]
struct OutOfTea(u32);

impl fmt::Display for OutOfTea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

impl std::error::Error for OutOfTea {}

/// Compiles only if the service has this error type.
fn with_error<E, S: Service<Request<Body>, Error = E>>(service: S) -> S {
    service
}

#[tokio::test]
async fn the_error_type_of_the_inner_service_is_unchanged() {
    let inner =
        service_fn(
            async |request: Request<RequestBody<Body>>| match request.uri().path() {
                "/tea" => Err(OutOfTea(7)),
                _ => Ok(Response::new(Full::<Bytes>::from("water"))),
            },
        );
    let service = check_service::<Body, Batch<_>>(BatchLayer::new("/batch").layer(inner));
    let service = with_error::<OutOfTea, _>(service);
    let request = Request::get("/tea").body(Body::empty()).expect("a request");
    let error = service
        .clone()
        .oneshot(request)
        .await
        .expect_err("it fails");
    assert_eq!(error, OutOfTea(7));
    // In a batch the error fails its item, and its text is not sent.
    let reply = send(service, requests(gets(&["/tea", "/water"]))).await;
    assert_eq!(reply.statuses(), [500, 200]);
    assert!(!String::from_utf8_lossy(&reply.body).contains("secret"));
    let refusal = with_error::<Infallible, _>(BatchLayer::new("/batch").layer(api()));
    let refused = Request::post("/batch")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(
        send(refusal, refused).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
}

/// Responds with the head and the body of the request.
async fn mirror(
    request: Request<RequestBody<Incoming>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let host = parts
        .headers
        .get("host")
        .map(|host| host.to_str().expect("text"));
    let reported = json!({
        "method": parts.method.as_str(), "uri": parts.uri.to_string(), "host": host,
        "version": format!("{:?}", parts.version), "body": String::from_utf8_lossy(&body),
    });
    let response = Response::builder().header("content-type", "application/json");
    Ok(response
        .body(Full::from(reported.to_string()))
        .expect("a response"))
}

/// Serves [`mirror`] behind a batch endpoint, with hyper alone.
async fn serve() -> SocketAddr {
    let service = BatchLayer::new("/batch").layer(service_fn(mirror));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

async fn over_the_wire(is_http2: bool) {
    let address = serve().await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(is_http2)
        .build_http::<Full<Bytes>>();
    let post = async |path: &str, headers: &[(&'static str, &str)], body: String| -> Reply {
        let mut request = Request::post(format!("http://{address}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).expect("a request");
        read(client.request(request).await.expect("a response")).await
    };

    let own = format!("http://{address}/c?x=%20");
    let mut items = gets(&["/a", "b", &own, "http://other.example/d"]);
    items[1] = json!({ "id": "1", "method": "put", "url": "b", "body": "text",
                       "headers": { "Content-Type": "text/plain" } });
    let envelope = json!({ "requests": items }).to_string();
    let json = ("content-type", "application/json");
    let reply = post("/batch", &[json], envelope.clone()).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    let length = reply.header("content-length").map(str::to_owned);
    assert_eq!(length, Some(reply.body.len().to_string()));
    assert_eq!(reply.statuses(), [200, 200, 200, 400]);
    let host = address.to_string();
    let reported = |id: &str| {
        let body = reply.item(id)["body"].clone();
        assert_eq!(body["host"], host, "an item has the outer request's host");
        [&body["method"], &body["uri"], &body["body"]]
            .map(|value| value.as_str().map(str::to_owned))
    };
    let expected = |reported: [&str; 3]| reported.map(|text| Some(text.to_owned()));
    assert_eq!(reported("0"), expected(["GET", "/a", ""]));
    assert_eq!(reported("1"), expected(["PUT", "/b", "text"]));
    assert_eq!(reported("2"), expected(["GET", "/c?x=%20", ""]));

    let lines = post(
        "/batch",
        &[json, ("accept", "application/x-ndjson")],
        envelope,
    )
    .await;
    let last = lines
        .body
        .trim_ascii_end()
        .rsplit(|byte| *byte == b'\n')
        .next();
    let last: Value = serde_json::from_slice(last.expect("a line")).expect("JSON");
    assert_eq!(
        last,
        json!({ "summary": { "total": 4, "succeeded": 3, "failed": 1 } })
    );
    assert_eq!(lines.header("content-length"), None);

    let other = post("/other", &[], "as it is".to_owned()).await.json();
    let version = if is_http2 { "HTTP/2.0" } else { "HTTP/1.1" };
    assert_eq!(
        (&other["body"], &other["version"]),
        (&json!("as it is"), &json!(version))
    );
    assert_eq!(
        post("/batch", &[json], "{".to_owned()).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_hyper_server_can_mount_the_layer_over_http_1() {
    let bound = Duration::from_secs(20);
    tokio::time::timeout(bound, over_the_wire(false))
        .await
        .expect("in time");
}

#[tokio::test]
async fn a_hyper_server_can_mount_the_layer_over_http_2() {
    let bound = Duration::from_secs(20);
    tokio::time::timeout(bound, over_the_wire(true))
        .await
        .expect("in time");
}

#[tokio::test]
async fn a_plain_function_can_be_the_inner_service() {
    async fn hello(
        request: Request<RequestBody<Full<Bytes>>>,
    ) -> Result<Response<String>, Infallible> {
        let agent = request.headers().get("user-agent").cloned();
        let mut response = Response::new(request.uri().path().to_owned());
        *response.headers_mut() =
            HeaderMap::from_iter(agent.map(|agent| (http::header::SERVER, agent)));
        Ok(response)
    }
    let service = BatchLayer::new("/batch").layer(service_fn(hello));
    let body = json!({ "requests": gets(&["/a", "/b"]) }).to_string();
    let request = Request::post("/batch").header("content-type", "application/json");
    let request = request.header("user-agent", "test").body(Full::from(body));
    let reply = read(
        service
            .oneshot(request.expect("a request"))
            .await
            .expect("a response"),
    )
    .await;
    // The response has no content type, but is UTF-8.
    let item = |id: &str, body: &str| {
        json!({ "id": id, "status": 200, "headers": { "Server": "test" },
                "body": body })
    };
    assert_eq!(reply.items(), [item("0", "/a"), item("1", "/b")]);
}
