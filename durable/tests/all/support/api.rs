//! The application, and a ledger of what its handlers have done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::json;

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
