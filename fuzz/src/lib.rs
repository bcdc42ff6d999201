//! What the fuzz targets do with an input. A panic is a bug.
//!
//! Everything goes through the public interface. The parsers that check the responses are those of
//! the tests, and not those of the crate.

mod chunks;
mod client;
mod dialects;
mod exchange;
mod generators;
mod input;
mod json;
mod media_types;
mod modelled;
mod multipart;
mod ndjson;
mod oracle;
mod shapes;
mod splice;
mod streamed;
mod transactions;
mod urls;

#[path = "../../tests/all/json_reference.rs"]
mod json_reference;
#[path = "../../tests/model/mod.rs"]
mod model;

pub use generators::{Seed, generated};

/// A target: its name, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("chunks", chunks::run),
    ("client", client::run),
    ("dialects", dialects::run),
    ("json", json::run),
    ("media_types", media_types::run),
    ("model", modelled::run),
    ("multipart", multipart::run),
    ("ndjson", ndjson::run),
    ("shapes", shapes::run),
    ("splice_json", splice::json),
    ("splice_multipart", splice::multipart),
    ("splice_multistatus", splice::multistatus),
    ("splice_ndjson", splice::ndjson),
    ("streamed", streamed::run),
    ("targets", urls::run),
    ("transactions", transactions::run),
];

/// Runs the target with this name.
///
/// # Panics
///
/// If there is none, or the input shows a bug.
pub fn run(target: &str, input: &[u8]) {
    let (_, run) = TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .expect("a target");
    run(input);
}
