//! An application with a durable batch endpoint, and requests to it.

mod api;
mod store;

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tower::{Layer, ServiceExt};
use tower_multistatus::{BatchLayer, MultiStatus, Multipart};
use tower_multistatus_durable::DurableLayer;

pub(crate) use api::{Gate, Ledger, api};
pub(crate) use store::TestStore;

/// An application with a durable batch endpoint at `/batch`, and perhaps a worker.
pub(crate) struct App {
    pub(crate) store: TestStore,
    pub(crate) layer: DurableLayer,
    pub(crate) ledger: Ledger,
    pub(crate) gate: Gate,
    pub(crate) router: Router,
    workers: Vec<JoinHandle<()>>,
}

pub(crate) fn batch_layer() -> BatchLayer {
    BatchLayer::new("/batch")
        .format(Multipart::new())
        .format(MultiStatus::new())
}

impl App {
    /// An application with a worker.
    pub(crate) async fn new() -> Self {
        Self::with(batch_layer(), |layer| layer).await
    }

    pub(crate) async fn with(
        batch: BatchLayer,
        set: impl FnOnce(DurableLayer) -> DurableLayer,
    ) -> Self {
        let mut app = Self::without_worker(batch, set).await;
        app.start_worker();
        app
    }

    pub(crate) async fn without_worker(
        batch: BatchLayer,
        set: impl FnOnce(DurableLayer) -> DurableLayer,
    ) -> Self {
        let store = TestStore::new().await;
        let layer = DurableLayer::new(batch, store.store.clone());
        let layer = set(layer.poll(Duration::from_millis(20)));
        let (ledger, gate) = (Ledger::default(), Gate::new());
        let api = api(&ledger, &gate);
        let router = Router::new().fallback_service(layer.layer(api));
        Self {
            store,
            layer,
            ledger,
            gate,
            router,
            workers: Vec::new(),
        }
    }

    pub(crate) fn start_worker(&mut self) {
        let worker = self.layer.worker(api(&self.ledger, &self.gate));
        self.workers.push(tokio::spawn(worker));
    }

    /// Ends the workers in the middle of what they do.
    pub(crate) async fn stop_workers(&mut self) {
        for worker in self.workers.drain(..) {
            worker.abort();
            assert!(worker.await.expect_err("an end").is_cancelled());
        }
    }

    pub(crate) async fn send(&self, request: Request) -> Reply {
        send(&self.router, request).await
    }

    /// Sends a batch in the background, and returns the URL of its monitor.
    pub(crate) async fn submit(&self, items: Value) -> String {
        let reply = self.send(background(items)).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{:?}", reply.body);
        reply.header("location").to_owned()
    }

    pub(crate) async fn get(&self, monitor: &str) -> Reply {
        self.send(
            Request::get(monitor)
                .body(Body::empty())
                .expect("a request"),
        )
        .await
    }

    /// Gets the monitor with this `Accept`.
    pub(crate) async fn get_as(&self, monitor: &str, accept: &str) -> Reply {
        let request = Request::get(monitor).header(header::ACCEPT, accept);
        self.send(request.body(Body::empty()).expect("a request"))
            .await
    }

    pub(crate) async fn delete(&self, monitor: &str) -> Reply {
        self.send(
            Request::delete(monitor)
                .body(Body::empty())
                .expect("a request"),
        )
        .await
    }

    /// Waits for the result of a batch.
    pub(crate) async fn result(&self, monitor: &str) -> Reply {
        let begin = Instant::now();
        loop {
            let reply = self.get(monitor).await;
            if reply.status != StatusCode::ACCEPTED {
                return reply;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "{:?}",
                reply.body
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a handler has written this line.
    pub(crate) async fn until(&self, line: &str) {
        let begin = Instant::now();
        while self.ledger.count(line) == 0 {
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "no line {line:?}"
            );
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.workers.iter().for_each(JoinHandle::abort);
    }
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().expect("a text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().expect("a code").to_owned()
    }

    /// The statuses of the items of a JSON envelope.
    pub(crate) fn statuses(&self) -> Vec<u64> {
        let envelope = self.json();
        let items = envelope["responses"]
            .as_array()
            .unwrap_or_else(|| panic!("{envelope}"));
        items
            .iter()
            .map(|item| item["status"].as_u64().expect("a status"))
            .collect()
    }

    /// The code of an item of a JSON envelope.
    pub(crate) fn code_of(&self, item: usize) -> String {
        let code = &self.json()["responses"][item]["body"]["code"];
        code.as_str().expect("a code").to_owned()
    }
}

pub(crate) async fn send(router: &Router, request: Request) -> Reply {
    let Ok(response) = router.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Reply {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

/// A batch of these items.
pub(crate) fn batch(items: Value) -> Request {
    let request = Request::post("/batch").header(header::CONTENT_TYPE, "application/json");
    let body = json!({ "requests": items }).to_string();
    request.body(Body::from(body)).expect("a request")
}

/// A batch that prefers to run in the background.
pub(crate) fn background(items: Value) -> Request {
    preferring(batch(items), "respond-async")
}

pub(crate) fn preferring(mut request: Request, prefer: &'static str) -> Request {
    let value = header::HeaderValue::from_static(prefer);
    request.headers_mut().insert("prefer", value);
    request
}

pub(crate) fn with_header(mut request: Request, name: &'static str, value: &str) -> Request {
    let value = header::HeaderValue::from_str(value).expect("a value");
    request.headers_mut().insert(name, value);
    request
}

/// An item with its method and URL, whose id is the URL.
pub(crate) fn item(method: &str, url: &str) -> Value {
    json!({ "id": url, "method": method, "url": url })
}

pub(crate) fn keyed(method: &str, url: &str) -> Value {
    json!({ "id": url, "method": method, "url": url, "headers": { "Idempotency-Key": url } })
}
