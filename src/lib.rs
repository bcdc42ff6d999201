//! A batch endpoint for any tower service: many HTTP requests in, one Multi-Status response out.
//!
//! [`BatchLayer`] is middleware. A client sends one *batch* of many requests. Each *item* of the
//! batch runs through the inner service, in process, as a request of its own. The client gets all
//! responses at once, or each as soon as its item finishes.
//!
//! ```
//! use axum::{Router, routing::get};
//! use http::{Request, StatusCode};
//! use http_body_util::BodyExt;
//! use tower::{Layer, ServiceExt};
//! use tower_multistatus::BatchLayer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let api: Router = Router::new().route("/hello", get(async || "hello"));
//! let batch = BatchLayer::new("/batch").layer(api.clone());
//! let app: Router = api.route_service("/batch", batch);
//!
//! let batch = r#"{"requests":[
//!     {"id":"a","method":"GET","url":"/hello"},
//!     {"id":"b","method":"GET","url":"/nowhere"}]}"#;
//! let request = Request::post("/batch")
//!     .header("content-type", "application/json")
//!     .body(batch.to_owned())
//!     .unwrap();
//! let response = app.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), StatusCode::MULTI_STATUS);
//! let body = response.into_body().collect().await.unwrap().to_bytes();
//! assert_eq!(body, r#"{"responses":[
//! {"id":"a","status":200,"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"hello"},
//! {"id":"b","status":404,"headers":{},"body":null}]}"#);
//! # });
//! ```
//!
//! # How a batch runs
//!
//! ```text
//!    POST /batch                                                  207 Multi-Status
//!        │                                                               ▲
//!    negotiate ─► decode ─► plan ─► dispatch ─┬─► your service ─┐        │
//!    pick the     bytes     check   up to 8   ├─► your service ─┼─► encode
//!    formats      to        every   items at  └─► your service ─┘   responses
//!                 items     item    a time                          to bytes
//!
//!    any other request ───────────────────────► your service, untouched
//! ```
//!
//! # Guide
//!
//! | page | |
//! | --- | --- |
//! | [`stack`](guide::stack) | mounting in axum, and the order of layers |
//! | [`hosts`](guide::hosts) | hyper, tonic, AWS Lambda, warp, salvo, poem, HTTP clients |
//! | [`handlers`](guide::handlers) | what extractors and middleware see in an item |
//! | [`items`](guide::items) | members of an item, headers, dependencies, cookies |
//! | [`formats`](guide::formats) | JSON, NDJSON, multipart, XML, your own |
//! | [`shapes`](guide::shapes) | JSON batches of other APIs: Kinto, WordPress, Salesforce, SCIM, your own |
//! | [`streams`](guide::streams) | batches without end, in NDJSON |
//! | [`transactions`](guide::transactions) | groups of items that succeed or fail together |
//! | [`durable`](guide::durable) | batches that run in the background and survive the process |
//! | [`retrying`](guide::retrying) | what a client does when a response was lost |
//! | [`errors`](guide::errors) | what fails one item, and what refuses the batch |
//! | [`clients`](guide::clients) | published clients that work unchanged |
//! | `client` | a client that sends its requests in batches (feature `client`) |
//! | [`security`](guide::security) | what an item can do, and the threats |
//! | [`observing`](guide::observing) | spans, events, log lines, metrics, the page |
//! | [`performance`](guide::performance) | what a batch costs |
//! | [`beyond_one_machine`](guide::beyond_one_machine) | a gateway in front of several servers |
//! | [`scope`](guide::scope) | what the layer does not do |
//! | [`compile_errors`](guide::compile_errors) | what to do when a layered service does not compile |
//!
//! # Types
//!
//! | for | types |
//! | --- | --- |
//! | a batch endpoint | [`BatchLayer`], its service [`Batch`] with [`ResponseFuture`], [`check_service`] |
//! | settings | [`ItemHeaders`], [`UrlBase`], [`EnvelopeStatus`], [`Order`], [`SetCookie`], [`ItemErrors`], [`ChangeSets`] |
//! | user callbacks | [`Admission`], [`AdmissionItem`], [`Decision`], [`Error`], [`ErrorKind`], [`Completed`], [`CompletedBatch`] |
//! | transactions | [`Transactions`], [`TransactionError`] |
//! | handlers | [`SubrequestInfo`] |
//! | a batch that runs later | [`CheckedBatch`], from [`BatchLayer::check`] |
//! | bodies | [`RequestBody`] of an item, [`ResponseBody`] of the outer response |
//! | formats | [`Json`], [`NdJson`], `Multipart`, `MultiStatus`, `ShapedJson` |
//! | a client (feature `client`) | `BatchClientLayer`, its service `BatchClient` with `BatchClientFuture`, `BatchClientWorker`, `ClientBody`, `BatchClientError`, `BatchClientErrorKind` |
//! | its settings and extensions | `ItemUrls`, `Retry`; `NotBatched`, `ItemId`, `DependsOn`, `Batched` |
//! | your own format | [`Format`], [`Decoder`], [`Encoder`], [`Terms`], [`Subrequest`], [`Subresponse`], [`Summary`], [`Frames`], [`Limits`]; for clients `RequestEncoder`, `ResponseDecoder` |
//!
//! # Settings
//!
//! Every setting is a method of [`BatchLayer`], with a default. See the [table of all
//! settings](BatchLayer#all-settings).
//!
//! ```
//! use http::StatusCode;
//! use std::time::Duration;
//! use tower_multistatus::{BatchLayer, EnvelopeStatus};
//!
//! # #[cfg(feature = "timeout")]
//! let batch = BatchLayer::new("/batch")
//!     .max_items(20)
//!     .concurrency(4)
//!     .item_timeout(Duration::from_secs(2))
//!     .status(EnvelopeStatus::collapse())
//!     .filter(|item| {
//!         if item.uri.path().starts_with("/admin/") {
//!             Err(StatusCode::FORBIDDEN)
//!         } else {
//!             Ok(())
//!         }
//!     });
//! ```
//!
//! # Promises
//!
//! 1. An item is one value, from the bytes of its request to the bytes of its response. The item
//!    that runs is byte for byte the item that was checked.
//! 2. The whole envelope is checked before any item runs. An error in its last byte [refuses the
//!    batch](guide::errors#what-refuses-the-batch). An invalid method, URL, header or body fails
//!    its item only. (A [stream](guide::streams) runs the items before the error, each after every
//!    check against those before it.)
//! 3. Every item of an accepted batch gets exactly one response, with its own id. No item runs
//!    twice, and nothing is retried.
//! 4. The envelope is well-formed whatever a handler does: any bytes, any headers, a panic, no
//!    response at all. No item can add, remove or change the result of another. (A program built
//!    with `panic = "abort"` still ends at a panic.)
//! 5. Memory is bounded by the settings: the envelope, each response, and all responses together.
//!    (A streamed response and a stream of items are never held whole.)
//! 6. Every batch ends by its `batch_timeout`, and a stream by its `idle_timeout`, whatever hangs:
//!    the upload, readiness, a call, the body of a response. (With the feature `timeout`. Nothing
//!    can interrupt a handler that blocks its thread, and a streamed response also waits for its
//!    reader.)
//! 7. The contract of tower holds: the instance that is called is the one that was made ready. A
//!    request that is not a batch uses what [`poll_ready`](tower::Service::poll_ready) has
//!    reserved. A batch releases it before the body is read.
//! 8. Dropping the response cancels all items in flight at once. No task outlives its batch,
//!    because none is spawned, unless you set [`BatchLayer::executor`]. With an executor, an item
//!    that another thread is polling at that moment ends with that poll.
//! 9. An item is trusted no more than the request that carried it. It may have a header of its own
//!    only if that cannot claim another peer, host, origin or user ([`ItemHeaders::guarded`]). It
//!    gets an extension only if [its type was registered](BatchLayer::inherit_extension).
//! 10. A batch inside a batch does not run. An item that is itself a batch for this layer fails
//!     with 508 and is not dispatched. A second batch endpoint that an item reaches refuses it with
//!     508.
//! 11. Errors never quote what a client has sent, and never contain the text of an inner error.
//!     They have a fixed title, a code and an index.
//! 12. The error type of the inner service does not change. A refusal is a response.
//!
//! Atomicity is not among these promises. An envelope that requires it is refused with 501, unless
//! your application [provides transactions](guide::transactions). [`scope`](guide::scope) lists
//! what else the layer does not do.
//!
//! # Features
//!
//! | feature | default | |
//! | --- | --- | --- |
//! | `json` | yes | [`Json`] and [`NdJson`], and the `graph` dialect |
//! | `timeout` | yes | `item_timeout`, `batch_timeout` and `idle_timeout`, with tokio's timer |
//! | `multipart` | no | `multipart/mixed` of `application/http`, and the `google` dialect; with `json`, the `odata` dialect |
//! | `multistatus` | no | the format `MultiStatus`: XML of RFC 4918 §13, written only |
//! | `shapes` | no | `Json::shaped` and the module `shape`: [JSON batches of other APIs](guide::shapes), with the presets `kinto`, `wordpress`, `salesforce`, `servicenow`, `parse`, `facebook`, `scim` and `jive` |
//! | `client` | no | `BatchClientLayer`, for clients; adds no crate to those of `json` and `timeout` |
//! | `tracing` | no | [spans and events](guide::observing) |
//! | `page` | no | `BatchLayer::page`: [a page to compose a batch and watch it](guide::observing#what-clients-see) |
//! | `test-util` | no | for the tests of handlers: `SubrequestInfo::new`; for the tests of formats: `Subresponse::new`, `Summary::new`, `Frames::into_bytes` |
//!
//! The server half spawns nothing and needs no runtime, with one exception: with `timeout`,
//! waiting for an item or for the upload needs a tokio runtime with its time driver. With
//! `#[tokio::main]` there is one. A runtime that is built by hand has to call `enable_time` or
//! `enable_all`. Without it, the layer panics when it has to wait. On other runtimes, disable the
//! default features.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![cfg_attr(
    not(feature = "json"),
    allow(dead_code, reason = "only JSON uses some of the functions")
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

