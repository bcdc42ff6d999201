//! The same requests to a server on a socket, with the layer and without it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::Request as Incoming;
use axum::routing::{self, any};
use http::HeaderValue;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::{Layer, Service};
use tower_multistatus::{NdJson, SetCookie};

use super::*;

type HttpClient = tower::util::BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

fn http_client<B>() -> Client<hyper_util::client::legacy::connect::HttpConnector, B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    Client::builder(TokioExecutor::new()).build_http()
}

fn boxed<S, B>(service: S) -> HttpClient
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
    S: Clone + Send + Sync + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let service = service.map_err(Into::into);
    HttpClient::new(service.map_response(|response| response.map(Body::new)))
}

/// The client without the layer, and with it in each format.
fn clients() -> Vec<(&'static str, HttpClient)> {
    let layered = |layer: BatchClientLayer| boxed(layer.layer(http_client()));
    vec![
        ("plain", boxed(http_client())),
        ("JSON", layered(layer())),
        ("NDJSON", layered(layer().format(NdJson::new()))),
        #[cfg(feature = "multipart")]
        (
            "multipart",
            layered(layer().format(tower_multistatus::Multipart::new())),
        ),
    ]
}

/// An application that knows nothing of batches.
fn api(cancelled: mpsc::UnboundedSender<String>) -> Router {
    let hangs = async move |request: Incoming| {
        let path = request.uri().path().to_owned();
        let _guard = Guard(path, cancelled);
        std::future::pending::<Infallible>().await;
    };
    Router::new()
        .route(
            "/json/{id}",
            routing::get(async |axum::extract::Path(id): axum::extract::Path<u32>| {
                Json(json!({ "id": id, "text": "é" }))
            }),
        )
        .route(
            "/binary",
            routing::get(async || (0..=255).collect::<Vec<u8>>()),
        )
        .route(
            "/latin1",
            routing::get(async || {
                (
                    [("content-type", "text/plain; charset=latin1")],
                    b"\xe9".to_vec(),
                )
            }),
        )
        .route("/empty", routing::get(async || ()))
        .route(
            "/status/{status}",
            any(
                async |axum::extract::Path(status): axum::extract::Path<u16>| {
                    StatusCode::from_u16(status).expect("a status")
                },
            ),
        )
        .route(
            "/headers",
            routing::get(async || {
                let mut headers = HeaderMap::new();
                for (name, value) in [
                    ("etag", "\"a\""),
                    ("set-cookie", "a=b"),
                    ("set-cookie", "c=d, e"),
                    ("location", "/x"),
                    ("x-quoted", "\"\\\t\""),
                    ("www-authenticate", "Basic realm=\"x\""),
                ] {
                    headers.append(name, HeaderValue::from_static(value));
                }
                headers.append(
                    "x-latin1",
                    HeaderValue::from_bytes(b"\xe9\xff").expect("a value"),
                );
                headers
            }),
        )
        .route(
            "/echo",
            any(async |request: Incoming| {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX)
                    .await
                    .expect("a body");
                let header = |name: &str| parts.headers.get(name).cloned();
                let seen = [
                    "accept",
                    "authorization",
                    "if-match",
                    "content-type",
                    "x-tenant",
                ]
                .map(header);
                let mut response = Response::new(Body::from(body));
                let seen = format!("{} {} {seen:?}", parts.method, parts.uri);
                response
                    .headers_mut()
                    .insert("x-seen", HeaderValue::try_from(seen).expect("a value"));
                response
            }),
        )
        .route("/hangs/{at}", routing::get(hangs))
}

/// Tells its path when it is dropped.
struct Guard(String, mpsc::UnboundedSender<String>);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.1.send(std::mem::take(&mut self.0)));
    }
}

/// Starts the server. Returns the handlers that are cancelled, too.
async fn server() -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let (cancelled, cancellations) = mpsc::unbounded_channel();
    let api = api(cancelled);
    let batch = BatchLayer::new("/batch")
        .set_cookie(SetCookie::keep())
        .format(MaybeMultipart::new());
    let app = api.clone().route_service("/batch", batch.layer(api));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(axum::serve(listener, app).into_future());
    (address, cancellations)
}

