//! Runs a batch.

mod answer;
mod call;
mod context;
mod dispatch;
mod in_flight;
mod names;
mod outcome;
mod plan;
mod references;
mod spawned;
mod timer;

pub(crate) use answer::{Answer, Whole};
pub(crate) use call::Inner;
pub(crate) use context::{Asked, Context};
pub(crate) use plan::{Plan, Rules};
pub(crate) use timer::{Instant, Timer};
