//! What the server holds over time.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use load::ServerProcess;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tower::BoxError;

/// What the server says about itself.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Stats {
    /// The tasks of its runtime.
    pub tasks: usize,
    /// The calls of items that have neither ended nor been dropped.
    pub open: usize,
}

/// What the server holds at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The seconds since the start.
    pub seconds: f64,
    /// The resident memory, in bytes.
    pub memory: u64,
    pub files: usize,
    pub stats: Stats,
}

impl Sample {
    pub(crate) async fn take(server: &ServerProcess, start: Instant) -> Result<Self, BoxError> {
        let stats = stats(server.address()).await?;
        Ok(Self {
            seconds: start.elapsed().as_secs_f64(),
            memory: server.memory()?.now,
            files: server.files()?,
            stats,
        })
    }
}

/// Asks the server what it holds.
///
/// # Errors
///
/// If there is no response.
pub async fn stats(server: SocketAddr) -> Result<Stats, BoxError> {
    Ok(serde_json::from_slice(&get(server, "/stats").await?)?)
}

/// Gets a resource over a connection of its own.
pub(crate) async fn get(server: SocketAddr, path: &str) -> Result<Bytes, BoxError> {
    let stream = TcpStream::connect(server).await?;
    let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(driver);
    let request = Request::get(path).header("host", "soak.example");
    let request = request.body(Empty::<Bytes>::new())?;
    let response = connection.send_request(request).await?;
    let body = response.into_body().collect().await?.to_bytes();
    drop(connection);
    driver.await??;
    Ok(body)
}
