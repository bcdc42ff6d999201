//! Groups in transactions that fail, as the tests of the crate run them.

#[path = "../../tests/all/transactions/grouped.rs"]
mod grouped;
#[path = "../../tests/all/transactions/store.rs"]
mod store;

use crate::model::Dice;

pub(crate) fn run(data: &[u8]) {
    grouped::check(Dice::new(data));
}
