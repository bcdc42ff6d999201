//! What the crate promises, through its public interface; a module a topic.

mod support;

#[cfg(feature = "multipart")]
mod multipart;
mod smoke;
