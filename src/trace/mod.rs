//! Spans and events. Without the feature `tracing`, nothing is recorded.

#[cfg(feature = "tracing")]
mod events;
#[cfg(feature = "tracing")]
mod not_found;
#[cfg(feature = "tracing")]
mod spans;
#[cfg(feature = "tracing")]
mod text;
#[cfg(not(feature = "tracing"))]
mod without;

#[cfg(feature = "tracing")]
pub(crate) use events::{
    header_ignored, item_failed, item_replaced, refused, transaction_failed, upload_ended,
};
#[cfg(feature = "tracing")]
pub(crate) use not_found::{NotFound, Warned};
#[cfg(feature = "tracing")]
pub(crate) use spans::{BatchSpan, ItemSpan, is_recorded};
#[cfg(not(feature = "tracing"))]
pub(crate) use without::{
    BatchSpan, ItemSpan, NotFound, Warned, header_ignored, is_recorded, item_failed, item_replaced,
    refused, transaction_failed, upload_ended,
};

/// The target of every span and event, as documented in the guide.
#[cfg(feature = "tracing")]
const TARGET: &str = "tower_multistatus";
