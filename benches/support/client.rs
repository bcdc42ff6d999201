//! A client that makes many requests over sockets, in several ways.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::inner::Payload;
use super::servers::Servers;
use super::{Kind, Load};

/// Headers that the client sends with every request.
const HEADERS: [(&str, &str); 4] = [
    ("accept", "application/json"),
    ("accept-language", "en-GB,en;q=0.5"),
    ("authorization", "Bearer 0123456789abcdef0123456789abcdef"),
    ("user-agent", "parts/1.0 (Linux; x86_64)"),
];

/// A way to make many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// One after the other over one connection.
    KeepAlive,
    /// Over six connections, as a browser does.
    Six,
    /// All at once over one HTTP/2 connection.
    Multiplexed,
    /// As one batch, over HTTP/1.
    Batch,
    /// As one batch, to a layer that does not check whether responses are JSON.
    Trusting,
    /// As one batch, to the handler written by hand.
    ByHand,
    /// As one batch, to another server, in its own format.
    Other,
    /// The bytes of the batch, to a handler that only sends them back. Shows what any POST costs.
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
            Self::Other => "a batch, another server",
            Self::Echo => "the same bytes, sent back",
            Self::Trusting => "a batch, this crate, responses trusted",
            Self::Batch => "a batch, this crate",
        }
    }
}

/// Open connections to the servers.
#[derive(Debug)]
pub(crate) struct Client {
    six: Vec<http1::SendRequest<Full<Bytes>>>,
    two: http2::SendRequest<Full<Bytes>>,
    by_hand: http1::SendRequest<Full<Bytes>>,
    other: Option<(http1::SendRequest<Full<Bytes>>, Bytes)>,
    load: Load,
    /// The minimum bytes of all responses together.
    min_bytes: usize,
}

impl Client {
    pub(crate) async fn new(servers: &Servers, payload: Payload, count: usize) -> Self {
        let mut six = Vec::new();
        for _ in 0..6 {
            six.push(one(servers.ours.address).await);
        }
        let stream = TokioIo::new(connected(servers.ours.address).await);
        let (two, connection) = http2::handshake(TokioExecutor::new(), stream)
            .await
            .expect("HTTP/2");
        tokio::spawn(connection);
        let mut other = None;
        if let Some(server) = &servers.other {
            let envelope = (server.envelope)(payload, count);
            other = Some((one(server.peer.address).await, envelope));
        }
        Self {
            six,
            two,
            by_hand: one(servers.by_hand.address).await,
            other,
            load: Load::new(Kind::Get, payload, count),
            min_bytes: payload.body().len() * count,
        }
    }

    /// Requests all items.
    ///
    /// # Panics
    ///
    /// If fewer bytes come back than all responses have. A failure would else look like a fast
    /// response.
    pub(crate) async fn request_all(&mut self, way: Way) {
        let load = &self.load;
        let bytes = match way {
            Way::KeepAlive => gets(&mut self.six[0], &load.ready).await,
            Way::Six => {
                let each = load.ready.len().div_ceil(6);
                let connections = self.six.iter_mut().zip(load.ready.chunks(each));
                let bytes = connections.map(|(connection, items)| gets(connection, items));
                join_all(bytes).await.iter().sum()
            }
            Way::Multiplexed => {
                let bytes = join_all(load.ready.iter().map(|(_, uri, _)| {
                    let uri = format!("http://api.example{uri}").parse();
                    let request = request(Method::GET, uri.expect("a URI"), Bytes::new());
                    let mut connection = self.two.clone();
                    async move {
                        let response = connection.send_request(request).await;
                        drained(response).await
                    }
                }));
                bytes.await.iter().sum()
            }
            Way::Batch => post(&mut self.six[0], "/batch", &load.envelope).await,
            Way::Trusting => post(&mut self.six[0], "/trusting/batch", &load.envelope).await,
            Way::ByHand => post(&mut self.by_hand, "/batch", &load.envelope).await,
            Way::Other => {
                let (connection, envelope) = self.other.as_mut().expect("another server");
                post(connection, "/", envelope).await
            }
            Way::Echo => {
                let bytes = post(&mut self.by_hand, "/echo", &load.envelope).await;
                assert_eq!(bytes, load.envelope.len());
                return;
            }
        };
        assert!(bytes >= self.min_bytes, "{way:?}: {bytes} bytes");
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

/// Sends GETs one after the other. Returns the bytes of their responses.
async fn gets(
    connection: &mut http1::SendRequest<Full<Bytes>>,
    items: &[(Method, Uri, Bytes)],
) -> usize {
    let mut bytes = 0;
    for (_, uri, _) in items {
        connection.ready().await.expect("an open connection");
        let request = request(Method::GET, uri.clone(), Bytes::new());
        bytes += drained(connection.send_request(request).await).await;
    }
    bytes
}

async fn post(
    connection: &mut http1::SendRequest<Full<Bytes>>,
    path: &'static str,
    envelope: &Bytes,
) -> usize {
    connection.ready().await.expect("an open connection");
    let mut request = request(Method::POST, Uri::from_static(path), envelope.clone());
    let json = http::HeaderValue::from_static("application/json");
    request.headers_mut().insert("content-type", json);
    drained(connection.send_request(request).await).await
}

/// Reads a response to its end. Returns the number of bytes of its body.
async fn drained(response: hyper::Result<http::Response<hyper::body::Incoming>>) -> usize {
    let response = response.expect("a response");
    assert!(response.status().is_success(), "{}", response.status());
    let (mut body, mut bytes) = (response.into_body(), 0);
    while let Some(frame) = body.frame().await {
        bytes += frame.expect("a frame").data_ref().map_or(0, Bytes::len);
    }
    bytes
}
