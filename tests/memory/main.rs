//! The peak of memory of a batch, counted by the allocator.

mod formula;
#[path = "../no_runtime/mod.rs"]
mod no_runtime;
mod streamed;
