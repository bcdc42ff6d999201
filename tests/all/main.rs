//! What the crate promises, through its public interface; a module a topic.

mod probe;
mod support;

mod cancellation;
mod readiness;
mod smoke;
