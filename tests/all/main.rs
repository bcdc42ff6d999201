//! What the crate promises, through its public interface; a module a topic.

mod support;

mod answered;
mod concurrency;
mod faults;
mod headers;
mod hooks;
mod inherited;
mod item_headers;
mod limits;
mod mounting;
mod negotiation;
mod origins;
mod panics;
mod refusals;
mod setters;
mod settings;
mod smoke;
mod statuses;
mod targets;
mod time;
mod unread;
