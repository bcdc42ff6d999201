//! What the crate promises, through its public interface; a module a topic.

#[cfg(feature = "multipart")]
mod captured_inner;
mod support;

#[cfg(feature = "multipart")]
mod captures;
#[cfg(feature = "multipart")]
mod multipart;
#[cfg(all(feature = "json", feature = "multistatus"))]
mod multistatus;
mod smoke;
