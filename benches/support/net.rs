//! Sockets on the loopback: servers and slow wires, each on its own thread, so that the CPU time of
//! each side is known.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::harness::runtime;

/// The CPU time of a thread, as Linux counts it.
#[derive(Clone, Debug)]
pub(crate) struct Cpu {
    schedstat: String,
}

impl Cpu {
    /// The CPU time of this thread; `None` on systems that do not count it.
    pub(crate) fn of_this_thread() -> Option<Self> {
        let thread = std::fs::read_link("/proc/thread-self").ok()?;
        let id = thread.file_name()?.to_str()?.to_owned();
        let cpu = Self {
            schedstat: format!("/proc/self/task/{id}/schedstat"),
        };
        cpu.read().map(|_| cpu)
    }

    fn read(&self) -> Option<Duration> {
        let text = std::fs::read_to_string(&self.schedstat).ok()?;
        let nanos = text.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanos))
    }

    pub(crate) fn now(&self) -> Duration {
        self.read().expect("the thread runs")
    }
}

/// Binds this thread, and those that it starts from now on, to this core. Otherwise the scheduler
/// decides whether a client and a server that wait for each other share a core, and waking an idle
/// core makes some runs cost three times the CPU time of others.
pub(crate) fn stay_on_core(core: usize) {
    #[cfg(target_os = "linux")]
    {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        // If it fails, there is only more noise.
        let _ = rustix::thread::sched_setaffinity(None, &cores);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = core;
}

/// A listener on its own thread, which runs until the program ends.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) cpu: Option<Cpu>,
    /// Bytes that went over a wire, in both directions.
    pub(crate) bytes: Arc<AtomicU64>,
}

impl Peer {
    /// Starts a thread that listens on a free port.
    pub(crate) fn start<F: Future<Output = ()>>(
        serve: impl FnOnce(TcpListener, Arc<AtomicU64>) -> F + Send + 'static,
    ) -> Self {
        let (started, peer) = mpsc::channel();
        std::thread::spawn(move || {
            runtime().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = listener.local_addr().expect("an address");
                let cpu = Cpu::of_this_thread();
                let bytes = Arc::<AtomicU64>::default();
                let counted = Arc::clone(&bytes);
                let peer = Self {
                    address,
                    cpu,
                    bytes,
                };
                started.send(peer).expect("the bench waits");
                serve(listener, counted).await;
            });
        });
        peer.recv().expect("the thread has started")
    }

    /// A listener in another process, of which only the address is known.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            address,
            cpu: None,
            bytes: Arc::default(),
        }
    }

    /// Serves HTTP/1 and HTTP/2.
    pub(crate) fn server(app: Router) -> Self {
        Self::start(async move |listener, _| {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("a TCP stream");
                let service = TowerToHyperService::new(app.clone());
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    // Ignored: a client may go away.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        })
    }

    /// Forwards bytes to another peer, and delays them in both directions.
    pub(crate) fn slow_wire(to: SocketAddr, one_way: Duration) -> Self {
        Self::start(async move |listener, bytes| {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(to).await.expect("the other peer");
                near.set_nodelay(true).expect("a TCP stream");
                far.set_nodelay(true).expect("a TCP stream");
                let ((near_in, near_out), (far_in, far_out)) =
                    (near.into_split(), far.into_split());
                tokio::spawn(delay(near_in, far_out, one_way, Arc::clone(&bytes)));
                tokio::spawn(delay(far_in, near_out, one_way, Arc::clone(&bytes)));
            }
        })
    }
}

async fn delay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    by: Duration,
    bytes: Arc<AtomicU64>,
) {
    let (sent, mut arriving) = tokio::sync::mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((due, bytes)) = arriving.recv().await {
            tokio::time::sleep_until(due.into()).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        bytes.fetch_add(read as u64, Ordering::Relaxed);
        let arriving = (Instant::now() + by, buffer[..read].to_vec());
        if sent.send(arriving).is_err() {
            return;
        }
    }
}
