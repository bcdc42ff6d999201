//! Requests that wait: for an upstream, or for its response.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::Request;
use axum::routing::get;
use gateway::upstream::Upstream;
use gateway::{Settings, batch};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{ANY_PORT, Fleet, Record, Server};

const QUICK: Settings = Settings {
    limit: 1,
    failures: 3,
    unsent: 3,
    broken: 2,
    wait: Duration::from_millis(200),
    respond: Duration::from_millis(800),
};

fn runs(record: &Record, key: &str) -> u32 {
    let ledger = record.ledger.lock().unwrap();
    ledger.get(key).copied().unwrap_or_default()
}

fn items(method: &'static str, paths: &[&str]) -> Vec<(&'static str, String)> {
    let items = paths.iter().map(|path| (method, (*path).to_owned()));
    items.collect()
}

#[tokio::test]
async fn a_response_in_time_is_504_and_no_free_upstream_503_without_a_run() {
    let fleet = Fleet::start(1);
    let server = fleet.gateway(QUICK);
    let started = Instant::now();
    let items = items("POST", &["/slow/a", "/quick/b", "/quick/c"]);
    assert_eq!(server.batch(&items).await, [504, 503, 503]);
    assert!(started.elapsed() < Duration::from_secs(3));
    let record = &fleet.records[0];
    assert_eq!(["a", "b", "c"].map(|key| runs(record, key)), [1, 0, 0]);
    // Neither keeps a place.
    assert_eq!(server.status("POST", "/quick/b").await, 200);
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_places_of_its_items() {
    let fleet = Fleet::start(1);
    let respond = Duration::from_secs(60);
    let server = fleet.gateway(Settings { respond, ..QUICK });
    let slow = items("POST", &["/slow/a", "/slow/b", "/slow/c"]);
    let left = timeout(Duration::from_millis(100), server.batch(&slow)).await;
    assert!(left.is_err());
    let record = &fleet.records[0];
    assert_eq!(server.status("POST", "/quick/d").await, 200);
    assert_eq!(["a", "b", "c"].map(|key| runs(record, key)), [1, 0, 0]);
}

#[tokio::test]
async fn without_any_upstream_items_are_502_or_503_before_their_time_limit() {
    let mut fleet = Fleet::start(3);
    let server = fleet.gateway(QUICK);
    fleet.upstreams.clear();
    let started = Instant::now();
    let paths = ["/quick/a", "/quick/b", "/quick/c", "/quick/d"];
    let statuses = server.batch(&items("POST", &paths)).await;
    let is_expected = |status: &u16| matches!(status, 502 | 503);
    assert!(statuses.iter().all(is_expected), "{statuses:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
    let status = server.status("GET", "/quick/a").await;
    assert!(is_expected(&status.as_u16()), "{status}");
}

#[tokio::test]
async fn uploads_that_clients_cut_off_do_not_open_the_breaker() {
    let fleet = Fleet::start(1);
    let server = fleet.gateway(QUICK);
    assert_eq!(server.status("GET", "/quick/a").await, 200);
    for _ in 0..5 {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        let head = b"POST /quick/a HTTP/1.1\r\nhost: a\r\ncontent-length: 9999999\r\n\r\nbegins";
        client.write_all(head).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        client.shutdown().await.unwrap();
        drop(client.read_to_end(&mut Vec::new()).await);
    }
    let started = Instant::now();
    assert_eq!(server.status("GET", "/quick/a").await, 200);
    assert!(started.elapsed() < QUICK.wait);
}

#[tokio::test]
async fn a_stream_that_nobody_reads_keeps_no_places() {
    let served = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&served);
    let large = async move || {
        counter.fetch_add(1, Ordering::SeqCst);
        "a".repeat(900 << 10)
    };
    let app = Router::new().route("/large", get(large));
    let upstream = Upstream::start(ANY_PORT, app).unwrap();
    let server = Server::of(&[upstream.authority()], batch("/batch"), QUICK);

    let item = |id: usize| json!({ "id": id.to_string(), "method": "GET", "url": "/large" });
    let items: Vec<_> = (0..100).map(item).collect();
    let request = Request::post("/batch")
        .header("content-type", "application/json")
        .header("accept", "application/x-ndjson");
    let envelope = json!({ "requests": items }).to_string();
    let stream = server.open(request.body(envelope.into()).unwrap()).await;
    let stalls = async {
        let mut before = 0;
        while before == 0 || served.load(Ordering::SeqCst) > before {
            before = served.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        before
    };
    let stalled_at = timeout(Duration::from_secs(10), stalls).await.unwrap();
    assert!(stalled_at < 100, "the sockets hold all responses");
    assert_eq!(server.status("GET", "/large").await, 200);
    drop(stream);
}
