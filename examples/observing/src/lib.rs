//! The code of the guide page `observing`, which needs crates that the layer itself does not have.

pub mod measured;
pub mod traced;
