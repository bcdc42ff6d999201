//! What the crate promises, through its public interface; a module a topic.

mod probe;
mod support;

mod cancellation;
mod deadlines;
mod laws;
mod lines;
mod passthrough;
mod places;
mod readiness;
mod smoke;
mod stacks;
mod streaming;
#[cfg(feature = "tracing")]
mod tracing;
mod transports;
