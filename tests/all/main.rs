//! What the crate promises, through its public interface; a module a topic.

mod support;

mod concurrency;
mod faults;
mod hooks;
mod limits;
mod mounting;
mod origins;
mod panics;
mod setters;
mod settings;
mod smoke;
mod statuses;
mod targets;
mod time;