#[cfg(not(feature = "multipart"))]
use tower_multistatus::Json as MaybeMultipart;
#[cfg(feature = "multipart")]
use tower_multistatus::Multipart as MaybeMultipart;

fn requests() -> Vec<Request<Body>> {
    let mut echo = post("/echo?a=%20b", r#"{"a":1.50}"#);
    for (name, value) in [
        ("accept", "a/b"),
        ("authorization", "Bearer x"),
        ("if-match", "\"1\""),
        ("x-tenant", "t"),
    ] {
        echo.headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    let bytes: Vec<u8> = (0..=255).rev().collect();
    let mut upload = request(Method::PUT, "/echo").map(|_| Body::from(bytes));
    upload
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("image/png"));
    let mut all = vec![
        get("/json/1"),
        get("/json/2"),
        get("/json/x"),
        get("/binary"),
        get("/latin1"),
        get("/empty"),
        get("/headers"),
        get("/nowhere"),
        get("/echo"),
        request(Method::HEAD, "/status/200"),
        request(Method::HEAD, "/nowhere"),
        request(Method::DELETE, "/status/204"),
        echo,
        upload,
        request(Method::POST, "/binary"),
    ];
    for status in [
        201, 202, 204, 205, 302, 304, 400, 401, 403, 413, 415, 418, 429, 500, 501, 503,
    ] {
        all.push(request(Method::GET, format!("/status/{status}").leak()));
    }
    all
}

/// The request to the server at this address.
fn at(address: SocketAddr, mut request: Request<Body>) -> Request<Body> {
    let uri = format!("http://{address}{}", request.uri());
    *request.uri_mut() = uri.parse().expect("a URI");
    request
}

/// Status, headers and body, without what a server adds to each response on a connection.
async fn replies(
    client: &HttpClient,
    address: SocketAddr,
) -> Vec<(StatusCode, Vec<String>, Bytes)> {
    let replies = requests().into_iter().map(|request| async {
        let response = client
            .clone()
            .oneshot(at(address, request))
            .await
            .expect("a response");
        let reply = read(response).await;
        let headers = reply.headers.iter().filter(|(name, _)| *name != "date");
        let mut headers: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        (reply.status, headers, reply.body)
    });
    join_all(replies).await
}

#[tokio::test]
async fn each_response_is_the_same_with_the_layer() {
    let (address, _) = server().await;
    let mut plain = None;
    for (name, client) in clients() {
        let replies = replies(&client, address).await;
        let plain = plain.get_or_insert_with(|| replies.clone());
        assert_eq!(plain.len(), replies.len());
        for ((plain, reply), request) in plain.iter().zip(&replies).zip(requests()) {
            let shown = format!("{name}: {} {}", request.method(), request.uri());
            let (mut expected, mut headers) = (plain.1.clone(), reply.1.clone());
            if request.method() == Method::HEAD {
                // A part of multipart has the length of the body that it has.
                let is_length = |header: &String| header.starts_with("content-length");
                expected.retain(|header| !is_length(header));
                headers.retain(|header| !is_length(header));
            }
            assert_eq!(
                (reply.0, &headers, &reply.2),
                (plain.0, &expected, &plain.2),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_an_error_with_and_without_the_layer() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    for (name, client) in clients() {
        let calls = ["/a", "/b"].map(|path| {
            client
                .clone()
                .oneshot(at(address, request(Method::GET, path)))
        });
        for outcome in join_all(calls).await {
            assert!(outcome.is_err(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_handler_is_cancelled_when_its_callers_are_gone_with_and_without_the_layer() {
    let (address, mut cancellations) = server().await;
    for (name, client) in clients() {
        let calls = ["/hangs/0", "/hangs/1"].map(|path| {
            let call = client
                .clone()
                .oneshot(at(address, request(Method::GET, path)));
            tokio::time::timeout(Duration::from_millis(200), call)
        });
        let outcomes = join_all(calls).await;
        assert!(outcomes.iter().all(Result::is_err), "{name}");
        let mut cancelled = Vec::new();
        for _ in 0..2 {
            let next = tokio::time::timeout(Duration::from_secs(10), cancellations.recv()).await;
            cancelled.push(next.expect("in time").expect("a path"));
        }
        cancelled.sort();
        assert_eq!(cancelled, ["/hangs/0", "/hangs/1"], "{name}");
    }
}
