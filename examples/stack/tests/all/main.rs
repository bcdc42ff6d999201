//! Extractors and middleware in items, over a socket: a test for each row of the tables in
//! `guide::handlers`.

mod application;
mod extractors;
mod governor;
mod logs;
mod sessions;

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::Layer;
use tower_multistatus::BatchLayer;

/// The address of a running application.
struct Server(SocketAddr);

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Server {
    async fn of(app: Router) -> Self {
        logs::collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(stack::serve(listener, app));
        Self(address)
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let uri = format!("http://{}{path}", self.0);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("a request");
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (head, body) = client
            .request(request)
            .await
            .expect("a response")
            .into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await.expect("a body");
        Reply {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).expect("a text"),
        }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", path, headers, Body::empty()).await
    }

    async fn batch(&self, headers: &[(&str, &str)], items: Value) -> Reply {
        let headers = [&[("content-type", "application/json")], headers].concat();
        let envelope = json!({ "requests": items }).to_string();
        self.send("POST", "/batch", &headers, envelope).await
    }
}

impl Reply {
    /// The status and body of each item.
    fn items(&self) -> Vec<(u64, Value)> {
        let envelope: Value = serde_json::from_str(&self.body).expect("JSON");
        let item = |item: &Value| (item["status"].as_u64().expect("one"), item["body"].clone());
        let items = envelope["responses"].as_array().expect("items");
        items.iter().map(item).collect()
    }

    /// The names and values of the cookies that it sets.
    fn cookies(&self) -> Vec<&str> {
        let cookies = self.headers.get_all("set-cookie").iter();
        let cookies = cookies.map(|cookie| cookie.to_str().expect("a text"));
        cookies
            .filter_map(|cookie| cookie.split(';').next())
            .collect()
    }
}

/// A batch endpoint beside a router.
fn mount(batch: BatchLayer, api: Router) -> Router {
    api.clone().route_service("/batch", batch.layer(api))
}

fn layer() -> BatchLayer {
    // Items run one after the other, so that counts do not vary.
    BatchLayer::new("/batch").concurrency(1)
}

fn gets(paths: &[&str]) -> Value {
    let get =
        |(at, path): (usize, &&str)| json!({ "id": at.to_string(), "method": "GET", "url": path });
    paths.iter().enumerate().map(get).collect()
}

fn posts(paths: &[&str]) -> Value {
    let post =
        |(at, path): (usize, &&str)| json!({ "id": at.to_string(), "method": "POST", "url": path });
    paths.iter().enumerate().map(post).collect()
}
