//! Thousands of slow uploads and many slow readers cost the others nothing, and little memory.
//!
//! The tests measure times, so they run one after the other, and try again if the machine was busy.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use load::ServerProcess;
use soak::stats;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

const UPLOADS: usize = 2_000;

const READERS: usize = 16;

/// The items of the batch of a reader, and the bytes of their responses. All together just fit into
/// the 8 MiB of a response.
const ITEMS: usize = 8;
const BYTES: usize = 1_000_000;

/// The bytes that a reader takes in a second.
const READ_PER_SECOND: usize = 64 << 10;

/// The maximum memory of a connection whose upload has hardly begun.
const MAX_UPLOAD: u64 = 40 << 10;

/// The maximum memory of a batch, by the table in the guide: 3 MiB for the envelope, 24 MiB for
/// responses in flight, 16 MiB for the response, and 1 KiB for each item.
const MAX_BATCH: u64 = (43 << 20) + ((ITEMS as u64) << 10);

/// The batches whose times are measured.
const MEASURED: usize = 400;

const TRIES: usize = 5;

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn server() -> ServerProcess {
    let program = Path::new(env!("CARGO_BIN_EXE_soak"));
    ServerProcess::start(program, &["0"]).expect("a server")
}

/// An HTTP/1 request with a batch of items that get JSON strings of this number of bytes.
fn batch(items: usize, bytes: usize) -> String {
    let item = |id| format!(r#"{{"id":"{id}","method":"GET","url":"/large/{bytes}"}}"#);
    let items: Vec<_> = (0..items).map(item).collect();
    let body = format!(r#"{{"requests":[{}]}}"#, items.join(","));
    head(body.len()) + &body
}

fn head(length: usize) -> String {
    format!(
        "POST /batch HTTP/1.1\r\nhost: soak.example\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

/// The median of the times of small batches, sent one after the other over one connection.
async fn median(server: SocketAddr) -> Duration {
    let mut stream = TcpStream::connect(server).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let request = batch(10, 100);
    let mut times = Vec::with_capacity(MEASURED);
    let mut response = [0; 8 << 10];
    for _ in 0..MEASURED {
        let begun = Instant::now();
        stream
            .write_all(request.as_bytes())
            .await
            .expect("a socket");
        let mut length = 0;
        while !response[..length].ends_with(b"]}") {
            match stream.read(&mut response[length..]).await {
                Ok(more) if more > 0 => length += more,
                end => panic!("the response ends: {end:?}"),
            }
        }
        times.push(begun.elapsed());
        assert!(response.starts_with(b"HTTP/1.1 207 "));
        // Over a second or two, so that slow clients act in between.
        sleep(Duration::from_millis(2)).await;
    }
    times.sort_unstable();
    times[MEASURED / 2]
}

/// Asserts that a batch takes at most twice as long while the slow clients are there. `slow` starts
/// them, and returns tasks that end them when they are dropped. Returns the largest memory of the
/// server that was seen.
async fn is_as_fast(server: &ServerProcess, slow: impl AsyncFn() -> JoinSet<()>) -> u64 {
    let mut tries = Vec::new();
    let mut memory = 0;
    for _ in 0..TRIES {
        let before = median(server.address()).await;
        let mut clients = slow().await;
        let during = median(server.address()).await;
        memory = memory.max(server.memory().expect("a server").now);
        assert!(
            clients.try_join_next().is_none(),
            "they are all still there"
        );
        clients.shutdown().await;
        println!("{before:?} without slow clients, {during:?} with them");
        if during <= 2 * before {
            return memory;
        }
        tries.push((before, during));
    }
    panic!("slow clients slow others down: {tries:?}");
}

async fn is_idle(server: &ServerProcess, tasks: usize) {
    for _ in 0..100 {
        if stats(server.address()).await.expect("a server").tasks <= tasks {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("connections of clients that have gone live on");
}

/// Sends an envelope, a byte each second.
async fn upload_slowly(mut stream: TcpStream) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for byte in br#"{"requests":[{"id":"a","method":"GET","url":"/large/10"}]}"# {
        ticks.tick().await;
        stream.write_all(&[*byte]).await.expect("a socket");
    }
}

#[tokio::test]
async fn two_thousand_uploads_of_a_byte_a_second_leave_others_as_fast() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = server();
    let idle = server.memory().expect("a server").now;
    let tasks = stats(server.address()).await.expect("a server").tasks;
    let most = is_as_fast(&server, async || {
        let mut clients = JoinSet::new();
        for _ in 0..UPLOADS {
            let stream = TcpStream::connect(server.address()).await;
            let mut stream = stream.expect("a connection");
            let head = head(1_000);
            stream.write_all(head.as_bytes()).await.expect("a socket");
            clients.spawn(upload_slowly(stream));
        }
        assert!(stats(server.address()).await.expect("a server").tasks >= UPLOADS);
        clients
    })
    .await;
    let each = most.saturating_sub(idle) / UPLOADS as u64;
    println!("{each} bytes for each upload");
    assert!(each <= MAX_UPLOAD, "{each}");
    is_idle(&server, tasks).await;
}

/// Reads a response at 64 KiB a second.
async fn read_slowly(mut stream: TcpStream) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut bytes = vec![0; READ_PER_SECOND];
    let mut length = 0;
    while length < ITEMS * BYTES {
        ticks.tick().await;
        stream.read_exact(&mut bytes).await.expect("a socket");
        length += READ_PER_SECOND;
    }
}

#[tokio::test]
async fn slow_readers_of_large_responses_leave_others_as_fast() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = server();
    let idle = server.memory().expect("a server").now;
    let tasks = stats(server.address()).await.expect("a server").tasks;
    let request = batch(ITEMS, BYTES);
    let most = is_as_fast(&server, async || {
        let mut clients = JoinSet::new();
        for _ in 0..READERS {
            let socket = TcpSocket::new_v4().expect("a socket");
            // Otherwise the kernel would read ahead.
            socket
                .set_recv_buffer_size(READ_PER_SECOND as u32)
                .expect("a socket");
            let stream = socket.connect(server.address()).await;
            let mut stream = stream.expect("a connection");
            stream
                .write_all(request.as_bytes())
                .await
                .expect("a socket");
            let mut start = [0; 12];
            stream.read_exact(&mut start).await.expect("a socket");
            assert_eq!(&start, b"HTTP/1.1 207");
            clients.spawn(read_slowly(stream));
        }
        clients
    })
    .await;
    let each = most.saturating_sub(idle) / READERS as u64;
    println!("{each} bytes for each reader");
    assert!(each >= BYTES as u64, "the responses are not held: {each}");
    assert!(each <= MAX_BATCH, "{each}");
    is_idle(&server, tasks).await;
}