pub mod guide;

/// JSON batches of other APIs, as data: a [`Shape`](shape::Shape), and what its tables consist of.
#[cfg(feature = "shapes")]
#[cfg_attr(docsrs, doc(cfg(feature = "shapes")))]
pub mod shape {
    pub use crate::format::{
        BodyForm, Document, ItemResult, Member, Output, Shape, Top, TopOutput,
    };
}

// The modules in layers, the public API first. A module imports only from layers below its own.
// `tests/imports.rs` checks this.

#[cfg(feature = "client")]
mod client;
mod layer;

#[cfg(feature = "json")]
mod openapi;
mod service;

mod describe;
mod flow;
mod future;
#[cfg(feature = "page")]
mod page;

mod checked;

mod negotiate;
mod refusal;
mod response_head;

mod engine;

mod rules;

mod watch;

mod config;

mod format;
mod policy;
mod preferences;

mod completed;
mod trace;

mod subresponse;

mod admission;
mod limits;
mod subrequest;
mod summary;
mod target;
mod transactions;

mod body;
mod error;
mod item_error;
mod times;

mod chunks;
mod clock;
mod content_length;
mod frames;
mod media_type;
mod panics;
mod problem;
mod status;

pub use admission::{Admission, AdmissionItem, Asynchronous, Decision, Immediate};
pub use body::{RequestBody, ResponseBody};
pub use checked::CheckedBatch;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use client::{
    BatchClient, BatchClientError, BatchClientErrorKind, BatchClientFuture, BatchClientLayer,
    BatchClientWorker, Batched, ClientBody, DependsOn, ItemId, ItemUrls, NotBatched, Retry,
};
pub use completed::{Completed, CompletedBatch};
pub use config::Order;
pub use error::{Error, ErrorKind};
#[cfg(feature = "multistatus")]
#[cfg_attr(docsrs, doc(cfg(feature = "multistatus")))]
pub use format::MultiStatus;
#[cfg(feature = "multipart")]
#[cfg_attr(docsrs, doc(cfg(feature = "multipart")))]
pub use format::Multipart;
#[cfg(feature = "shapes")]
#[cfg_attr(docsrs, doc(cfg(feature = "shapes")))]
pub use format::ShapedJson;
pub use format::{Decoder, Encoder, Format, Terms};
#[cfg(feature = "json")]
#[cfg_attr(docsrs, doc(cfg(feature = "json")))]
pub use format::{Json, NdJson};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use format::{RequestEncoder, ResponseDecoder};
pub use frames::Frames;
pub use future::ResponseFuture;
pub use item_error::ItemErrors;
pub use layer::{BatchLayer, check_service};
pub use limits::Limits;
pub use policy::{ChangeSets, EnvelopeStatus, ItemHeaders, SetCookie, SubrequestInfo, UrlBase};
pub use service::Batch;
pub use subrequest::Subrequest;
pub use subresponse::Subresponse;
pub use summary::Summary;
pub use transactions::{TransactionError, Transactions};

#[cfg(doctest)]
mod does_not_compile;

/// Runs the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Runs the example of `CONTRIBUTING.md` as a test.
#[cfg(doctest)]
#[doc = include_str!("../CONTRIBUTING.md")]
struct Contributing;
