//! x
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

mod accept;
mod attempts;
mod headers;
mod id;
mod journal;
mod layer;
mod monitor;
mod order;
mod prefer;
mod principal;
mod problem;
mod record;
mod replay;
mod run;
mod service;
mod store;
mod stored;
mod worker;
mod writer;

pub use layer::DurableLayer;
pub use principal::Principal;
pub use service::{Durable, DurableBody, OuterBody};
pub use store::{Store, StoreError};
