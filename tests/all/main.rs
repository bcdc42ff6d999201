//! What the crate promises, through its public interface; a module a topic.

mod support;

mod faults;
mod panics;
mod smoke;
mod statuses;
mod time;
