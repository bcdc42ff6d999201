//! Upstreams that record what they get, and a gateway in front of them.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{Method, Request, Response, StatusCode};
use axum::routing::any;
use gateway::upstream::Upstream;
use gateway::{Settings, batch, gateway};
use http::uri::Authority;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower_multistatus::BatchLayer;

pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What an upstream has done. It survives a restart, as a database would.
#[derive(Debug)]
pub struct Record {
    /// How often each unsafe item has begun to run, by its key. All upstreams share it.
    pub ledger: Arc<Mutex<HashMap<String, u32>>>,
    pub served: AtomicUsize,
    in_flight: AtomicUsize,
    pub most_in_flight: AtomicUsize,
    /// Permits for handlers to respond to requests for `/slow/{key}`.
    pub slow: Semaphore,
}

impl Record {
    fn new(ledger: &Arc<Mutex<HashMap<String, u32>>>) -> Arc<Self> {
        Arc::new(Self {
            ledger: Arc::clone(ledger),
            served: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            slow: Semaphore::new(0),
        })
    }

    pub fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

/// Counts a request in flight, also if its handler is dropped.
struct InFlight<'a>(&'a Record);

impl<'a> InFlight<'a> {
    fn new(record: &'a Record) -> Self {
        let now = record.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        record.most_in_flight.fetch_max(now, Ordering::SeqCst);
        Self(record)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The application of an upstream: takes a millisecond, or waits for a permit.
pub fn app(record: &Arc<Record>) -> Router {
    Router::new()
        .route("/{speed}/{key}", any(item))
        .with_state(Arc::clone(record))
}

async fn item(
    State(record): State<Arc<Record>>,
    Path((speed, key)): Path<(String, String)>,
    method: Method,
    body: Bytes,
) -> Bytes {
    let _in_flight = InFlight::new(&record);
    if !method.is_safe() {
        *record.ledger.lock().unwrap().entry(key).or_default() += 1;
    }
    if speed == "slow" {
        record.slow.acquire().await.unwrap().forget();
    } else {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    record.served.fetch_add(1, Ordering::SeqCst);
    body
}

/// Several upstreams.
pub struct Fleet {
    pub records: Vec<Arc<Record>>,
    pub upstreams: Vec<Option<Upstream>>,
    pub ledger: Arc<Mutex<HashMap<String, u32>>>,
}

impl Fleet {
    pub fn start(size: usize) -> Self {
        let ledger = Arc::default();
        let records: Vec<_> = (0..size).map(|_| Record::new(&ledger)).collect();
        let start = |record| Some(Upstream::start(ANY_PORT, app(record)).unwrap());
        Self {
            upstreams: records.iter().map(start).collect(),
            records,
            ledger,
        }
    }

    pub fn authorities(&self) -> Vec<Authority> {
        let upstreams = self.upstreams.iter().flatten();
        upstreams.map(Upstream::authority).collect()
    }

    pub fn gateway(&self, settings: Settings) -> Server {
        Server::start(gateway(&self.authorities(), batch("/batch"), settings))
    }
}

/// A gateway that listens, and a client of it.
pub struct Server {
    pub address: SocketAddr,
    client: Client<HttpConnector, Body>,
}

impl Server {
    pub fn start(app: Router) -> Self {
        let listener = std::net::TcpListener::bind(ANY_PORT).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(axum::serve(listener, app).into_future());
        Self {
            address,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    pub fn of(upstreams: &[Authority], batch: BatchLayer, settings: Settings) -> Self {
        Self::start(gateway(upstreams, batch, settings))
    }

    /// Sends a request, and returns its response when there is a head.
    pub async fn open(&self, mut request: Request<Body>) -> Response<Incoming> {
        let uri = format!("http://{}{}", self.address, request.uri());
        *request.uri_mut() = uri.parse().unwrap();
        self.client.request(request).await.expect("a response")
    }

    pub async fn send(&self, request: Request<Body>) -> Response<Bytes> {
        let (head, body) = self.open(request).await.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Response::from_parts(head, body)
    }

    /// Sends an ordinary request, and returns its status.
    pub async fn status(&self, method: &str, path: &str) -> StatusCode {
        let request = Request::builder().method(method).uri(path);
        self.send(request.body(Body::empty()).unwrap())
            .await
            .status()
    }

    /// Sends a batch of these methods and paths, and returns the status of each item.
    pub async fn batch(&self, items: &[(&str, String)]) -> Vec<u16> {
        self.batch_with(&[], items_of(items)).await
    }

    pub async fn batch_with(&self, headers: &[(&str, &str)], items: Value) -> Vec<u16> {
        let mut request = Request::post("/batch").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let envelope = json!({ "requests": items }).to_string();
        let response = self.send(request.body(envelope.into()).unwrap()).await;
        assert_eq!(response.status(), 207);
        let envelope: Value = serde_json::from_slice(response.body()).expect("JSON");
        let responses = envelope["responses"].as_array().expect("items");
        let status = |item: &Value| item["status"].as_u64().and_then(|s| s.try_into().ok());
        responses.iter().filter_map(status).collect()
    }
}

fn items_of(items: &[(&str, String)]) -> Value {
    let item = |(at, (method, path)): (usize, &(&str, String))| json!({ "id": at.to_string(), "method": method, "url": path });
    items.iter().enumerate().map(item).collect()
}

/// As many items, each with a key of its own. Every second one is a POST, the others are GETs.
pub fn mixed(keys: std::ops::Range<usize>) -> Vec<(&'static str, String)> {
    keys.map(|key| {
        let method = if key % 2 == 0 { "POST" } else { "GET" };
        (method, format!("/quick/{key}"))
    })
    .collect()
}
