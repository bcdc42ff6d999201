//! Time limits hold while a task never waits: its budget is spent, frames never end, or items keep
//! finishing.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::{consume_budget, coop};
use tokio::time::Instant;
use tower::{Layer, Service};
use tower_multistatus::{BatchLayer, Order, RequestBody};

use crate::support::{envelope, gets, requests, responding, send};

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Advances the paused clock within one poll, like a handler that blocks.
fn pass(duration: Duration) {
    let advance = pin!(tokio::time::advance(duration));
    let _ = advance.poll(&mut Context::from_waker(Waker::noop()));
}

/// Short enough that the runtime checks its timers often.
const STEP: Duration = Duration::from_micros(50);

/// Spends the budget of its task for a minute of the paused clock. A minute, so that a test of a
/// broken limit ends.
pub(crate) async fn spin() {
    let begun = Instant::now();
    while begun.elapsed() < seconds(60) {
        consume_budget().await;
        pass(STEP);
    }
}

/// A body of frames for a minute of the paused clock. Each frame is ready as long as there is
/// budget.
pub(crate) struct Endless {
    frame: Bytes,
    spends_budget: bool,
    begun: Instant,
}

impl Endless {
    pub(crate) fn new(frame: &'static str, spends_budget: bool) -> Self {
        Self {
            frame: Bytes::from(frame),
            spends_budget,
            begun: Instant::now(),
        }
    }
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.spends_budget {
            std::task::ready!(coop::poll_proceed(cx)).made_progress();
        }
        pass(STEP);
        let is_over = self.begun.elapsed() >= seconds(60);
        Poll::Ready((!is_over).then(|| Ok(Frame::data(self.frame.clone()))))
    }
}

/// `/spin` spends its budget, `/frames` sends frames without spending it, `/budget` sends frames
/// and spends it. Other paths respond at once.
pub(crate) fn busy() -> Router {
    let frames = |spends| async move || Body::new(Endless::new("", spends));
    Router::new()
        .route("/spin", get(spin))
        .route("/frames", get(frames(false)))
        .route("/budget", get(frames(true)))
        .fallback(async || "well")
}

/// A router whose clones spend the budget of their task while they become ready.
struct Unready {
    router: Router,
    getting_ready: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Clone for Unready {
    fn clone(&self) -> Self {
        Self {
            router: self.router.clone(),
            getting_ready: Some(Box::pin(spin())),
        }
    }
}

impl Service<Request<RequestBody<Body>>> for Unready {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <Router as Service<Request<RequestBody<Body>>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match &mut self.getting_ready {
            Some(spin) => spin.as_mut().poll(cx).map(Ok),
            None => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<RequestBody<Body>>) -> Self::Future {
        self.router.call(request)
    }
}

/// The layer buffered, streamed, streamed in request order, and with an executor.
fn ways(layer: &BatchLayer) -> [BatchLayer; 4] {
    let streamed = layer.clone().streamed(true);
    [
        layer.clone(),
        streamed.clone(),
        streamed.order(Order::Request),
        layer.clone().executor(|item| {
            tokio::spawn(item);
        }),
    ]
}

/// The status of each item by id, and the seconds that the batch took.
async fn timed<S, B>(service: S, items: Value) -> (Vec<u64>, u64)
where
    S: Service<Request<Body>, Response = Response<B>, Error: std::fmt::Debug>,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let begun = Instant::now();
    let reply = send(service, requests(items)).await;
    let took = begun.elapsed().as_secs();
    let mut items = reply.items();
    items.sort_by_key(|item| item["id"].as_str().map(str::to_owned));
    let statuses = items.iter().map(|item| item["status"].as_u64());
    (
        statuses.map(|status| status.expect("a status")).collect(),
        took,
    )
}

