//! Callers that go away.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use tower::Layer;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_before_the_batch_leaves_is_not_in_it() {
    let wire = Wire::default();
    let connection = wire.to_server(BatchLayer::new("/batch"), echo());
    let client = layer().window(Duration::from_secs(1)).layer(connection);
    let leaves = timeout(Duration::from_millis(500), fetch(&client, get("/gone")));
    let stay = fetch_all(&client, [get("/a"), get("/b")]);
    let (gone, stay) = tokio::join!(leaves, stay);
    assert!(gone.is_err());
    assert_eq!(shown(&stay), ["200 /a", "200 /b"]);
    let urls: Vec<_> = wire
        .only()
        .items()
        .iter()
        .map(|item| item["url"].clone())
        .collect();
    assert_eq!(urls, ["/a", "/b"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_with_one_caller_left_is_a_plain_request_and_one_with_none_is_not_sent() {
    let wire = Wire::default();
    let connection = wire.to_server(BatchLayer::new("/batch"), echo());
    let client = layer().window(Duration::from_secs(1)).layer(connection);
    let leaves = || timeout(Duration::from_millis(500), fetch(&client, get("/gone")));
    let (gone, stays) = tokio::join!(leaves(), fetch(&client, get("/a")));
    assert!(gone.is_err());
    assert_eq!(shown(&[stays]), ["200 /a"]);
    let (one, other) = tokio::join!(leaves(), leaves());
    assert!(one.is_err() && other.is_err());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(wire.lines(), ["GET /a"]);
}

/// A connection whose server never responds to batches. The channel closes when the exchange is
/// dropped.
fn hanging(wire: &Wire) -> (Connection, watch::Receiver<()>) {
    let (alive, watched) = watch::channel(());
    let alive = Arc::new(Mutex::new(Some(alive)));
    let connection = wire.to(move |_| {
        let alive = alive.lock().expect("the exchange").take();
        async move {
            let _alive = alive;
            std::future::pending().await
        }
    });
    (connection, watched)
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_cancelled_when_all_its_callers_are_gone() {
    let wire = Wire::default();
    let (connection, mut exchange) = hanging(&wire);
    let client = layer().layer(connection);
    let first = timeout(Duration::from_secs(1), fetch(&client, get("/a")));
    let second = timeout(Duration::from_secs(2), fetch(&client, get("/b")));
    let watching = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        // One caller is still there.
        assert_eq!(exchange.has_changed().ok(), Some(false));
        exchange
            .changed()
            .await
            .expect_err("the exchange is dropped");
    };
    let (first, second, ()) = tokio::join!(first, second, watching);
    assert!(first.is_err() && second.is_err());
    assert_eq!(wire.lines(), ["POST /batch"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_batch_makes_room_for_the_next_one() {
    let wire = Wire::default();
    let connection = wire.to(async |sent: Sent| {
        if sent.items()[0]["url"] == "/hangs" {
            std::future::pending::<()>().await;
        }
        responses(&echoed(&sent))
    });
    let client = layer().max_in_flight(1).layer(connection);
    let hang = fetch_all(&client, [get("/hangs"), get("/hangs")]);
    assert!(timeout(Duration::from_secs(1), hang).await.is_err());
    let outcomes = fetch_all(&client, [get("/a"), get("/b")]).await;
    assert_eq!(shown(&outcomes), ["200 /a", "200 /b"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_disturb_the_others() {
    let wire = Wire::default();
    let connection = wire.to(async |sent: Sent| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        responses(&echoed(&sent))
    });
    let client = layer().layer(connection);
    for gone in 0..3 {
        let paths = ["/0", "/1", "/2"];
        let calls = paths.iter().enumerate().map(|(at, path)| {
            let patience = if at == gone { 1 } else { 5000 };
            timeout(Duration::from_millis(patience), fetch(&client, get(path)))
        });
        for (at, outcome) in join_all(calls).await.into_iter().enumerate() {
            match outcome {
                Ok(outcome) => assert_eq!(shown(&[outcome]), [format!("200 /{at}")]),
                Err(_) => assert_eq!(at, gone),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_dropped_leaves_its_requests_running() {
    let wire = Wire::default();
    let connection = wire.to(async |sent: Sent| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        responses(&echoed(&sent))
    });
    let client = layer().layer(connection);
    let calls = [get("/a"), get("/b")].map(|request| {
        let client = client.clone();
        tokio::spawn(async move { fetch(&client, request).await })
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(client);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status, 200);
    }
}
