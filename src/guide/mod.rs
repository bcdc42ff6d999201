//! The guide: pages of about three minutes each. Begin with [`stack`].
//!
//! Every Rust example is compiled as a test, and run unless it starts a server. The project's CI
//! sends every `curl` command to the example server, and compares the response with the one that
//! the page shows.

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

#[doc = include_str!("shapes.md")]
pub mod shapes {}

#[doc = include_str!("streams.md")]
pub mod streams {}

#[doc = include_str!("transactions.md")]
pub mod transactions {}

#[doc = include_str!("durable.md")]
pub mod durable {}

#[doc = include_str!("retrying.md")]
pub mod retrying {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("clients.md")]
pub mod clients {}

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
#[doc = include_str!("client.md")]
pub mod client {}

#[doc = include_str!("security.md")]
#[doc = include_str!("../../SECURITY.md")]
pub mod security {}

#[doc = include_str!("observing.md")]
pub mod observing {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("beyond_one_machine.md")]
pub mod beyond_one_machine {}

#[doc = include_str!("scope.md")]
pub mod scope {}

#[doc = include_str!("compile_errors.md")]
pub mod compile_errors {}
