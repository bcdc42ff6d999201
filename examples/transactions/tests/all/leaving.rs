//! Clients that leave in the middle of a group, over sockets.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::Request;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower_multistatus::Transactions;

use crate::database::Database;
use crate::envelopes::{Entry, FORMATS, open, post, request};
use crate::on_each_database;
use crate::routes::{Hang, app};

on_each_database!(
    a_client_that_leaves_takes_its_group_with_it,
    a_begin_that_is_dropped_leaves_no_transaction_open,
    a_batch_that_times_out_leaves_nothing,
);

async fn a_client_that_leaves_takes_its_group_with_it(database: Database) {
    let hang = Hang::default();
    let layer = transactions::layer(&database.bank);
    let app = app(&database.bank, layer, &hang);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(axum::serve(listener, app).into_future());

    let batch = [
        Entry::Group(vec![open("a"), open("b"), post("/hang/h"), open("c")]),
        Entry::Group(vec![open("x"), open("y")]),
    ];
    for format in FORMATS {
        let request = to_bytes_on_the_wire(request(format, &batch)).await;
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(&request).await.expect("to write");
        within_seconds(hang.begun.notified()).await;
        drop(stream);
        within_seconds(hang.dropped.notified()).await;
        database.assert_pool_is_whole().await;
        // The second group may have been committed before, or not at all.
        let accounts = database.accounts().await;
        assert!(
            accounts.is_empty() || accounts == ["x", "y"],
            "{accounts:?}"
        );
        database.clear().await;
    }
}

/// Whether it is dropped before the database begins the transaction, meanwhile, or afterwards.
async fn a_begin_that_is_dropped_leaves_no_transaction_open(database: Database) {
    let (parts, ()) = Request::new(()).into_parts();
    for polls in 1..=5 {
        database.assert_pool_is_whole().await;
        let mut begin = pin!(database.bank.begin(&parts));
        for _ in 0..polls {
            if poll_fn(|cx| Poll::Ready(begin.as_mut().poll(cx).is_ready())).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    database.assert_pool_is_whole().await;
}

async fn a_batch_that_times_out_leaves_nothing(database: Database) {
    let layer = transactions::layer(&database.bank).batch_timeout(Duration::from_millis(500));
    let app = app(&database.bank, layer, &Hang::default());
    let batch = [Entry::Group(vec![open("a"), post("/hang/h"), open("c")])];
    for format in FORMATS {
        let outcomes = crate::envelopes::send(&app, format, &batch).await;
        assert_eq!(outcomes[0].status, 504);
        database.assert_pool_is_whole().await;
        assert!(database.accounts().await.is_empty());
    }
}

async fn within_seconds(future: impl Future<Output = ()>) {
    timeout(Duration::from_secs(20), future)
        .await
        .expect("in time");
}

async fn to_bytes_on_the_wire(request: Request<axum::body::Body>) -> Vec<u8> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let mut text = format!("POST {} HTTP/1.1\r\nHost: test\r\n", head.uri);
    for (name, value) in &head.headers {
        text += &format!("{name}: {}\r\n", value.to_str().expect("a text"));
    }
    text += &format!("Content-Length: {}\r\n\r\n", body.len());
    [text.as_bytes(), &body].concat()
}
