//! Every batch ends by its deadline, whatever hangs.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::probe::{Clones, Failed, Probe};
use crate::support::{end, envelope, gets, requests, send};

fn five_seconds() -> BatchLayer {
    let layer = BatchLayer::new("/batch").item_timeout(None);
    layer.batch_timeout(Duration::from_secs(5))
}

async fn seconds(of: impl Future<Output = ()>) -> u64 {
    let begun = tokio::time::Instant::now();
    of.await;
    begun.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_batch_ends_by_its_deadline_whatever_hangs_in_an_item() {
    for (clones, path) in [
        (Clones::Hang, "/ok"),
        (Clones::Sound, "/hang"),
        (Clones::Sound, "/hang-body"),
    ] {
        for streamed in [false, true] {
            let layer = five_seconds().streamed(streamed);
            let batch = async {
                let probe = Probe::with_clones(clones).1;
                let reply = end(layer.layer(probe), gets(&[path; 20])).await;
                assert_eq!(reply.statuses(), [504; 20]);
            };
            assert_eq!(seconds(batch).await, 5, "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_stops_at_a_failure_ends_by_its_deadline_too() {
    for concurrency in [2, 8] {
        let layer = five_seconds()
            .continue_on_error(false)
            .concurrency(concurrency);
        let batch = async {
            let reply = end(
                layer.layer(Probe::new().1),
                gets(&["/hang", "/fail", "/ok"]),
            )
            .await;
            assert_eq!(reply.statuses(), [504, 500, 424]);
        };
        assert_eq!(seconds(batch).await, 5);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_hangs_ends_by_the_deadline() {
    let start = || stream::iter([Ok::<_, Failed>(Bytes::from_static(b"{\"requests\":["))]);
    let dribble = stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Some((Ok(Bytes::from_static(b" ")), ()))
    });
    let uploads = [
        Body::from_stream(stream::pending::<Result<Bytes, Failed>>()),
        Body::from_stream(start().chain(stream::pending())),
        Body::from_stream(start().chain(dribble)),
    ];
    for upload in uploads {
        let batch = async {
            let (book, probe) = Probe::new();
            let reply = send(five_seconds().layer(probe), envelope(upload)).await;
            assert_eq!((reply.status.as_u16(), book.events().len()), (408, 0));
            assert_eq!(reply.json()["code"], "upload-timeout");
        };
        assert_eq!(seconds(batch).await, 5);
    }
}

#[derive(Debug, Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs without a runtime, where tokio's timer would panic.
#[test]
fn an_upload_that_arrives_by_the_second_poll_needs_no_timer() {
    let text = json!({ "requests": gets(&["/ok"]) }).to_string();
    let mut chunks = vec![Bytes::from(text)];
    let mut has_waited = false;
    let upload = stream::poll_fn(move |_| {
        if std::mem::replace(&mut has_waited, true) {
            Poll::Ready(chunks.pop().map(Ok::<_, Failed>))
        } else {
            Poll::Pending
        }
    });
    let request = envelope(Body::from_stream(upload));
    let mut reply = pin!(send(five_seconds().layer(Probe::new().1), request));
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    assert!(reply.as_mut().poll(&mut cx).is_pending());
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    match reply.as_mut().poll(&mut cx) {
        Poll::Ready(reply) => assert_eq!(reply.statuses(), [200]),
        Poll::Pending => panic!("the upload was there"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_upload_counts_against_the_deadline() {
    let batch = async {
        let late = stream::once(async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let text = json!({ "requests": gets(&["/ok", "/sleep/1900", "/sleep/2100"]) });
            Ok::<_, Failed>(Bytes::from(text.to_string()))
        });
        let request = envelope(Body::from_stream(late));
        let reply = send(five_seconds().layer(Probe::new().1), request).await;
        assert_eq!(reply.statuses(), [200, 200, 504]);
    };
    assert_eq!(seconds(batch).await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_client_can_shorten_the_deadline_but_not_extend_it() {
    for (wait, expected) in [("wait=2", 2), ("wait=5", 5), ("wait=60", 5), ("wait=x", 5)] {
        let batch = async {
            let mut request = requests(gets(&["/hang"]));
            request
                .headers_mut()
                .insert("prefer", wait.parse().expect("a value"));
            let reply = send(five_seconds().layer(Probe::new().1), request).await;
            assert_eq!(reply.statuses(), [504]);
        };
        assert_eq!(seconds(batch).await, expected);
    }
}
