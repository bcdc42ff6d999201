//! Streams over sockets: duplex, back-pressure, and peers that stop or go.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::HOST;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tower::Layer;
use tower_multistatus::BatchLayer;

use super::{Lines, channel, lines};
use crate::probe::{Book, Probe};

mod back_pressure;
mod duplex;
mod gone;
mod raw;

/// The window of the client, in bytes.
const WINDOW: u32 = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Http {
    One,
    Two,
}

/// Serves a probe behind the layer with hyper, over both versions of HTTP.
async fn serve(layer: BatchLayer) -> (Arc<Book>, SocketAddr) {
    let (book, probe) = Probe::new();
    let service = layer.layer(probe);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (book, address)
}

/// A batch over a connection of its own.
struct Sent {
    upload: UnboundedSender<Bytes>,
    response: Lines<Incoming>,
    /// The task of the connection. Without it, the connection is closed.
    connection: JoinHandle<()>,
}

/// Sends a batch, and waits for the head of the response. No line is sent yet.
async fn send(http: Http, address: SocketAddr) -> Sent {
    let (upload, body) = channel();
    let mut request = lines(body);
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let io = TokioIo::new(stream);
    let (response, connection) = match http {
        Http::One => {
            let (mut client, driver) = http1::handshake::<_, Body>(io).await.expect("HTTP/1");
            let connection = tokio::spawn(async move { drop(driver.await) });
            (client.send_request(request).await, connection)
        }
        Http::Two => {
            *request.uri_mut() = "http://api.example/batch".parse().expect("a URI");
            request.headers_mut().remove(HOST);
            let (mut client, driver) = http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(WINDOW)
                .handshake::<_, Body>(io)
                .await
                .expect("HTTP/2");
            let connection = tokio::spawn(async move { drop(driver.await) });
            (client.send_request(request).await, connection)
        }
    };
    let response = response.expect("a response");
    assert_eq!(response.status(), 207);
    Sent {
        upload,
        response: Lines {
            body: response.into_body(),
            text: String::new(),
        },
        connection,
    }
}

/// Runs a test of real time, which must not hang.
async fn in_time<T>(test: impl Future<Output = T>) -> T {
    let bound = Duration::from_secs(60);
    tokio::time::timeout(bound, test).await.expect("in time")
}

/// Waits until this is true.
async fn until(what: &str, is_true: impl Fn() -> bool) {
    let wait = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(5), wait).await;
    waited.unwrap_or_else(|_| panic!("{what}"));
}
