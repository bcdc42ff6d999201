//! A soak test: a server with a batch endpoint, and clients that send up to a million items in
//! batches, while items fail in every way and clients leave at random moments.
//!
//! `cargo run --release --manifest-path examples/soak/Cargo.toml -- --items 1000000 --chart a.svg`
//!
//! The server writes into a ledger what it does with each item, and the clients write down each
//! response. At the end the two are compared, and a verdict says whether an item was lost or ran
//! twice, and whether the server still holds memory, tasks or files. The server is a process of its
//! own, so that its memory is its own. The figures come from `/proc`, so the program needs Linux.

mod chart;
mod client;
mod exchange;
mod fault;
mod format;
mod ledger;
mod multipart;
mod run;
mod samples;
mod server;
mod verdict;

pub use chart::chart;
pub use fault::Fault;
pub use ledger::{Entry, Ledger};
pub use run::{Report, Settings, run};
pub use samples::{Sample, Stats, stats};
pub use server::{ITEM_TIMEOUT, serve};
pub use verdict::{Batches, Seen, problems_of_items, problems_of_samples};
