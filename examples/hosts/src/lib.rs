//! A batch endpoint in other frameworks and around clients, a module each: what the table "Hosts"
//! in the documentation of `tower-multistatus` says, as code. `cargo test --manifest-path
//! examples/hosts/Cargo.toml` runs all of it over sockets.

pub mod axum;
pub mod client;
pub mod hyper;
pub mod lambda;
pub mod poem;
pub mod salvo;
pub mod tonic;
pub mod warp;

mod sync;
