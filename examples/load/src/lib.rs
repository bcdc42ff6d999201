//! Sends many items through a batch endpoint over HTTP/2, and checks every response: as one stream
//! of NDJSON, and as JSON batches of 100. Reports items a second, and the memory of the server.
//!
//! `cargo run --release --manifest-path examples/load/Cargo.toml -- 1000000` sends a million.
//!
//! The server is a process of its own, so its memory is its own too. It runs until its standard
//! input ends. The figures come from `/proc`, so the program needs Linux.

mod client;
mod items;
mod ledger;
mod process;
mod server;

use std::path::Path;
use std::time::{Duration, Instant};

pub use client::Way;
pub use ledger::{Envelope, Response};
pub use process::{Memory, SERVE, ServerProcess};
pub use server::{app, serve};
use tower::BoxError;

/// What it took to send the items one way.
#[derive(Debug)]
pub struct Measured {
    pub time: Duration,
    /// The CPU time of the server.
    pub cpu: Duration,
    /// The memory of the server before the first connection.
    pub idle: Memory,
    /// The memory of the server after the last response.
    pub after: Memory,
}

impl Measured {
    /// The bytes by which the peak of the server's memory exceeds its idle value.
    #[must_use]
    pub fn growth(&self) -> u64 {
        self.after.peak.saturating_sub(self.idle.now)
    }
}

/// Sends items to a new server, and checks that each is answered exactly once, with the right
/// status and body. `program` is this program. `advance` is called with the number of items of each
/// step.
///
/// # Errors
///
/// If a response is wrong or missing, or the server fails.
pub async fn measure(
    program: &Path,
    way: Way,
    count: usize,
    advance: impl Fn(usize),
) -> Result<Measured, BoxError> {
    let server = ServerProcess::start(program, &[])?;
    let idle = server.memory()?;
    let (started, cpu) = (Instant::now(), server.cpu()?);
    client::send(server.address(), way, count, advance).await?;
    Ok(Measured {
        time: started.elapsed(),
        cpu: server.cpu()?.saturating_sub(cpu),
        idle,
        after: server.memory()?,
    })
}
