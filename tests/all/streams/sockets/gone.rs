//! Clients that go while items run.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tower_multistatus::BatchLayer;

use super::super::get;
use super::{Http, Server, in_time, send, serve, until};

const TIMES: u64 = 60;

/// How a client goes.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It closes the connection.
    Close,
    /// It resets the stream.
    Reset,
}

impl Server {
    async fn is_idle(&self, what: &str) {
        let book = &self.book;
        until(what, || (book.in_flight(), book.reserved()) == (0, 0)).await;
    }
}

/// Sends up to this many items, reads for a moment, and goes.
async fn goes(
    http: Http,
    way: Way,
    max_items: u64,
    is_complete: bool,
    seed: u64,
    layer: BatchLayer,
) {
    let server = serve(layer).await;
    let mut sent = send(http, server.address).await;
    for id in 0..seed % (max_items + 1) {
        let url =
            ["/hang", "/ok", "/sleep/20000", "/hang-body", "/ok"][(id * 7 + seed) as usize % 5];
        sent.upload.send(get(id, url).into()).expect("it is read");
    }
    if is_complete {
        drop(sent.upload);
    } else if seed.is_multiple_of(3) {
        sent.upload.send("{\"id\":".into()).expect("it is read");
    }
    let moment = Duration::from_micros(seed * 977 % 4_000);
    let _ = tokio::time::timeout(moment, async {
        while sent.response.next().await.is_some() {}
    })
    .await;
    let what = format!("{http:?} {way:?} {seed}: items go on");
    if matches!(way, Way::Reset) {
        drop(sent.response);
        server.is_idle(&what).await;
    }
    sent.tasks.abort();
    until(&what, || server.connections.load(SeqCst) == 0).await;
    server.is_idle(&what).await;
}

fn without_timeouts() -> BatchLayer {
    BatchLayer::new("/batch")
        .item_timeout(None)
        .idle_timeout(None)
}

#[tokio::test]
async fn when_an_http_2_client_goes_all_items_in_flight_are_dropped() {
    for way in [Way::Close, Way::Reset] {
        for is_complete in [false, true] {
            for seed in 0..TIMES {
                in_time(goes(
                    Http::Two,
                    way,
                    22,
                    is_complete,
                    seed,
                    without_timeouts(),
                ))
                .await;
            }
        }
    }
}

#[tokio::test]
async fn when_an_http_1_client_goes_after_its_upload_all_items_in_flight_are_dropped() {
    for seed in 0..TIMES {
        in_time(goes(
            Http::One,
            Way::Close,
            7,
            true,
            seed,
            without_timeouts(),
        ))
        .await;
    }
}

/// hyper cannot tell a client that is gone from one that only stopped its upload, so that items
/// finish.
#[tokio::test]
async fn when_an_http_1_client_goes_in_its_upload_items_end_by_their_timeout() {
    for seed in 0..TIMES {
        let layer = without_timeouts().item_timeout(Duration::from_millis(20));
        in_time(goes(Http::One, Way::Close, 22, false, seed, layer)).await;
    }
}