#[tokio::test(start_paused = true)]
async fn an_item_timeout_holds_if_the_budget_of_the_task_is_spent() {
    let layer = BatchLayer::new("/batch").batch_timeout(None);
    for layer in ways(&layer.item_timeout(seconds(5))) {
        for path in ["/spin", "/frames", "/budget"] {
            let items = gets(&["/", path, "/", path, "/"]);
            let ended = timed(layer.layer(busy()), items).await;
            assert_eq!(ended, (vec![200, 504, 200, 504, 200], 5), "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_if_the_budget_of_the_task_is_spent() {
    let layer = BatchLayer::new("/batch").item_timeout(None);
    for layer in ways(&layer.batch_timeout(seconds(5)).concurrency(2)) {
        for path in ["/spin", "/frames", "/budget"] {
            let items = gets(&["/", path, "/", path, "/"]);
            let ended = timed(layer.layer(busy()), items).await;
            assert_eq!(ended, (vec![200, 504, 200, 504, 504], 5), "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn limits_hold_if_readiness_spends_the_budget_of_the_task() {
    let layer = BatchLayer::new("/batch");
    let item = layer.clone().batch_timeout(None).item_timeout(seconds(5));
    let batch = layer.item_timeout(None).batch_timeout(seconds(5));
    for layer in ways(&item).into_iter().chain(ways(&batch)) {
        let service = Unready {
            router: busy(),
            getting_ready: None,
        };
        let ended = timed(layer.layer(service), gets(&["/", "/"])).await;
        assert_eq!(ended, (vec![504, 504], 5));
    }
}

/// A body of empty frames and a last one. Counts the frames that were taken.
fn counted_frames(empty: usize, last: Bytes, taken: &Arc<AtomicUsize>) -> Body {
    let taken = Arc::clone(taken);
    let frames = std::iter::repeat_n(Bytes::new(), empty).chain([last]);
    let frames = frames.inspect(move |_| {
        taken.fetch_add(1, Ordering::SeqCst);
    });
    Body::from_stream(stream::iter(frames.map(Ok::<_, Infallible>)))
}

/// Polls a batch until it is ready. Returns the maximum number of frames per poll, and the number
/// of all frames.
fn most_at_once(batch: impl Future<Output = Vec<u64>>, taken: &AtomicUsize) -> (usize, usize) {
    let (mut before, mut most) = (0, 0);
    let mut batch = pin!(batch);
    loop {
        let polled = batch.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let now = taken.load(Ordering::SeqCst);
        most = most.max(now - before);
        before = now;
        if let Poll::Ready(statuses) = polled {
            assert_eq!(statuses, [200]);
            return (most, now);
        }
    }
}

#[test]
fn a_body_that_is_always_ready_yields_to_other_tasks() {
    let layer = BatchLayer::new("/batch")
        .item_timeout(None)
        .batch_timeout(None);
    let taken = Arc::<AtomicUsize>::default();
    let router = {
        let taken = Arc::clone(&taken);
        let body = async move || counted_frames(1000, Bytes::from("well"), &taken);
        Router::new().fallback(body)
    };
    let batch = send(layer.layer(router), requests(gets(&["/"])));
    let batch = async { batch.await.statuses() };
    // 128 frames when it starts, and 128 more among the waiting items.
    assert_eq!(most_at_once(batch, &taken), (256, 1001));
}

#[test]
fn an_upload_that_is_always_ready_yields_to_other_tasks() {
    let layer = BatchLayer::new("/batch")
        .item_timeout(None)
        .batch_timeout(None);
    let taken = Arc::<AtomicUsize>::default();
    let text = Bytes::from(serde_json::json!({ "requests": gets(&["/"]) }).to_string());
    let upload = envelope(counted_frames(1000, text, &taken));
    let batch = send(layer.layer(responding(200, &[], "well")), upload);
    let batch = async { batch.await.statuses() };
    assert_eq!(most_at_once(batch, &taken), (128, 1001));
}

/// `/hang` never ends. Other paths block for a second; `/late` waits for one poll before.
fn blocking() -> Router {
    let late = async || {
        tokio::task::yield_now().await;
        pass(seconds(1));
    };
    Router::new()
        .route("/hang", get(std::future::pending::<()>))
        .route("/late", get(late))
        .fallback(async || pass(seconds(1)))
}

#[tokio::test(start_paused = true)]
async fn an_overdue_item_ends_while_others_keep_finishing() {
    for path in ["/", "/late"] {
        let layer = BatchLayer::new("/batch")
            .concurrency(2)
            .item_timeout(seconds(5))
            .batch_timeout(None)
            .order(Order::Completion);
        let mut paths = [path; 40];
        paths[0] = "/hang";
        let reply = send(layer.layer(blocking()), requests(gets(&paths))).await;
        let place = reply.items().iter().position(|item| item["id"] == "0");
        assert_eq!(place, Some(5), "{path}");
        assert_eq!(reply.item("0")["status"], 504);
    }
}

#[tokio::test(start_paused = true)]
async fn no_item_starts_after_the_deadline_even_if_none_waits() {
    for layer in [
        BatchLayer::new("/batch"),
        BatchLayer::new("/batch").concurrency(1),
    ] {
        let layer = layer.item_timeout(None).batch_timeout(seconds(5));
        let (statuses, took) = timed(layer.layer(blocking()), gets(&["/"; 9])).await;
        assert_eq!(statuses, [200, 200, 200, 200, 200, 504, 504, 504, 504]);
        assert_eq!(took, 5);
    }
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_an_item_starts_at_its_dispatch_and_not_at_its_first_wait() {
    let router = Router::new().fallback(async || {
        pass(seconds(4));
        tokio::time::sleep(seconds(3)).await;
    });
    let layer = BatchLayer::new("/batch").item_timeout(seconds(5));
    let ended = timed(layer.layer(router), gets(&["/"])).await;
    assert_eq!(ended, (vec![504], 5));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_done_when_its_time_is_checked_keeps_its_response() {
    let [layer, streamed, ordered, _] = ways(&BatchLayer::new("/batch").item_timeout(seconds(5)));
    for layer in [layer, streamed, ordered] {
        let done = Arc::<Notify>::default();
        let waits = Arc::clone(&done);
        let router = Router::new()
            .route("/waits", get(async move || waits.notified().await))
            .fallback(async move || {
                pass(seconds(9));
                done.notify_one();
            });
        let layer = layer.batch_timeout(seconds(6));
        let ended = timed(layer.layer(router), gets(&["/waits", "/", "/"])).await;
        assert_eq!(ended, (vec![200, 200, 504], 9));
    }
}
