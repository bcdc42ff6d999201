//! The client half: a layer that turns single requests into batches.
//!
//! ```text
//!   call ─► entry ─► arrivals ─┬─► queue ─► pack ─► in flight ─► reply
//!                              └─► alone
//! ```

mod alone;
mod arrivals;
mod body;
mod call;
mod entry;
mod error;
mod extensions;
mod item_urls;
mod key;
mod layer;
mod place;
mod presets;
mod retry;
mod service;
mod setters;
mod settings;
mod waiting;
mod worker;

pub use body::ClientBody;
pub use call::BatchClientFuture;
pub use error::{BatchClientError, BatchClientErrorKind};
pub use extensions::{Batched, DependsOn, ItemId, NotBatched};
pub use item_urls::ItemUrls;
pub use layer::BatchClientLayer;
pub use retry::Retry;
pub use service::BatchClient;
pub use worker::BatchClientWorker;
