//! Streams over sockets: duplex, back-pressure, and peers that stop or go.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use http::header::HOST;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tower::Layer;
use tower_multistatus::BatchLayer;

use super::{Lines, channel, lines};
use crate::probe::{Book, Probe};

mod back_pressure;
mod duplex;
mod gone;
mod raw;

/// A chunk that is not sent: the upload breaks off.
const RESET: &[u8] = b"reset";

/// The window of the client, in bytes.
const WINDOW: u32 = 64 * 1024;

#[derive(Clone, Copy, Debug)]
enum Http {
    One,
    Two,
}

/// A running server.
struct Server {
    book: Arc<Book>,
    address: SocketAddr,
    /// The number of open connections.
    connections: Arc<AtomicUsize>,
}

/// Serves a probe behind the layer with hyper, over both versions of HTTP.
async fn serve(layer: BatchLayer) -> Server {
    let (book, probe) = Probe::new();
    let service = layer.layer(probe);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let connections = Arc::<AtomicUsize>::default();
    let open = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(service.clone());
            let open = Arc::clone(&open);
            open.fetch_add(1, SeqCst);
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
                open.fetch_sub(1, SeqCst);
            });
        }
    });
    Server {
        book,
        address,
        connections,
    }
}

/// The tasks of a client. Without them, its connection is closed.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    fn abort(&self) {
        self.0.lock().expect("the tasks").abort_all();
    }
}

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let task = async move { drop(task.await) };
        self.0.lock().expect("the tasks").spawn(task);
    }
}

/// A batch over a connection of its own.
struct Sent {
    upload: UnboundedSender<Bytes>,
    response: Lines<Incoming>,
    tasks: Tasks,
}

/// Sends a batch, and waits for the head of the response. No line is sent yet.
async fn send(http: Http, address: SocketAddr) -> Sent {
    let (upload, body) = channel();
    let chunks = body.into_data_stream().map(|chunk| match chunk {
        Ok(chunk) if chunk == RESET => Err(io::Error::other("reset")),
        chunk => chunk.map_err(io::Error::other),
    });
    let mut request = lines(Body::from_stream(chunks));
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let io = TokioIo::new(stream);
    let tasks = Tasks::default();
    let response = match http {
        Http::One => {
            let (mut client, driver) = http1::handshake::<_, Body>(io).await.expect("HTTP/1");
            tasks.execute(driver);
            client.send_request(request).await
        }
        Http::Two => {
            *request.uri_mut() = "http://api.example/batch".parse().expect("a URI");
            request.headers_mut().remove(HOST);
            let (mut client, driver) = http2::Builder::new(tasks.clone())
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(WINDOW)
                .handshake::<_, Body>(io)
                .await
                .expect("HTTP/2");
            tasks.execute(driver);
            let response = client.send_request(request).await;
            // The connection is closed without it.
            tasks.execute(async move {
                let _client = client;
                std::future::pending::<()>().await
            });
            response
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
        tasks,
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
