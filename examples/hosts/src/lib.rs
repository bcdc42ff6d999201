//! A batch endpoint in each framework, and around each HTTP client, of the page `guide::hosts` in
//! the documentation of `tower-multistatus`. `cargo test --manifest-path examples/hosts/Cargo.toml`
//! tests all of them over sockets.

pub mod axum;
pub mod client;
pub mod hyper;
pub mod lambda;
pub mod poem;
pub mod salvo;
pub mod tonic;
pub mod warp;

mod sync;
