//! Batches of [`tower_multistatus`] that run in the background, and survive the process.
//!
//! A client sends a batch with `Prefer: respond-async` (RFC 7240), and gets 202 and the URL of a
//! *monitor* (OData 4.01 Protocol §11.6). The batch is on the disk by then. A worker runs it, and
//! when the worker dies, another one continues it. The result comes in every format of the
//! [`BatchLayer`](tower_multistatus::BatchLayer).
//!
//! [`DurableLayer`] stands where `BatchLayer` stood. [apalis](https://docs.rs/apalis) is the queue,
//! in the same database: SQLite in a file, or PostgreSQL.
//!
//! ```
//! use axum::{Router, body::Body, routing::post};
//! use http::{Request, StatusCode};
//! use tower::{Layer, ServiceExt};
//! use tower_multistatus::BatchLayer;
//! use tower_multistatus_durable::{DurableLayer, Store};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("batches.db");
//! let api: Router = Router::new().route("/payments", post(async || StatusCode::CREATED));
//! let store = Store::sqlite(path).await.unwrap();
//! let durable = DurableLayer::new(BatchLayer::new("/batch"), store);
//! tokio::spawn(durable.worker(api.clone()));
//!
//! let service = durable.layer(api.clone());
//! let app = api
//!     .route_service("/batch", service.clone())
//!     .route_service("/batch/monitors/{id}", service);
//!
//! let batch = r#"{"requests":[{"id":"a","method":"POST","url":"/payments"}]}"#;
//! let request = Request::post("/batch")
//!     .header("content-type", "application/json")
//!     .header("prefer", "respond-async")
//!     .body(Body::from(batch))
//!     .unwrap();
//! let response = app.clone().oneshot(request).await.unwrap();
//! assert_eq!(response.status(), StatusCode::ACCEPTED);
//!
//! let monitor = response.headers()["location"].to_str().unwrap().to_owned();
//! let status = loop {
//!     let request = Request::get(&monitor).body(Body::empty()).unwrap();
//!     let response = app.clone().oneshot(request).await.unwrap();
//!     if response.status() != StatusCode::ACCEPTED {
//!         break response.status();
//!     }
//! #   tokio::time::sleep(std::time::Duration::from_millis(5)).await;
//! };
//! assert_eq!(status, StatusCode::OK);
//! # });
//! ```
//!
//! # On the wire
//!
//! | request | response |
//! | --- | --- |
//! | POST with `Prefer: respond-async` | refused like any other batch, or 202 without a body: `Location`, `Retry-After` and `Preference-Applied` |
//! | POST without it | the batch runs at once, never 202 |
//! | POST with `respond-async, wait=5` | the whole response if it comes within 5 s, otherwise 202 |
//! | GET of the monitor, while the batch runs | 202, `Retry-After`, and how far it is: `{"total":9,"done":4,"failed":1}` |
//! | the same, with `Accept: application/x-ndjson` | the lines that there are, then the others as they come |
//! | GET of the monitor, afterwards | 200, `AsyncResult` with the status of the batch, and the envelope, in the format that `Accept` names or the batch asked for |
//! | the same, with `Accept: application/http` | 200, and the whole response as a message in the body |
//! | DELETE of the monitor | 204 if nothing has begun; otherwise what was done, where the other items have 424 and the code `cancelled`. Afterwards the monitor is 404 |
//! | a monitor after [`keep`](DurableLayer::keep) | 410, and later 404 |
//! | POST with the `Idempotency-Key` of an earlier batch | the same monitor; 422 if it is another batch |
//! | POST while the store is down or full | 503 and `Retry-After`, and nothing is accepted |
//!
//! Some batches run at once in spite of the preference, which a server may ignore: those with a
//! [transaction](tower_multistatus::guide::transactions) of the application, which no other process
//! can continue; those whose items bring credentials, which would be stored; and those that are a
//! batch only by a header that is not stored (see [`when`](tower_multistatus::BatchLayer::when)).
//!
//! # What runs again
//!
//! A *journal* stores that an item with an unsafe method begins, before it runs, and its response,
//! before the layer gets it. When an attempt at a batch is lost, the next one asks the journal for
//! each item:
//!
//! | the journal has | the next attempt |
//! | --- | --- |
//! | a response | gives the layer this response |
//! | nothing | runs the item |
//! | that it has begun, and the item can be repeated: its method is safe or idempotent, or it has an `Idempotency-Key` | runs the item again |
//! | that it has begun, and the item cannot be repeated | fails it with 500 and the code `unknown-outcome`. It never runs twice |
//!
//! Every write names its attempt, and has no effect if another attempt has begun or the batch has
//! ended. So a worker that was believed dead and wakes up changes nothing, and begins nothing.
//!
//! This is what a crash does at each step, and it is the same for a worker whose lease has passed:
//!
//! | crash | what is lost |
//! | --- | --- |
//! | before the batch and its job are committed, in one transaction | the request. The client got no 202, and can send it again, with an `Idempotency-Key` safely even if it was committed |
//! | after that, before the client got 202 | the 202. A request with the same key gets it; without a key the batch runs, and nobody knows its monitor |
//! | before a worker has claimed the batch | nothing: its job is free after the lease |
//! | after the claim, before an item begins | one attempt. Attempts are counted by the claim, before anything runs, so a batch that kills its worker each time ends |
//! | while the begin of an unsafe item is being committed | nothing if it was not committed. If it was, the item did not run, and its outcome is unknown |
//! | while the item runs | its result: it runs again, or its outcome is unknown |
//! | after it has run, while its response is being committed | the same as while it runs |
//! | after that, before the layer has the response | nothing |
//! | while the response of an item is stored that the layer has made, for one that was too slow for example | the item has begun, and has no response: it runs again, or its outcome is unknown. An item that was not dispatched is checked again, with the same result |
//! | after all responses, before the end is committed | nothing: the next attempt finds all responses, and ends the batch. Its job is removed in the transaction that ends it |
//! | while a cancellation is being committed | nothing if it was not committed. If it was, the batch is gone, and a client that asks again gets 404 |
//!
//! # What rests in the database
//!
//! The URL and the body of the outer request, the headers of a [list](DurableLayer::store_headers),
//! what [`principal`](DurableLayer::principal) has returned, and the responses of items, without
//! `Set-Cookie`. `Authorization`, `Cookie` and `Proxy-Authorization` of the outer request are never
//! stored, and items in the background do not inherit them. Items get no extensions of the
//! connection, such as `ConnectInfo`.
//!
//! The id of a batch has 128 random bits of the system, and without an
//! [`owner`](DurableLayer::owner) it is all that a client needs to read the result. It is also in
//! the tables of the queue.
//!
//! # Workers
//!
//! [`DurableLayer::worker`] is a future to spawn, in the process that serves or in others. When a
//! process with the only worker on a SQLite file dies, the next one continues its batches at once:
//! in less than 100 ms, the start of the process included. With several processes, or on
//! PostgreSQL, others take over after the [`lease`](DurableLayer::lease), and within twice that
//! time.
//!
//! A worker that loses the database tries again until it is there, and the items that have run wait
//! to be stored. A handler that blocks its thread cannot be interrupted, but its batch ends by its
//! deadline.
//!
//! # Stores
//!
//! | feature | default | |
//! | --- | --- | --- |
//! | `sqlite` | yes | a file, for one machine: `Store::sqlite` |
//! | `postgres` | no | PostgreSQL, for a fleet: `Store::postgres` |
//!
//! There is no store in Redis. apalis has a queue there, but a batch and its job have to be
//! committed together, and an accepted batch has to be on the disk: Redis writes its log to the
//! disk once a second by default, and loses acknowledged writes when a replica takes over. A queue
//! in Redis beside a journal in another database would have no common transaction.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("turn the feature `sqlite` or `postgres` on");

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

/// Runs the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
