//! The engine, which runs the items of a batch.

mod call;
mod dispatch;
mod executor;
mod held;
mod in_flight;
mod inner;
mod intake;
mod outcome;
mod plan;
mod references;
mod request;
mod response;
mod stream;
mod timer;

pub(crate) use inner::Inner;
pub(crate) use intake::Intake;
pub(crate) use plan::Plan;
pub(crate) use request::{admission, require_all_valid};
pub(crate) use response::{BatchResponse, BufferedResponse};
pub(crate) use stream::Stream;
pub(crate) use timer::{Instant, Timer};
