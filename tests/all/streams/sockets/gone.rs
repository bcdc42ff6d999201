//! Clients that go while items run.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tower_multistatus::BatchLayer;

use super::super::get;
use super::{Http, RESET, Server, in_time, send, serve, until};

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

/// A client that goes.
#[derive(Clone, Copy)]
struct Client {
    http: Http,
    way: Way,
    max_items: u64,
    /// Whether it goes after its upload, or in it.
    is_complete: bool,
}

impl Client {
    /// Goes many times, and each time at another moment.
    async fn goes_often(self, layer: BatchLayer) {
        let mut times_in_flight = 0;
        for seed in 0..TIMES {
            let layer = layer.clone();
            times_in_flight += u64::from(in_time(self.goes(seed, layer)).await);
        }
        assert!(times_in_flight > TIMES / 3, "{times_in_flight} times");
    }

    /// Sends some items, reads for a moment, and goes. All of these depend on the seed. Returns
    /// whether items were in flight.
    async fn goes(self, seed: u64, layer: BatchLayer) -> bool {
        let server = serve(layer).await;
        let mut sent = send(self.http, server.address).await;
        let urls = ["/hang", "/ok", "/sleep/20000", "/hang-body", "/ok"];
        let mut text: String = (0..seed % (self.max_items + 1))
            .map(|id| get(id, urls[(id * 7 + seed) as usize % urls.len()]))
            .collect();
        if !self.is_complete && seed.is_multiple_of(3) {
            text.push_str("{\"id\":");
        }
        sent.upload.send(text.into()).expect("it is read");
        let upload = (!self.is_complete).then_some(sent.upload);

        let moment = Duration::from_micros(seed * 977 % 4_000);
        let reading = async { while sent.response.next().await.is_some() {} };
        let _ = tokio::time::timeout(moment, reading).await;

        let is_in_flight = server.book.in_flight() > 0;
        let what = format!("{:?} {:?} {seed}: items go on", self.http, self.way);
        if matches!(self.way, Way::Reset) {
            drop(sent.response);
            drop(upload.map(|upload| upload.send(RESET.into())));
            server.is_idle(&what).await;
        }
        sent.tasks.abort();
        until(&what, || server.connections.load(SeqCst) == 0).await;
        server.is_idle(&what).await;
        is_in_flight
    }
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
            let client = Client {
                http: Http::Two,
                way,
                max_items: 22,
                is_complete,
            };
            client.goes_often(without_timeouts()).await;
        }
    }
}

#[tokio::test]
async fn when_an_http_1_client_goes_after_its_upload_all_items_in_flight_are_dropped() {
    let client = Client {
        http: Http::One,
        way: Way::Close,
        // All are in flight at once. Otherwise the end of the upload would not be read.
        max_items: 7,
        is_complete: true,
    };
    client.goes_often(without_timeouts()).await;
}

/// To hyper, an HTTP/1 client that is gone looks like one that has only cut its upload, so the
/// items go on.
#[tokio::test]
async fn when_an_http_1_client_goes_in_its_upload_items_end_by_their_timeout() {
    let client = Client {
        http: Http::One,
        way: Way::Close,
        max_items: 22,
        is_complete: false,
    };
    let layer = without_timeouts().item_timeout(Duration::from_millis(20));
    client.goes_often(layer).await;
}
