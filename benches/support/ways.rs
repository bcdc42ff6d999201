//! The ways in which a client can ask for many things, over sockets.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tower::Layer;

use super::harness::median;
use super::inner::{Answer, router};
use super::net::{Cpu, Peer};
use super::{Kind, Load, by_hand, layer};

/// What a client of an API sends with every request.
const HEADERS: [(&str, &str); 4] = [
    ("accept", "application/json"),
    ("accept-language", "en-GB,en;q=0.5"),
    ("authorization", "Bearer 0123456789abcdef0123456789abcdef"),
    ("user-agent", "parts/1.0 (Linux; x86_64)"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// One after the other over one connection.
    KeepAlive,
    /// Over as many connections as a browser opens.
    Six,
    /// All at once over one HTTP/2 connection.
    Multiplexed,
    /// As one batch, over HTTP/1.
    Batch,
    /// As one batch, to the handler that one would write by hand.
    ByHand,
}

impl Way {
    pub(crate) const ALL: [Self; 5] = [
        Self::KeepAlive,
        Self::Six,
        Self::Multiplexed,
        Self::ByHand,
        Self::Batch,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KeepAlive => "one by one, HTTP/1 keep-alive",
            Self::Six => "six HTTP/1 connections",
            Self::Multiplexed => "HTTP/2, all at once",
            Self::ByHand => "a batch, handler by hand",
            Self::Batch => "a batch, this crate",
        }
    }
}

/// An application with a batch endpoint, and one that is written by hand.
pub(crate) fn app() -> Router {
    Router::new()
        .nest("/by-hand", by_hand::app(router()))
        .fallback_service(layer(1000).layer(router()))
}

/// What one run has cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    pub(crate) server: f64,
    pub(crate) client: f64,
    pub(crate) bytes: f64,
}

/// Connections to a server, open and warm.
#[derive(Debug)]
pub(crate) struct Client {
    six: Vec<http1::SendRequest<Full<Bytes>>>,
    two: http2::SendRequest<Full<Bytes>>,
    load: Load,
}

impl Client {
    pub(crate) async fn new(address: SocketAddr, answer: Answer, count: usize) -> Self {
        let mut six = Vec::new();
        for _ in 0..6 {
            let (sender, connection) = http1::handshake(TokioIo::new(connected(address).await))
                .await
                .expect("HTTP/1");
            tokio::spawn(connection);
            six.push(sender);
        }
        let stream = TokioIo::new(connected(address).await);
        let (two, connection) = http2::handshake(TokioExecutor::new(), stream)
            .await
            .expect("HTTP/2");
        tokio::spawn(connection);
        let load = Load::new(Kind::Get, answer, count);
        Self { six, two, load }
    }

    /// Asks for all items.
    pub(crate) async fn ask(&mut self, way: Way) {
        let load = &self.load;
        match way {
            Way::KeepAlive => {
                for (_, uri, _) in &load.ready {
                    get(&mut self.six[0], uri).await;
                }
            }
            Way::Six => {
                let each = load.ready.len().div_ceil(6);
                let connections = self.six.iter_mut().zip(load.ready.chunks(each));
                join_all(connections.map(async |(connection, items)| {
                    for (_, uri, _) in items {
                        get(connection, uri).await;
                    }
                }))
                .await;
            }
            Way::Multiplexed => {
                join_all(load.ready.iter().map(|(_, uri, _)| {
                    let uri = format!("http://api.example{uri}").parse();
                    let request = request(Method::GET, uri.expect("a URI"), Bytes::new());
                    let mut connection = self.two.clone();
                    async move {
                        let answer = connection.send_request(request).await;
                        drained(answer).await;
                    }
                }))
                .await;
            }
            Way::Batch => post(&mut self.six[0], "/batch", load).await,
            Way::ByHand => post(&mut self.six[0], "/by-hand/batch", load).await,
        }
    }
}

async fn connected(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a TCP stream");
    stream
}

fn request(method: Method, uri: Uri, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    if uri.authority().is_none() {
        let host = http::HeaderValue::from_static("api.example");
        request.headers_mut().insert("host", host);
    }
    *request.uri_mut() = uri;
    for (name, value) in HEADERS {
        let value = http::HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
    request
}

async fn get(connection: &mut http1::SendRequest<Full<Bytes>>, uri: &Uri) {
    connection.ready().await.expect("an open connection");
    let request = request(Method::GET, uri.clone(), Bytes::new());
    drained(connection.send_request(request).await).await;
}

async fn post(connection: &mut http1::SendRequest<Full<Bytes>>, path: &'static str, load: &Load) {
    connection.ready().await.expect("an open connection");
    let mut request = request(Method::POST, Uri::from_static(path), load.envelope.clone());
    let json = http::HeaderValue::from_static("application/json");
    request.headers_mut().insert("content-type", json);
    drained(connection.send_request(request).await).await;
}

async fn drained(answer: hyper::Result<http::Response<hyper::body::Incoming>>) {
    let answer = answer.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        std::hint::black_box(frame.expect("a frame"));
    }
}

/// A server, and a client of it that may have a slow wire between them.
#[derive(Debug)]
pub(crate) struct Scene {
    runtime: Runtime,
    server: Peer,
    wire: Option<Peer>,
    client: Client,
    /// Requests a run.
    count: usize,
}

impl Scene {
    pub(crate) fn new(server: &Peer, wire: Option<&Peer>, answer: Answer, count: usize) -> Self {
        let runtime = super::harness::runtime();
        let address = wire.unwrap_or(server).address;
        Self {
            client: runtime.block_on(Client::new(address, answer, count)),
            runtime,
            server: server.clone(),
            wire: wire.cloned(),
            count,
        }
    }

    /// The medians of so many rounds, in each of which every way runs so many times.
    pub(crate) fn measure(&mut self, ways: &[Way], rounds: usize, times: usize) -> Vec<Cost> {
        for way in ways {
            self.run(*way, 1);
        }
        let mut costs = vec![Vec::new(); ways.len()];
        for _ in 0..rounds {
            for (way, costs) in ways.iter().zip(&mut costs) {
                costs.push(self.run(*way, times));
            }
        }
        let median_of =
            |costs: &[Cost], part: fn(&Cost) -> f64| median(costs.iter().map(part).collect());
        costs
            .iter()
            .map(|costs| Cost {
                wall: median_of(costs, |cost| cost.wall),
                server: median_of(costs, |cost| cost.server),
                client: median_of(costs, |cost| cost.client),
                bytes: median_of(costs, |cost| cost.bytes),
            })
            .collect()
    }

    fn run(&mut self, way: Way, times: usize) -> Cost {
        let own = Cpu::of_this_thread();
        let reading = || {
            // Both threads have come to rest, and the kernel has booked their time.
            std::thread::sleep(Duration::from_millis(2));
            let of = |cpu: &Option<Cpu>| cpu.as_ref().map_or(0.0, |cpu| cpu.now().as_secs_f64());
            let bytes = self
                .wire
                .as_ref()
                .map_or(0, |wire| wire.bytes.load(Ordering::Relaxed));
            (of(&self.server.cpu), of(&own), bytes as f64)
        };
        let before = reading();
        let start = Instant::now();
        self.runtime.block_on(async {
            for _ in 0..times {
                self.client.ask(way).await;
            }
        });
        let wall = start.elapsed().as_secs_f64();
        let after = reading();
        let each = |sum: f64| sum / times as f64;
        Cost {
            wall: each(wall),
            server: each(after.0 - before.0),
            client: each(after.1 - before.1),
            bytes: each(after.2 - before.2),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }
}
