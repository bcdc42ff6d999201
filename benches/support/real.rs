//! A realistic application: JSON in and out by axum's extractors.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::inner::Payload;

/// The JSON of [`json_of`](super::json_of) as a type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    name: String,
    ok: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Record>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    id: u32,
    name: String,
    price: f64,
    new: bool,
    tags: Vec<String>,
}

/// The state of the handlers.
#[derive(Debug)]
struct Store {
    small: Page,
    medium: Page,
    large: Page,
}

impl Store {
    fn new() -> Self {
        Self {
            small: Page::of(Payload::Small),
            medium: Page::of(Payload::Medium),
            large: Page::of(Payload::Large),
        }
    }
}

impl Page {
    pub(crate) fn of(payload: Payload) -> Self {
        serde_json::from_slice(&payload.body()).expect("a page")
    }
}

type Shown = ([(HeaderName, &'static str); 1], Json<Page>);

const ETAG: HeaderName = http::header::ETAG;

/// An axum application of 20 routes: `Path`, `State` and `Json` in, `Json` and one header out.
pub(crate) fn router() -> Router {
    let mut router = Router::new()
        .route("/small/{id}", route(|store| &store.small))
        .route("/medium/{id}", route(|store| &store.medium))
        .route("/large/{id}", route(|store| &store.large));
    for other in 0..17 {
        let path = format!("/other{other}/{{id}}/part");
        router = router.route(&path, post(async || "never"));
    }
    router.with_state(Arc::new(Store::new()))
}

fn route(page: fn(&Store) -> &Page) -> MethodRouter<Arc<Store>> {
    let show = async move |State(store): State<Arc<Store>>, Path(id): Path<u32>| -> Shown {
        std::hint::black_box(id);
        ([(ETAG, "\"7\"")], Json(page(&store).clone()))
    };
    let replace = async move |State(store): State<Arc<Store>>,
                              Path(id): Path<u32>,
                              Json(new): Json<Page>|
                -> Shown {
        std::hint::black_box((id, new));
        ([(ETAG, "\"8\"")], Json(page(&store).clone()))
    };
    get(show).post(replace)
}
