//! An application with a durable batch endpoint, and a store of its own for each test.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tower::{Layer, ServiceExt};
use tower_multistatus::{BatchLayer, MultiStatus, Multipart};
use tower_multistatus_durable::{DurableLayer, Store};

/// A store, and what has to live as long as it.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    /// The file of SQLite, or the URL of PostgreSQL.
    pub(crate) place: String,
    _folder: tempfile::TempDir,
}

impl TestStore {
    pub(crate) async fn new() -> Self {
        // A test that fails shows what the store has reported.
        let log =
            tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN);
        let _ = log.with_test_writer().try_init();
        let folder = tempfile::tempdir().expect("a folder");
        let place = match std::env::var("DATABASE_URL") {
            Ok(server) => new_database(&server).await,
            Err(_) => folder.path().join("batches.db").display().to_string(),
        };
        Self {
            store: open(&place).await,
            place,
            _folder: folder,
        }
    }

    /// Removes the workers from the tables of apalis.
    pub(crate) async fn forget_workers(&self) {
        let free = "SET status = 'Pending', lock_by = NULL";
        #[cfg(feature = "postgres")]
        if self.place.starts_with("postgres:") {
            let pool = sqlx::PgPool::connect(&self.place).await.expect("a server");
            let free = sqlx::AssertSqlSafe(format!("UPDATE apalis.jobs {free}"));
            sqlx::query(free).execute(&pool).await.expect("free jobs");
            let forget = sqlx::query("DELETE FROM apalis.workers").execute(&pool);
            forget.await.expect("no workers");
            return;
        }
        let pool = sqlx::SqlitePool::connect(&self.place)
            .await
            .expect("a file");
        let free = sqlx::AssertSqlSafe(format!("UPDATE Jobs {free}"));
        sqlx::query(free).execute(&pool).await.expect("free jobs");
        sqlx::query("DELETE FROM Workers")
            .execute(&pool)
            .await
            .expect("no workers");
    }

    /// Another handle of the same database, as another process would have it.
    pub(crate) async fn again(&self) -> Store {
        open(&self.place).await
    }
}

async fn open(place: &str) -> Store {
    #[cfg(feature = "postgres")]
    if place.starts_with("postgres:") {
        return Store::postgres(place).await.expect("a store");
    }
    Store::sqlite(place).await.expect("a store")
}

/// Creates a database with a random name on this server, and returns its URL.
#[cfg(feature = "postgres")]
async fn new_database(server: &str) -> String {
    use sqlx::Connection;

    let name = format!("test_{:016x}", fastrand::u64(..));
    let mut connection = sqlx::PgConnection::connect(server).await.expect("a server");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create)
        .execute(&mut connection)
        .await
        .expect("a database");
    let (server, _) = server.rsplit_once('/').expect("a database in the URL");
    format!("{server}/{name}")
}

#[cfg(not(feature = "postgres"))]
async fn new_database(_: &str) -> String {
    panic!("DATABASE_URL needs the feature `postgres`")
}

/// What the handlers have done: a line for each request that they got.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<String>>>);

impl Ledger {
    pub(crate) fn add(&self, line: String) {
        self.0.lock().expect("the ledger").push(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("the ledger").clone()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|one| *one == line).count()
    }
}

/// Handlers wait here until the test lets them go on.
#[derive(Clone)]
pub(crate) struct Gate(Arc<tokio::sync::Semaphore>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new(tokio::sync::Semaphore::new(0)))
    }

    /// Lets this many handlers go on.
    pub(crate) fn open(&self, handlers: usize) {
        self.0.add_permits(handlers);
    }
}

#[derive(Clone)]
struct Handlers {
    ledger: Ledger,
    gate: Gate,
}

/// The routes that items reach.
pub(crate) fn api(ledger: &Ledger, gate: &Gate) -> Router {
    let handlers = Handlers {
        ledger: ledger.clone(),
        gate: gate.clone(),
    };
    let order = async |State(handlers): State<Handlers>, Path(id): Path<String>, body: Bytes| {
        handlers.ledger.add(format!("order {id}"));
        let body = String::from_utf8_lossy(&body).into_owned();
        let location = [(header::LOCATION, format!("/orders/{id}"))];
        (
            StatusCode::CREATED,
            location,
            Json(json!({ "order": id, "got": body })),
        )
    };
    let held = async |State(handlers): State<Handlers>, Path(id): Path<String>| {
        handlers.ledger.add(format!("held {id}"));
        handlers.gate.0.acquire().await.expect("the gate").forget();
        handlers.ledger.add(format!("let go {id}"));
        Json(json!({ "held": id }))
    };
    let headers = async |headers: HeaderMap| {
        let text = |value: &header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let pairs = headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)));
        Json(pairs.collect::<HashMap<_, _>>())
    };
    Router::new()
        .route(
            "/users/{id}",
            get(async |Path(id): Path<u32>| Json(json!({ "id": id }))),
        )
        .route("/orders/{id}", post(order))
        .route("/held/{id}", any(held))
        .route("/headers", get(headers))
        .route(
            "/panic",
            post(async || -> StatusCode { panic!("as the test wants") }),
        )
        .route(
            "/cookie",
            get(async || ([(header::SET_COOKIE, "secret=1")], "cookie").into_response()),
        )
        .route("/nothing", any(async || StatusCode::NO_CONTENT))
        .route(
            "/bytes/{count}",
            get(async |Path(count): Path<usize>| vec![b'x'; count]),
        )
        .with_state(handlers)
}

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
