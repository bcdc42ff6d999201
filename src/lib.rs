//! Many HTTP requests in, one Multi-Status response out, for any tower service.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![cfg_attr(
    not(feature = "json"),
    allow(dead_code, reason = "some of it only JSON uses")
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

mod describe;
mod flow;
mod future;
mod head;
mod layer;
mod service;

mod config;
mod engine;
mod format;
mod negotiate;
mod policy;
mod preferences;

mod body;
mod error;
mod fault;
mod gathered;
mod media_type;
mod subrequest;
mod subresponse;
mod target;
mod trace;

pub use body::{RequestBody, ResponseBody};
pub use config::{Limits, Order};
pub use error::{Error, ErrorKind};
#[cfg(feature = "multistatus")]
#[cfg_attr(docsrs, doc(cfg(feature = "multistatus")))]
pub use format::MultiStatus;
#[cfg(feature = "multipart")]
#[cfg_attr(docsrs, doc(cfg(feature = "multipart")))]
pub use format::Multipart;
pub use format::{Decoder, Encoder, Format, Frames};
#[cfg(feature = "json")]
#[cfg_attr(docsrs, doc(cfg(feature = "json")))]
pub use format::{Json, NdJson};
pub use future::ResponseFuture;
pub use layer::{BatchLayer, check};
pub use policy::{EnvelopeStatus, ItemHeaders, SetCookie, SubrequestInfo, Summary};
pub use service::Batch;
pub use subrequest::Subrequest;
pub use subresponse::Subresponse;
