//! Time limits hold although something always has work: a spent budget, endless frames, items that
//! keep finishing.

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

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Moves the paused clock on within one poll, as a handler that blocks does.
fn pass(duration: Duration) {
    let advance = pin!(tokio::time::advance(duration));
    let _ = advance.poll(&mut Context::from_waker(Waker::noop()));
}

/// Short enough that the runtime looks at its timers often.
const STEP: Duration = Duration::from_micros(50);

/// Spends the budget of its task for a minute of the paused clock: a test of a limit that does not
/// hold fails, and ends.
async fn spin() {
    let begun = Instant::now();
    while begun.elapsed() < seconds(60) {
        consume_budget().await;
        pass(STEP);
    }
}

/// Frames for a minute of the paused clock, each ready when it is asked for as long as there is
/// budget.
struct Endless {
    frame: Bytes,
    spends_budget: bool,
    begun: Instant,
}

impl Endless {
    fn new(frame: &'static str, spends_budget: bool) -> Self {
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

/// `/spin`, `/frames` (without the budget), `/budget` (frames, with it); everything else is well.
fn busy() -> Router {
    let frames = |spends| async move || Body::new(Endless::new("", spends));
    Router::new()
        .route("/spin", get(spin))
        .route("/frames", get(frames(false)))
        .route("/budget", get(frames(true)))
        .fallback(async || "well")
}

/// A router whose clones spend their task's budget while they get ready.
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

/// A layer as it is, streamed, streamed in order, and with an executor.
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

/// The status of each item, whatever their order, and the seconds that the batch took.
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
async fn an_item_timeout_holds_although_the_budget_of_the_task_is_spent() {
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
async fn a_deadline_holds_although_the_budget_of_the_task_is_spent() {
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
async fn limits_hold_although_readiness_spends_the_budget_of_the_task() {
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

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_always_ready_ends_by_the_deadline() {
    for spends_budget in [false, true] {
        for frame in ["", " "] {
            let layer = BatchLayer::new("/batch").batch_timeout(seconds(5));
            let upload = Body::new(Endless::new(frame, spends_budget));
            let begun = Instant::now();
            let reply = send(layer.layer(busy()), envelope(upload)).await;
            assert_eq!(begun.elapsed().as_secs(), 5);
            assert_eq!(reply.code(), "upload-timeout");
        }
    }
}

/// So many empty frames, then this one; counts those that were taken.
fn counted_frames(empty: usize, last: Bytes, taken: &Arc<AtomicUsize>) -> Body {
    let taken = Arc::clone(taken);
    let frames = std::iter::repeat_n(Bytes::new(), empty).chain([last]);
    let frames = frames.inspect(move |_| {
        taken.fetch_add(1, Ordering::SeqCst);
    });
    Body::from_stream(stream::iter(frames.map(Ok::<_, Infallible>)))
}

/// Polls to the end: the most frames that were taken in one poll, and all that were.
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
fn a_body_that_is_always_ready_lets_go_of_its_thread() {
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
    // Once where it begins, and once more among those that wait.
    assert_eq!(most_at_once(batch, &taken), (256, 1001));
}

#[test]
fn an_upload_that_is_always_ready_lets_go_of_its_thread() {
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

/// `/hang`; everything else blocks for a second, and pends first if it is `/late`.
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
async fn an_overdue_item_ends_although_others_keep_finishing() {
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
async fn no_item_begins_after_the_deadline_although_none_ever_waits() {
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
async fn the_time_of_an_item_counts_from_its_dispatch_and_not_from_its_first_wait() {
    let router = Router::new().fallback(async || {
        pass(seconds(4));
        tokio::time::sleep(seconds(3)).await;
    });
    let layer = BatchLayer::new("/batch").item_timeout(seconds(5));
    let ended = timed(layer.layer(router), gets(&["/"])).await;
    assert_eq!(ended, (vec![504], 5));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_done_when_its_time_is_looked_at_keeps_its_response() {
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
