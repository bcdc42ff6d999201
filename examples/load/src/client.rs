//! Sends the items over one HTTP/2 connection, and reads the responses at the same time.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{Request, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use memchr::memchr;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tower::BoxError;

use crate::items::{batch, lines};
use crate::ledger::{Envelope, Ledger};

/// The items of a batch. It is the default limit of the layer.
const BATCH: usize = 100;

/// The bytes that the server may send before the client has read them.
const WINDOW: u32 = 256 * 1024;

/// How the items are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As one stream of NDJSON.
    Stream,
    /// As JSON batches of 100, some at once.
    Batches { at_once: usize },
}

impl Way {
    pub const ALL: [Self; 3] = [
        Self::Stream,
        Self::Batches { at_once: 1 },
        Self::Batches { at_once: 8 },
    ];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream => f.write_str("one stream of NDJSON"),
            Self::Batches { at_once: 1 } => write!(f, "batches of {BATCH}, one by one"),
            Self::Batches { at_once } => write!(f, "batches of {BATCH}, {at_once} at once"),
        }
    }
}

pub(crate) async fn send(
    server: SocketAddr,
    way: Way,
    count: usize,
    advance: impl Fn(usize),
) -> Result<(), BoxError> {
    match way {
        Way::Stream => send_stream(server, count, advance).await,
        Way::Batches { at_once } => send_batches(server, count, at_once, advance).await,
    }
}

async fn send_stream(
    server: SocketAddr,
    count: usize,
    advance: impl Fn(usize),
) -> Result<(), BoxError> {
    // The connection's task asks for the next chunk when the server has room for it. This task
    // only reads, so neither direction waits for the other.
    let chunks = lines(count).map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)));
    let upload = StreamBody::new(stream::iter(chunks));
    let mut connection = connect(server).await?;
    let mut body = post(&mut connection, "application/x-ndjson", upload).await?;

    let mut ledger = Ledger::new(count);
    let mut summary = Value::Null;
    let mut text = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        text.extend_from_slice(&data);
        let mut found = 0;
        while let Some(end) = memchr(b'\n', &text) {
            let line = text.split_to(end + 1);
            if line.starts_with(b"{\"summary\":") {
                summary = serde_json::from_slice(&line)?;
                continue;
            }
            ledger.record(&serde_json::from_slice(&line)?)?;
            found += 1;
        }
        advance(found);
    }
    ledger.end()?;
    match &summary["summary"] {
        last if last["total"] == json!(count) && last["error"].is_null() => Ok(()),
        last => Err(format!("the stream ended with {last}").into()),
    }
}

async fn send_batches(
    server: SocketAddr,
    count: usize,
    at_once: usize,
    advance: impl Fn(usize),
) -> Result<(), BoxError> {
    let connection = connect(server).await?;
    let batches = (0..count).step_by(BATCH).map(|start| {
        let mut connection = connection.clone();
        let upload = Full::new(batch(start..count.min(start + BATCH)));
        async move {
            let body = post(&mut connection, "application/json", upload).await?;
            Ok::<_, BoxError>(body.collect().await?.to_bytes())
        }
    });
    let mut ledger = Ledger::new(count);
    let mut batches = stream::iter(batches).buffer_unordered(at_once);
    while let Some(batch) = batches.try_next().await? {
        let envelope: Envelope<'_> = serde_json::from_slice(&batch)?;
        for response in &envelope.responses {
            ledger.record(response)?;
        }
        advance(envelope.responses.len());
    }
    ledger.end()
}

async fn connect<B>(server: SocketAddr) -> Result<SendRequest<B>, BoxError>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let (connection, driver) = Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(driver);
    Ok(connection)
}

/// Sends a batch, and returns the body of the response as soon as its head is there.
async fn post<B>(
    connection: &mut SendRequest<B>,
    content_type: &str,
    upload: B,
) -> Result<Incoming, BoxError>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let request = Request::post("http://load.example/batch")
        .header("content-type", content_type)
        .body(upload)?;
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    match response.status() {
        StatusCode::MULTI_STATUS => Ok(response.into_body()),
        status => Err(format!("the batch was refused: {status}").into()),
    }
}
