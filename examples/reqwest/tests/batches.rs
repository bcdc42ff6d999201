//! Requests over a socket.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};
use tower_multistatus::{
    BatchClient, BatchClientError, BatchClientErrorKind, BatchLayer, Batched, ResponseBody,
};

type Body = Full<axum::body::Bytes>;

async fn server() -> SocketAddr {
    let api = Router::new()
        .route(
            "/users/{id}",
            get(async |Path(id): Path<u32>| id.to_string()),
        )
        .route("/echo", post(async |body: String| body));
    let app = api
        .clone()
        .route_service("/batch", BatchLayer::new("/batch").layer(api));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

fn request(address: SocketAddr, path: &str) -> Request<Body> {
    let request = Request::get(format!("http://{address}{path}"));
    request.body(Body::default()).expect("a request")
}

/// The status and the text of a response, and the number of requests in its batch.
async fn read(
    response: Response<ResponseBody<reqwest::Body>>,
) -> (StatusCode, String, Option<usize>) {
    let size = response.extensions().get().map(Batched::size);
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body");
    (
        status,
        String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        size,
    )
}

async fn fetch_all(
    client: &BatchClient<reqwest::Body>,
    requests: impl IntoIterator<Item = Request<Body>>,
) -> Vec<Result<Response<ResponseBody<reqwest::Body>>, BatchClientError>> {
    let calls = requests
        .into_iter()
        .map(|request| client.clone().oneshot(request));
    join_all(calls).await
}

#[tokio::test]
async fn requests_at_the_same_time_are_one_batch() {
    let address = server().await;
    let client = batching_reqwest::batched(reqwest::Client::new());
    let mut echo = request(address, "/echo").map(|_| Body::from("é"));
    *echo.method_mut() = http::Method::POST;
    echo.headers_mut()
        .insert("content-type", http::HeaderValue::from_static("text/plain"));
    let requests = ["/users/1", "/users/2", "/nowhere"].map(|path| request(address, path));
    let mut all = Vec::new();
    for response in fetch_all(&client, requests.into_iter().chain([echo])).await {
        all.push(read(response.expect("a response")).await);
    }
    let expected = [(200, "1"), (200, "2"), (404, ""), (200, "é")];
    let expected = expected.map(|(status, text)| {
        (
            StatusCode::from_u16(status).expect("a status"),
            text.to_owned(),
            Some(4),
        )
    });
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_request_that_is_alone_is_sent_as_it_is() {
    let address = server().await;
    let client = batching_reqwest::batched(reqwest::Client::new());
    // A future with the client in it can be spawned.
    let alone = tokio::spawn(async move { client.oneshot(request(address, "/users/7")).await });
    let response = alone.await.expect("no panic").expect("a response");
    assert_eq!(read(response).await, (StatusCode::OK, "7".to_owned(), None));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_an_error() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    let client = batching_reqwest::batched(reqwest::Client::new());
    let outcomes = fetch_all(&client, ["/a", "/b"].map(|path| request(address, path))).await;
    for outcome in outcomes {
        let error = outcome.expect_err("nobody listens");
        assert_eq!(error.kind(), BatchClientErrorKind::Client);
    }
}
