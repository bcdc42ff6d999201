//! What the callbacks `on_response` and `on_batch` get.

mod batch;
mod item;

pub use self::batch::CompletedBatch;
pub(crate) use self::batch::End;
pub use self::item::Completed;
