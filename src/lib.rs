//! Many HTTP requests in, one Multi-Status response out, for any tower service.
//!
//! [`BatchLayer`] gives a service a batch endpoint. A client sends it one request with many in it; each of them runs against
//! the wrapped service, in process, and the client gets all answers at once, or each as it comes.
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
//! let batch = r#"{"requests":[{"id":"a","method":"GET","url":"/hello"},{"id":"b","method":"GET","url":"/nowhere"}]}"#;
//! let request = Request::post("/batch").header("content-type", "application/json").body(batch.to_owned()).unwrap();
//! let response = app.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), StatusCode::MULTI_STATUS);
//! let answer = response.into_body().collect().await.unwrap().to_bytes();
//! assert_eq!(answer, r#"{"responses":[
//! {"id":"a","status":200,"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"hello"},
//! {"id":"b","status":404,"headers":{},"body":null}]}"#);
//! # });
//! ```
//!
//! # The picture
//!
//! ```text
//!    POST /batch                                                  207 Multi-Status
//!        │                                                               ▲
//!    negotiate ─► decode ─► plan ─► dispatch ─┬─► your service ─┐        │
//!    who reads    bytes     check   at most   ├─► your service ─┼─► encode
//!    and who      to        all of  8 at a    └─► your service ─┘   answers
//!    writes       items     them    time                            to bytes
//!
//!    anything else ───────────────────────────► your service, untouched
//! ```
//!
//! An item is `id`, `method`, `url`, `headers`, `body` and `dependsOn`, its answer is `id`, `status`, `headers` and `body`;
//! [`Json`] says how they are written. Items run concurrently, 8 at a time. One that `dependsOn` others waits until those have
//! succeeded, and is answered with 424 if one of them has not.
//!
//! # What fails an item, and what refuses the batch
//!
//! An error of one item fails that item alone: its response is a problem document, and the other
//! items run. An error of the envelope refuses the whole batch: the outer response is one problem
//! document, and nothing runs.
//!
//! | fails the item | status |
//! | --- | --- |
//! | a bad method, URL, header or body | 400 |
//! | a method that is not [allowed](BatchLayer::allow_methods) | 405 |
//! | a URL outside of the prefix where the layer is [mounted](BatchLayer::mounted_at) | 404 |
//! | a body over [`max_item_body_bytes`](BatchLayer::max_item_body_bytes) | 413 |
//! | [`filter`](BatchLayer::filter) | its own |
//! | a batch as an item | 508 |
//! | an item that it depends on has failed, or an earlier one has and [no other is to run](BatchLayer::continue_on_error) | 424 |
//! | the inner service is not ready, fails or panics | 503, 500, 500; [`map_error`](BatchLayer::map_error) |
//! | its response breaks off, is [too large](BatchLayer::max_answer_bytes) or is not final | 502 |
//! | the responses are [too large together](BatchLayer::max_total_answer_bytes) | 507 |
//! | [`item_timeout`](BatchLayer::item_timeout), [`deadline`](BatchLayer::deadline) | 504 |
//!
//! | refuses the batch | [`ErrorKind`] | status |
//! | --- | --- | --- |
//! | no JSON or no multipart; an item without an id, or with a bad one; a member twice or in another spelling | `Malformed` | 400 |
//! | two items with one id | `DuplicateId` | 400 |
//! | a `dependsOn` that no earlier item has | `UnknownDependency` | 400 |
//! | too many items, or bytes of envelope | `TooManySubrequests`, `EnvelopeTooLarge` | 413 |
//! | a `Content-Type` that no format reads, or a `Content-Encoding` | `UnsupportedMediaType` | 415 |
//! | an `Accept` that no format writes | `NotAcceptable` | 406 |
//! | a condition (`if`), or an atomicity group that [`change_sets`](BatchLayer::change_sets) refuses | `UnsupportedAtomicity` | 501 |
//! | an upload that breaks off, or takes too long | `UploadFailed`, `UploadTimeout` | 400, 408 |
//! | [`admit`](BatchLayer::admit) | `NotAdmitted` | its own |
//! | more than 1,000 header fields, a batch that is an item, a callback that panics | `TooManyHeaders`, `NestedBatch`, `ServiceUnavailable` | 431, 508, 500 |
//!
//! ```
//! # use axum::{Router, routing::get};
//! # use http::Request;
//! # use http_body_util::BodyExt;
//! # use serde_json::Value;
//! # use tower::{Layer, ServiceExt};
//! # use tower_multistatus::BatchLayer;
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
//! let api: Router = Router::new().route("/hello", get(async || "hello"));
//! let service = BatchLayer::new("/batch").layer(api);
//! # let send = |items: &str| runtime.block_on(async {
//! #     let body = format!(r#"{{"requests":{items}}}"#);
//! #     let request = Request::post("/batch").header("content-type", "application/json");
//! #     let response = service.clone().oneshot(request.body(body).unwrap()).await.unwrap();
//! #     let body = response.into_body().collect().await.unwrap().to_bytes();
//! #     serde_json::from_slice::<Value>(&body).unwrap()
//! # });
//!
//! // A URL that no item may have:
//! let envelope = send(
//!     r#"[{"id":"a","method":"GET","url":"//example.com"},
//!         {"id":"b","method":"GET","url":"/hello"}]"#,
//! );
//! assert_eq!(envelope["responses"][0]["body"]["code"], "bad-target");
//! assert_eq!(envelope["responses"][1]["body"], "hello");
//!
//! // An id that two items have:
//! let problem = send(
//!     r#"[{"id":"a","method":"GET","url":"/hello"},
//!         {"id":"a","method":"GET","url":"/hello"}]"#,
//! );
//! assert_eq!(problem["code"], "duplicate-id");
//! ```
//!
//! # Headers, cookies and trailers
//!
//! - An item inherits the headers of the outer request, `Host`, `Authorization` and `Cookie` among
//!   them, except those about the envelope (`Content-*`, `Accept`, `Accept-Encoding`, `If-*`,
//!   `Range`, `Expect`, `Prefer`, `Max-Forwards`) and the connection. [`ItemHeaders`] says which it
//!   brings of its own.
//! - An `Idempotency-Key: "k"` of the outer request is `"k:<id>"` for an item that has none, so that
//!   items do not share it.
//! - Of an item's response, headers about the connection, `Access-Control-*`, [cookies](SetCookie)
//!   and trailers are dropped. No header of an item is set on the outer response, except by
//!   [`SetCookie::hoist`], and `Retry-After`: the largest of the items with 429 or 503, in seconds,
//!   unless the response is streamed.
//!
//! # Where it stands in a stack
//!
//! What is *outside* of the layer sees one request a batch, with the envelope as its body. What is *inside*, between the layer
//! and your handlers, sees each item as a request of its own. Other requests pass both.
//!
//! | layer | place | because |
//! | --- | --- | --- |
//! | TLS, decompression, compression, CORS, request body limit, trace of the whole | outside | they are about the envelope |
//! | authentication | inside; outside too, to refuse early | every item has to pass it |
//! | authorisation, rate limits, lists of allowed routes, audit | **inside** | outside they see one request where N run |
//! | timeout, catch-panic, trace of each item | inside | an item is a request |
//! | `ConcurrencyLimit` | inside it bounds items, outside it bounds batches | the *same* semaphore on both sides waits for itself for ever |
//!
//! A rate limiter that has to stand outside can charge for N items by [`BatchLayer::admit`].
//!
//! # How to mount it
//!
//! In axum it is a route beside the API, around a clone of the API:
//!
//! ```
//! # use axum::{Router, routing::get};
//! # use tower::Layer;
//! # use tower_multistatus::BatchLayer;
//! let api: Router = Router::new().route("/hello", get(async || "hello"));
//! let batch = BatchLayer::new("/batch").layer(api.clone());
//! let app: Router = api.route_service("/batch", batch);
//! ```
//!
//! - Ordinary requests do not pass the layer and keep their routes, so that metrics and traces
//!   outside see `MatchedPath`.
//! - Items go to `api` as it was cloned. A layer that is added to it before the clone reaches items
//!   and ordinary requests. One that is added to `app`, after `route_service`, wraps ordinary
//!   routes and the envelope, and does not reach items; a route that is added there does not exist
//!   for items.
//! - A nested router is wrapped with its prefix: `BatchLayer::new("/v1/batch")` around
//!   `Router::new().nest("/v1", api)`. Items then have the `OriginalUri`, `MatchedPath` and
//!   `NestedPath` of ordinary requests. With `nest_service("/v1", batch)` and
//!   [`mounted_at("/v1")`](BatchLayer::mounted_at) they do not: an item's matched path is
//!   `/users/{id}` where an ordinary request's is `/v1/users/{id}`.
//! - `fallback_service` is for services that are no routers, and for batch paths that cannot be a
//!   route. All requests then pass the layer, and metrics outside see no `MatchedPath`: they have a
//!   label for each URL.
//!
//! ## Not with `Router::layer`
//!
//! axum's `Router::layer` wraps each *route* and not the router, so the items of a batch all end at
//! the one handler that the batch itself was routed to, whatever they ask for. Wrap the whole
//! router instead, as above.
//!
//! Layers of the API reach items and ordinary requests. Around the batch endpoint a `ServiceBuilder`
//! has those that are about the envelope, and about items alone, from the outside in:
//!
//! ```
//! use axum::{Router, body::Body, extract::Request, middleware, response::Response, routing::get};
//! use tower::ServiceBuilder;
//! use tower_http::{limit::RequestBodyLimitLayer, map_request_body::MapRequestBodyLayer};
//! use tower_multistatus::BatchLayer;
//!
//! async fn authorize(request: Request, next: middleware::Next) -> Response {
//!     // Sees every item and every ordinary request.
//!     next.run(request).await
//! }
//!
//! async fn audit(request: Request, next: middleware::Next) -> Response {
//!     // Sees every item.
//!     next.run(request).await
//! }
//!
//! let api: Router = Router::new()
//!     .route("/hello", get(async || "hello"))
//!     .layer(middleware::from_fn(authorize));
//! let batch = ServiceBuilder::new()
//!     .layer(RequestBodyLimitLayer::new(1 << 20))
//!     .layer(BatchLayer::new("/batch"))
//!     .layer(MapRequestBodyLayer::new(Body::new)) // `from_fn` takes axum's body and no other
//!     .layer(middleware::from_fn(audit))
//!     .service(api.clone());
//! let app: Router = api.route_service("/batch", batch);
//! ```
//!
//! ## Send without delay
//!
//! Set `TCP_NODELAY`, which axum and hyper do not. Without it a streamed line waits until the
//! client has acknowledged the one before, and clients delay that: a line that is ready after 10 ms
//! arrives after 40.
//!
//! ```no_run
//! use axum::{Router, extract::ConnectInfo, routing::get, serve::ListenerExt};
//! use std::net::SocketAddr;
//! use tower::Layer;
//! use tower_multistatus::BatchLayer;
//!
//! # async fn serve() -> std::io::Result<()> {
//! let api: Router = Router::new().route("/hello", get(async || "hello"));
//! let batch = BatchLayer::new("/batch").inherit_extension::<ConnectInfo<SocketAddr>>();
//! let app = api.clone().route_service("/batch", batch.layer(api));
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
//! # }
//! ```
//!
//! # What an item is to extractors and middleware
//!
//! An item has a method, a URL, headers and a body, and of the outer request's extensions those
//! types that were [registered](BatchLayer::inherit_extension). What a handler takes from an
//! extension that something outside has put there is missing in items otherwise: axum responds to
//! them with 500. "Inside" is between the layer and the handlers, "outside" is around the batch
//! endpoint. `examples/stack` has all of it in one application, and a test of each row.
//!
//! | what a handler or middleware uses | inside | outside |
//! | --- | --- | --- |
//! | `Path`, `Query`, `Json`, `Form`, `State` | as in ordinary requests; the body of a form is a string in an envelope of JSON | |
//! | `MatchedPath`, `OriginalUri` | the item's own | |
//! | `ConnectInfo<SocketAddr>` | | `inherit_extension::<ConnectInfo<SocketAddr>>()`, else 500; the server needs `into_make_service_with_connect_info` |
//! | a `User` that an auth middleware adds | each item is authenticated, by the headers that it inherits | `inherit_extension::<User>()`, else 500 |
//! | `.layer(Extension(pool))` | works | 500 in items and only there, unless `inherit_extension::<Pool>()` |
//! | `DefaultBodyLimit` | bounds the body of each item | does not bound the envelope: [`max_envelope_bytes`](BatchLayer::max_envelope_bytes) does |
//! | sessions (tower-sessions) | each item loads its own; a cookie that starts one is dropped, or set by [`SetCookie::hoist`], the last one | `inherit_extension::<Session>()`: one session for all items, its cookie on the outer response |
//! | `SetRequestId` | an id for each item, if the outer request has none | the same id for all items, as a header; with `inherit_extension::<RequestId>()` as an extension |
//! | a governor by the peer's address (tower_governor) | charges for each item; without `ConnectInfo` every item is 500, "Unable To Extract Key!" | charges for one request, whatever is in it |
//! | metrics by `MatchedPath` | a line for each item, under its own route | one line for the batch |
//!
//! # Hosts
//!
//! The layer is a `tower::Layer` around any `Service` of `http::Request`. `examples/hosts` has each
//! row as code, with a test.
//!
//! | host | the layer is mounted | note |
//! | --- | --- | --- |
//! | axum 0.8 | as a route [beside the API](#how-to-mount-it) | |
//! | hyper 1 | around the service, in `TowerToHyperService` | |
//! | tonic 0.14 | `Server::builder().layer(..)`, or as a route beside `Routes::into_axum_router()` | gRPC calls pass through, and cannot be items: a call's status is in its trailers, which are dropped. Refuse `application/grpc` by [`filter`](BatchLayer::filter). Set `accept_http1(true)` for clients without HTTP/2 |
//! | lambda_http 1 | around the service that `lambda_http::run` gets | `run` buffers the response: nothing is streamed. A stage other than `$default` is a part of the path: `BatchLayer::new("/prod/batch")` |
//! | warp 0.4 | around `warp::service(filter)`, served by hyper | the filter is boxed, so that it can be named |
//! | salvo 1 | as a handler, by `TowerServiceCompat` | items reach salvo's routes through a `salvo::Service` of their own, and have no peer. The response body has to be `Sync`: `SyncStream` of sync_wrapper around it. Needs Rust 1.95 and salvo's feature `test`, a default one, which has `Service::handle` |
//! | poem 3 | as an endpoint, by `TowerCompatExt` | items reach poem's endpoint through a `service_fn`, and have no peer. `Sync` as for salvo |
//! | a client of hyper-util | as the inner service, behind `map_request` | an item has no authority: the mapping adds the upstream's. The upstream sees the batch's own `Host`. An error is 502 by [`map_error`](BatchLayer::map_error), else 500 |
//! | a client of reqwest 0.13 | as the inner service, in a `service_fn` | the same; switch redirects off, so that they are the items' |
//!
//! # Formats
//!
//! | format | media types | reads | writes |
//! | --- | --- | --- | --- |
//! | [`Json`] | `application/json` | yes | yes |
//! | [`NdJson`] | `application/x-ndjson`, `application/jsonl`, `application/ndjson` | no | yes, as items finish |
//! | `Multipart` (feature `multipart`) | `multipart/mixed`, `multipart/batch` | yes | yes |
//! | `MultiStatus` (feature `multistatus`) | `application/xml`, `text/xml` | no | yes |
//! | yours | by [`Format`] | by [`Decoder`] | by [`Encoder`] |
//!
//! JSON and NDJSON are in every [`BatchLayer::new`]; others are added with [`BatchLayer::format`].
//! `Content-Type` says who reads, `Accept` who writes: JSON in with NDJSON out is one request.
//!
//! | asked in | `Accept` | answered in |
//! | --- | --- | --- |
//! | JSON | none, `*/*`, `application/*`, `application/json` | JSON |
//! | JSON | any other type of the table, or its range | that format; by weight, then by the more exact range |
//! | JSON | only what nobody writes | refused with 406 |
//! | multipart | none, any range, `application/json`, what nobody writes | multipart |
//! | multipart | another type of the table, by name | that format |
//! | anything else | | refused with 415, with `Accept-Post` |
//!
//! # Dialects
//!
//! Published clients of Microsoft Graph, OData and Google's APIs work with [`BatchLayer::graph`], `BatchLayer::odata` and
//! `BatchLayer::google` (feature `multipart`). Each sets public settings only, and its docs say which.
//!
//! # Settings
//!
//! Limits, times, order, status, hooks: every one is a method of `BatchLayer`, and its docs have [the table of all
//! defaults](BatchLayer#all-settings). None has to be set.
//!
//! # What it promises
//!
//! 1. An item is one value from the bytes to its answer. What was checked is byte for byte what runs.
//! 2. The whole envelope is checked before anything runs. An error in its last byte [refuses the
//!    batch](#what-fails-an-item-and-what-refuses-the-batch); a bad method, URL, header or body fails its item alone.
//! 3. Every item of an accepted batch gets exactly one answer, under its own id. None runs twice, nothing is retried.
//! 4. The answer is well-formed whatever a handler does: any bytes, any headers, a panic, no answer at all. No item can add,
//!    remove or change another's result. (A program built with `panic = "abort"` still ends at a panic.)
//! 5. Memory is bounded by the settings: what is read, each answer, and all answers together. (A streamed answer is never held
//!    whole.)
//! 6. Every batch ends by its deadline, whatever hangs: the upload, readiness, a call, the body of an answer. (With the feature
//!    `timeout`. Nothing can interrupt a handler that blocks its thread, and a streamed answer also waits for its reader.)
//! 7. tower's contract is kept: the instance that was made ready is the one that is called. What
//!    [`poll_ready`](tower::Service::poll_ready) has reserved serves a request that passes through, and is given back before
//!    the body of a batch is read.
//! 8. Dropping the response cancels every item in flight at once. No task outlives its batch: none is spawned, unless you say
//!    so by [`BatchLayer::spawn`]; an item that is being polled on another thread at that moment ends with that poll.
//! 9. An item is trusted no more than the request that carried it: a header it brings is taken only
//!    if it cannot claim another peer, host, origin or user ([`ItemHeaders::guarded`]), and no
//!    extension reaches it unless [its type was registered](BatchLayer::inherit_extension).
//! 10. A batch inside a batch does not run: an item that this layer would itself take for a batch
//!     fails with 508 and is not dispatched, and a second batch endpoint that an item reaches
//!     refuses it with 508.
//! 11. Errors never quote what a client sent, and never show the text of an error of yours: a fixed title, a code, an index.
//! 12. The error type of your service stays what it is. A refusal is a response.
//!
//! It does not promise atomicity: an envelope that asks for it (a change set, `atomicityGroup`, `if`) is refused with 501, unless
//! you settle for [`ChangeSets::best_effort`]. The layer opens no connection: an item's URL is a path of the inner service, and never that
//! of another host. An inner service that is [a client itself](#hosts) decides where its requests go.
//!
//! # When items are 404
//!
//! The layer is inside `Router::layer`, which wraps each route, so that items reach one route only:
//! mount it [beside the router](#how-to-mount-it) with `route_service`. With the feature `tracing`,
//! a layer warns once when all items of a batch, two or more, are 404 without a body.
//!
//! # Tracing
//!
//! With the feature `tracing`, a batch is a span and each item a child of it. All spans and events
//! have the target `tower_multistatus`. They cost nothing while no subscriber wants them. A
//! subscriber, such as that of `tracing_subscriber::fmt().init()`, writes them to the log:
//!
//! ```text
//!  INFO batch{items=5}:subrequest{id="after" method="GET" path="/note"}: tower_multistatus: item failed code="failed-dependency" status=424
//!  INFO tower_multistatus: batch refused code="duplicate-id" status=400 item=1
//! ```
//!
//! | what | level | name or message | fields |
//! | --- | --- | --- | --- |
//! | a batch | `info` | span `batch` | `items`, `succeeded`, `failed` |
//! | an item | `info` | span `subrequest` | `id`, `method`, `path`, `status`, `duration_ms`; `link.traceparent`: the item's own `Traceparent` |
//! | a batch is refused | `info` | `batch refused` | `code`, `status`, `item` (an index) |
//! | an item fails in the layer | `info` | `item failed` | `code`, `status`; `item` (an index) if its span is closed already |
//! | the service's own code fails | `warn` | as the two above | `error`: the error of the inner service and its sources, joined by `: ` |
//! | an item's header is ignored | `debug` | `header of an item ignored` | `name`, `reason` |
//! | all items are 404 | `warn`, once a layer | `every item is 404: ..` | `items` |
//!
//! What a client or an error says is escaped and cut, to 128 and 1,024 characters. The queries of
//! URLs, other header values and bodies are never recorded. Refusals are `info` because any client
//! can cause them.
//!
//! # When it does not compile
//!
//! "The method exists but its trait bounds were not satisfied" (E0599) on a layered service hides the reason. Put [`check`]
//! around the service: `check::<Body, _>(service)`, with the type of body that your server gives it. The compiler then
//! names the bound:
//!
//! | the compiler says | because | do |
//! | --- | --- | --- |
//! | no method named `layer` | the trait is not in scope | `use tower::Layer;` |
//! | ``the trait `Clone` is not implemented for `S` `` | each item runs on a clone | derive it, or put `tower::buffer::Buffer` around the service |
//! | ``the trait `Error` is not implemented for `E` `` | the service's error has to be `Into<BoxError>` | implement `std::error::Error` for it, or `.map_err(..)` |
//! | ``future .. is not `Send` `` | servers move requests between threads | see the note on which value is held across an `.await` |
//! | ``expected `Bytes`, found ..`` | both bodies have to carry `bytes::Bytes` | `MapRequestBodyLayer`, `MapResponseBodyLayer` of tower-http |
//! | ``expected .. Request<RequestBody<B>> .. found .. Request<B>`` | an item has a body of its own | take [`RequestBody<B>`](RequestBody), or be generic over the body |
//! | ``Service<Request<RequestBody<Body>>> is not implemented for `FromFn` `` | axum's `from_fn` takes axum's body only | `MapRequestBodyLayer::new(Body::new)` [in between](#not-with-routerlayer) |
//! | ``expected `Response<_>`, found `Router` `` | that is a make-service | wrap the router before `into_make_service` |
//! | ``implementation of `From` is not general enough`` | the service's error is a `BoxError`, and the compiler forgets a lifetime in a future around its future | `BoxCloneSyncService::new(service)` of tower around the layered service |
//! | ``the trait `Service<Request<RequestBody<Body>>>` is not implemented for `Router<App>` `` | a router without its state is no service | `.with_state(app)` before the layer |
//! | ``expected `Response<Body>`, found `Response<ResponseBody<Body>>` `` | an envelope has a body of its own | `MapResponseBodyLayer::new(Body::new)` of tower-http outside |
//! | ``dyn Body .. cannot be shared between threads`` | [`ResponseBody`] is `Send` and not `Sync` | `UnsyncBoxBody` for `BoxBody`, `.boxed_unsync()` for `.boxed()`; where a host asks for `Sync`, `SyncStream` of sync_wrapper |
//!
//! # Features
//!
//! | feature | default | |
//! | --- | --- | --- |
//! | `json` | yes | [`Json`] and [`NdJson`] |
//! | `timeout` | yes | `item_timeout` and `deadline`, by tokio's timer |
//! | `multipart` | no | multipart envelopes, and the dialects of OData and Google |
//! | `multistatus` | no | the format `MultiStatus`: XML of RFC 4918 §13, written |
//! | `tracing` | no | [spans and events](#tracing) |
//! | `test-util` | no | `SubrequestInfo::new`, for the tests of handlers |
//!
//! The crate spawns nothing by itself and needs no runtime, with one exception: with `timeout`, and only when an item or the upload has
//! to wait, there has to be a tokio runtime with its time driver enabled (`#[tokio::main]` has it; a runtime built by hand
//! calls `enable_time` or `enable_all`). Without one it panics then. On other runtimes, switch default features off.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![cfg_attr(
    not(feature = "json"),
    allow(dead_code, reason = "some of it only JSON uses")
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

// The face: what a user builds, and what that is made into.
mod future;
mod layer;
mod service;

// The straight line, and what is settled along it.
mod describe;
mod flow;
mod head;
mod negotiate;
#[cfg(feature = "json")]
mod openapi;
mod preferences;

// What it uses: what the layer was told, the formats, the engine, the policies.
mod admission;
mod config;
mod engine;
mod format;
mod policy;

// The ground: one item and its answer, bodies and errors.
mod body;
mod error;
mod fault;
mod gathered;
mod media_type;
mod panics;
mod status;
mod subrequest;
mod subresponse;
mod target;
mod trace;

pub use admission::{Admission, AdmissionItem, Asynchronous, Decision, Immediate};
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
pub use policy::{
    ChangeSets, EnvelopeStatus, ItemErrors, ItemHeaders, SetCookie, SubrequestInfo, Summary,
};
pub use service::Batch;
pub use subrequest::Subrequest;
pub use subresponse::Subresponse;

#[cfg(doctest)]
mod does_not_compile;

/// Runs the README's examples as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
