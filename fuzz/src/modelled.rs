//! A batch that the input makes does what the model says.

use crate::model::{Dice, check, generate};

pub(crate) fn run(data: &[u8]) {
    check(&generate(Dice::new(data)));
}
