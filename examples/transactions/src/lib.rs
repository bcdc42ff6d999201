//! An axum application with accounts and transfers, whose atomicity groups are transactions of
//! SQLite or PostgreSQL.
//!
//! `cargo run --manifest-path examples/transactions/Cargo.toml` serves it on 127.0.0.1:3000.

use axum::Router;
use axum::routing::{get, post};
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets, Multipart};

pub mod accounts;
pub mod bank;
pub mod db;
pub mod error;
pub mod server;

use crate::bank::Bank;

/// Creates the application: the API, and a batch endpoint for it.
pub fn app(bank: &Bank) -> Router {
    let api = api().with_state(bank.clone());
    api.clone().route_service("/batch", layer(bank).layer(api))
}

/// The API that items and ordinary requests reach. It has no code for batches.
pub fn api() -> Router<Bank> {
    Router::new()
        .route("/accounts", get(accounts::list).post(accounts::open))
        .route("/accounts/{name}", get(accounts::show))
        .route("/transfers", post(accounts::transfer))
}

/// The batch endpoint. Groups run in transactions of the database.
pub fn layer(bank: &Bank) -> BatchLayer {
    BatchLayer::new("/batch")
        .format(Multipart::new())
        .change_sets(ChangeSets::in_transactions(bank.clone()).whole_batch_if_preferred(true))
}
