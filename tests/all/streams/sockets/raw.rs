//! HTTP/1.1 without a client library: `100 Continue`, and a client that writes all before it reads.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tower_multistatus::BatchLayer;

use super::super::{get, summary};
use super::{in_time, serve};

/// A POST of chunks, with these further header lines.
fn head(more: &str) -> String {
    format!(
        "POST /batch HTTP/1.1\r\nhost: api.example\r\ncontent-type: application/x-ndjson\r\n\
         transfer-encoding: chunked\r\n{more}\r\n"
    )
}

fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

const LAST_CHUNK: &str = "0\r\n\r\n";

struct Connection(BufReader<TcpStream>);

impl Connection {
    async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("a socket");
    }

    async fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.expect("a socket");
        line
    }

    /// Reads a head, and returns its first line.
    async fn read_head(&mut self) -> String {
        let first = self.read_line().await;
        while self.read_line().await != "\r\n" {}
        first
    }

    async fn read_chunk(&mut self) -> String {
        let length = self.read_line().await;
        let length = usize::from_str_radix(length.trim_end(), 16).expect("a length");
        let mut data = vec![0; length + 2];
        self.0.read_exact(&mut data).await.expect("a chunk");
        data.truncate(length);
        String::from_utf8(data).expect("UTF-8")
    }

    /// Reads the lines of all chunks.
    async fn read_lines(&mut self) -> Vec<Value> {
        let mut text = String::new();
        loop {
            let chunk = self.read_chunk().await;
            if chunk.is_empty() {
                let line = |line| serde_json::from_str(line).expect("JSON");
                return text.lines().map(line).collect();
            }
            text.push_str(&chunk);
        }
    }
}

async fn connect() -> Connection {
    let server = serve(BatchLayer::new("/batch")).await;
    let stream = TcpStream::connect(server.address)
        .await
        .expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    Connection(BufReader::new(stream))
}

#[tokio::test]
async fn a_client_that_expects_100_continue_gets_it_and_then_line_for_line() {
    in_time(async {
        let mut connection = connect().await;
        connection.write(&head("expect: 100-continue\r\n")).await;
        assert_eq!(connection.read_head().await, "HTTP/1.1 100 Continue\r\n");
        assert_eq!(
            connection.read_head().await,
            "HTTP/1.1 207 Multi-Status\r\n"
        );
        for id in 0..100 {
            connection.write(&chunk(&get(id, "/ok"))).await;
            let line = connection.read_chunk().await;
            let line: Value = serde_json::from_str(&line).expect("a line");
            assert_eq!(
                (&line["id"], &line["status"]),
                (&id.to_string().into(), &200.into())
            );
        }
        connection.write(LAST_CHUNK).await;
        let lines = connection.read_lines().await;
        assert_eq!(lines, [json!({ "summary": summary(100, 100) })]);
    })
    .await;
}

/// Nobody reads the responses while the upload goes on. They fit into the 32 KiB of the layer, the
/// buffers of hyper (about 400 KiB) and those of the kernel (a megabyte or more by default). With
/// more responses than that, the server would stop to read, and both would wait for each other.
#[tokio::test]
async fn a_client_that_reads_after_2000_small_items_is_bounded_by_buffers_but_works() {
    in_time(async {
        let mut connection = connect().await;
        connection.write(&head("")).await;
        for id in 0..2_000 {
            connection.write(&chunk(&get(id, "/ok"))).await;
        }
        connection.write(LAST_CHUNK).await;
        assert_eq!(
            connection.read_head().await,
            "HTTP/1.1 207 Multi-Status\r\n"
        );
        let mut lines = connection.read_lines().await;
        let last = json!({ "summary": summary(2_000, 2_000) });
        assert_eq!(lines.pop(), Some(last));
        assert_eq!(lines.len(), 2_000);
    })
    .await;
}
