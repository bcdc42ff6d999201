//! The guide: pages that each take about three minutes to read.
//!
//! | page | read it to |
//! | --- | --- |
//! | [`stack`] | mount the layer in axum, and place your other layers around it or inside it |
//! | [`hosts`] | use it with hyper, tonic, AWS Lambda, warp, salvo or poem, or in front of an HTTP client |
//! | [`handlers`] | know what extractors and middleware see in an item |
//! | [`items`] | write a batch: members of an item, inherited headers, dependencies, cookies |
//! | [`formats`] | choose between JSON, NDJSON, multipart and XML |
//! | [`errors`] | know what fails one item and what refuses a whole batch |
//! | [`clients`] | serve published clients of Microsoft Graph, OData and Google, and describe the endpoint |
//! | [`security`] | know what an item can do, and which threats the layer handles |
//! | [`observing`] | read the spans, events and log lines |
//! | [`performance`] | know what a batch costs, and how to measure it |
//! | [`scope`] | know what the layer does not do |
//! | [`compile_errors`] | understand the compiler when a layered service does not compile |
//!
//! Every code block of these pages is compiled and run as a test. The project's CI sends every
//! `curl` command to the example server and compares the response with the one that is shown.

#[doc = include_str!("stack.md")]
pub mod stack {}

#[doc = include_str!("hosts.md")]
pub mod hosts {}

#[doc = include_str!("handlers.md")]
pub mod handlers {}

#[doc = include_str!("items.md")]
pub mod items {}

#[doc = include_str!("formats.md")]
pub mod formats {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("clients.md")]
pub mod clients {}

#[doc = include_str!("security.md")]
#[doc = include_str!("../../SECURITY.md")]
pub mod security {}

#[doc = include_str!("observing.md")]
pub mod observing {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("scope.md")]
pub mod scope {}

#[doc = include_str!("compile_errors.md")]
pub mod compile_errors {}
