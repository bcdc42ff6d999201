//! The ways in which a client can ask for many things, over sockets.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::inner::Answer;
use super::scene::Servers;
use super::{Kind, Load};

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
    /// The same, with answers that are not checked to be JSON.
    Trusting,
    /// As one batch, to the handler that one would write by hand.
    ByHand,
    /// The bytes of the batch, to a handler that does nothing but send them back: what any POST costs.
    Echo,
}

impl Way {
    pub(crate) const ALL: [Self; 6] = [
        Self::KeepAlive,
        Self::Six,
        Self::Multiplexed,
        Self::ByHand,
        Self::Trusting,
        Self::Batch,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KeepAlive => "one by one, HTTP/1 keep-alive",
            Self::Six => "six HTTP/1 connections",
            Self::Multiplexed => "HTTP/2, all at once",
            Self::ByHand => "a batch, handler by hand",
            Self::Echo => "the same bytes, sent back",
            Self::Trusting => "a batch, this crate, answers trusted",
            Self::Batch => "a batch, this crate",
        }
    }
}

/// Connections to a server, open and warm.
#[derive(Debug)]
pub(crate) struct Client {
    six: Vec<http1::SendRequest<Full<Bytes>>>,
    two: http2::SendRequest<Full<Bytes>>,
    by_hand: http1::SendRequest<Full<Bytes>>,
    load: Load,
}

impl Client {
    pub(crate) async fn new(servers: &Servers, answer: Answer, count: usize) -> Self {
        let mut six = Vec::new();
        for _ in 0..6 {
            six.push(one(servers.ours.address).await);
        }
        let stream = TokioIo::new(connected(servers.ours.address).await);
        let (two, connection) = http2::handshake(TokioExecutor::new(), stream)
            .await
            .expect("HTTP/2");
        tokio::spawn(connection);
        Self {
            six,
            two,
            by_hand: one(servers.by_hand.address).await,
            load: Load::new(Kind::Get, answer, count),
        }
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
            Way::Trusting => post(&mut self.six[0], "/trusting/batch", load).await,
            Way::ByHand => post(&mut self.by_hand, "/batch", load).await,
            Way::Echo => post(&mut self.by_hand, "/echo", load).await,
        }
    }
}

async fn one(address: SocketAddr) -> http1::SendRequest<Full<Bytes>> {
    let stream = TokioIo::new(connected(address).await);
    let (sender, connection) = http1::handshake(stream).await.expect("HTTP/1");
    tokio::spawn(connection);
    sender
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
