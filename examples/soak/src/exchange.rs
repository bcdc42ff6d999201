//! Connections, and batches sent over them.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;

use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tower::BoxError;

use crate::format::{Format, Reply, Upload};

/// A connection, which is closed when this is dropped.
pub(crate) struct Connection {
    sender: Sender,
    driver: JoinHandle<hyper::Result<()>>,
    /// A second handle of the socket.
    socket: std::net::TcpStream,
}

enum Sender {
    One(http1::SendRequest<Upload>),
    Two(http2::SendRequest<Upload>),
}

/// The version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    Two,
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr, http: Http) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        let socket = stream.try_clone()?;
        let io = TokioIo::new(TcpStream::from_std(stream)?);
        let (sender, driver) = match http {
            Http::One => {
                let (sender, driver) = http1::handshake(io).await?;
                (Sender::One(sender), tokio::spawn(driver))
            }
            Http::Two => {
                let (sender, driver) = http2::handshake(TokioExecutor::new(), io).await?;
                (Sender::Two(sender), tokio::spawn(driver))
            }
        };
        Ok(Self {
            sender,
            driver,
            socket,
        })
    }

    /// Sends a batch, and reads the whole response.
    ///
    /// # Errors
    ///
    /// If the batch is refused, or the response is cut or malformed.
    pub(crate) async fn exchange(
        &mut self,
        format: Format,
        keys: Range<usize>,
    ) -> Result<Vec<Reply>, BoxError> {
        let request = Request::post("http://soak.example/batch")
            .header("host", "soak.example")
            .header(CONTENT_TYPE, format.media_type())
            .body(format.upload(keys))?;
        let response = match &mut self.sender {
            Sender::One(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Two(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        if head.status != StatusCode::MULTI_STATUS {
            let shown = String::from_utf8_lossy(&body);
            return Err(format!("the batch was refused: {}, {shown}", head.status).into());
        }
        let content_type = head.headers.get(CONTENT_TYPE).ok_or("no content type")?;
        format.read(content_type.to_str()?, &body)
    }

    /// A second handle of the socket.
    pub(crate) fn socket(&self) -> &std::net::TcpStream {
        &self.socket
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Sends two batches over a new connection, the second before the response to the first.
pub(crate) async fn pipeline(
    server: SocketAddr,
    format: Format,
    batches: [Range<usize>; 2],
) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server).await?;
    for keys in batches {
        let body = format.write(keys).concat();
        let head = format!(
            "POST /batch HTTP/1.1\r\nhost: soak.example\r\ncontent-type: {}\r\n\
             content-length: {}\r\n\r\n",
            format.media_type(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
    }
    Ok(stream)
}
