//! Clients that go while items run.

use std::time::Duration;

use tower_multistatus::BatchLayer;

use super::super::get;
use super::{Http, in_time, send, serve, until};

const TIMES: usize = 60;

/// How a client goes.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It closes the connection.
    Close,
    /// It resets the stream, or closes the connection of HTTP/1.
    Reset,
}

/// Sends some items, reads some responses, and goes.
async fn goes(http: Http, way: Way, seed: usize) {
    let layer = BatchLayer::new("/batch").item_timeout(None).idle_timeout(None);
    let (book, address) = serve(layer).await;
    let mut sent = send(http, address).await;
    let items = seed % 23;
    let mut quick = 0;
    for id in 0..items {
        let url = match (id * 7 + seed) % 5 {
            0 | 1 => "/hang",
            2 => "/sleep/20000",
            3 => "/hang-body",
            _ => {
                quick += 1;
                "/ok"
            }
        };
        sent.upload.send(get(id, url).into()).expect("it is read");
    }
    if seed % 3 == 0 {
        sent.upload.send("{\"id\":".into()).expect("it is read");
    }
    let _ = quick;
    tokio::time::sleep(Duration::from_micros((seed as u64 * 977) % 4_000)).await;
    match way {
        Way::Close => sent.connection.abort(),
        Way::Reset => drop((sent.response, sent.upload)),
    }
    let what = format!("{http:?} {way:?} {seed}: items go on");
    until(&what, || (book.in_flight(), book.reserved()) == (0, 0)).await;
    // They did not only start later.
    tokio::time::sleep(Duration::from_millis(5)).await;
    until(&what, || (book.in_flight(), book.reserved()) == (0, 0)).await;
}

#[tokio::test]
async fn when_a_client_goes_all_items_in_flight_are_dropped() {
    for http in [Http::One, Http::Two] {
        for way in [Way::Close, Way::Reset] {
            for seed in 0..TIMES {
                in_time(goes(http, way, seed)).await;
            }
        }
    }
}
