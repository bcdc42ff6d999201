//! What `on_response` and `on_batch` are told, and `Server-Timing`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use tower_multistatus::{BatchLayer, Completed, CompletedBatch};

mod batches;
mod groups;
mod items;
mod random;
mod routes;
mod timing;

/// What the callbacks were told, a line per call.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    /// Adds callbacks that record what they get.
    fn observe(&self, layer: BatchLayer) -> BatchLayer {
        let (items, batches) = (self.clone(), self.clone());
        layer
            .on_response(move |item| items.push(item_line(item)))
            .on_batch(move |batch| batches.push(batch_line(batch)))
    }

    fn push(&self, line: String) {
        self.0.lock().expect("the lines").push(line);
    }

    /// Takes all lines. The calls for items come before that for their batch.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("the lines"))
    }
}

/// `id status code`, whether the item was dispatched, and its three times in milliseconds.
fn item_line(item: &Completed<'_>) -> String {
    let code = item.error_code().unwrap_or("-");
    let sent = if item.is_dispatched() {
        "sent"
    } else {
        "not sent"
    };
    let times = [item.dependencies(), item.queued(), item.run()].map(|time| time.as_millis());
    let (id, status) = (item.id(), item.status().as_u16());
    format!("{id} {status} {code} {sent} {times:?}")
}

fn batch_line(batch: &CompletedBatch) -> String {
    let end = match (batch.is_refused(), batch.is_dropped()) {
        (false, false) => "ended",
        (true, false) => "refused",
        (false, true) => "dropped",
        (true, true) => unreachable!("a batch ends once"),
    };
    let status = batch.status().map_or(0, |status| status.as_u16());
    let code = batch.error().map_or("-", |error| error.code());
    let (items, failed) = (batch.items(), batch.failed());
    let millis = batch.duration().as_millis();
    format!("{end} {status} {code} {items} items, {failed} failed, {millis} ms")
}

/// Paths that take 10 ms, fail, hang or panic. Everything else succeeds at once.
fn api() -> Router {
    let sleep = async || tokio::time::sleep(Duration::from_millis(10)).await;
    Router::new()
        .route("/sleep", get(sleep))
        .route("/fail", get(async || StatusCode::CONFLICT))
        .route("/hang", get(std::future::pending::<()>))
        .route("/panic", get(async || -> () { panic!("on purpose") }))
        .fallback(async || "well")
}
