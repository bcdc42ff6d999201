//! Clients that send batches: most read the response, some leave before its end.

use std::net::{Shutdown, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};
use tower::BoxError;

use crate::exchange::{Connection, Http, pipeline};
use crate::format::Format;
use crate::verdict::Notes;

/// The maximum items of a batch that is no stream.
pub(crate) const MAX_ITEMS: usize = 100;

/// The maximum items of a stream.
const MAX_STREAMED: usize = 400;

/// A batch takes less than two seconds. One that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client that leaves does so within this time. A batch with an item that hangs takes as long.
const LEAVES_WITHIN: Duration = Duration::from_millis(600);

/// How a client treats a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It reads the response.
    Stays,
    /// It closes the connection at a random moment.
    Leaves,
    /// It closes its half of the connection at a random moment, and reads on.
    HalfCloses,
    /// It sends a second batch at once, and closes the connection at a random moment.
    Pipelines,
}

impl Manner {
    fn random(random: &mut fastrand::Rng) -> Self {
        match random.u8(..100) {
            0..5 => Self::Leaves,
            5 => Self::HalfCloses,
            6 => Self::Pipelines,
            _ => Self::Stays,
        }
    }
}

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) server: SocketAddr,
    pub(crate) items: usize,
    pub(crate) until: Option<Instant>,
    pub(crate) notes: Notes,
    pub(crate) next_item: AtomicUsize,
    pub(crate) next_batch: AtomicUsize,
}

impl Work {
    /// Takes the next items, at most this number. `None` when all are taken, or the time is over.
    fn take(&self, wanted: usize) -> Option<Range<usize>> {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            return None;
        }
        let start = self.next_item.fetch_add(wanted, SeqCst);
        let keys = start..self.items.min(start + wanted);
        (!keys.is_empty()).then_some(keys)
    }
}

/// A client that sends one batch after the other.
pub(crate) struct Client {
    work: Arc<Work>,
    http: Http,
    random: fastrand::Rng,
    connection: Option<Connection>,
}

impl Client {
    pub(crate) fn new(work: &Arc<Work>, number: u64, seed: u64) -> Self {
        Self {
            work: Arc::clone(work),
            http: if number.is_multiple_of(4) {
                Http::Two
            } else {
                Http::One
            },
            random: fastrand::Rng::with_seed(seed.wrapping_mul(1 << 20) + number),
            connection: None,
        }
    }

    pub(crate) async fn run(mut self) {
        loop {
            let format = Format::of(self.work.next_batch.fetch_add(1, SeqCst));
            let Some(keys) = self.take(format) else {
                return;
            };
            let manner = Manner::random(&mut self.random);
            let sent = timeout(PATIENCE, self.send(manner, format, keys.clone())).await;
            let problem = match sent {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it hangs".to_owned(),
            };
            self.connection = None;
            let batch = format_args!("{format:?}, {manner:?}, {:?}, items {keys:?}", self.http);
            self.work
                .notes
                .report(format!("batch ({batch}): {problem}"));
        }
    }

    fn take(&mut self, format: Format) -> Option<Range<usize>> {
        let most = match format {
            Format::NdJson => MAX_STREAMED,
            Format::Json | Format::Multipart => MAX_ITEMS,
        };
        self.work.take(self.random.usize(1..=most))
    }

    /// Sends a batch, and notes its responses.
    ///
    /// # Errors
    ///
    /// If a client that stays gets none, or a wrong one.
    async fn send(
        &mut self,
        manner: Manner,
        format: Format,
        keys: Range<usize>,
    ) -> Result<(), BoxError> {
        let server = self.work.server;
        let moment = LEAVES_WITHIN.mul_f64(self.random.f64());
        // `None` if the client has left, or the server has cut the connection.
        let replies = match manner {
            Manner::Stays => {
                let mut connection = match self.connection.take() {
                    Some(connection) => connection,
                    None => Connection::open(server, self.http).await?,
                };
                let replies = connection.exchange(format, keys.clone()).await?;
                self.connection = Some(connection);
                Some(replies)
            }
            Manner::Leaves => {
                let mut connection = Connection::open(server, self.http).await?;
                let exchange = connection.exchange(format, keys.clone());
                timeout(moment, exchange).await.ok().transpose()?
            }
            Manner::HalfCloses => {
                // In HTTP/2, streams have halves, and a connection has none.
                let mut connection = Connection::open(server, Http::One).await?;
                let socket = connection.socket().try_clone()?;
                let closing = async {
                    sleep(moment).await;
                    socket.shutdown(Shutdown::Write)
                };
                let exchange = connection.exchange(format, keys.clone());
                tokio::join!(exchange, closing).0.ok()
            }
            Manner::Pipelines => {
                let Some(second) = self.take(format) else {
                    return Ok(());
                };
                let stream = pipeline(server, format, [keys.clone(), second]).await?;
                sleep(moment).await;
                drop(stream);
                None
            }
        };
        match replies {
            Some(replies) => self.work.notes.read(keys, &replies),
            None => {
                self.work.notes.left(manner);
                Ok(())
            }
        }
    }
}
