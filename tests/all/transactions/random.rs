//! Random batches: what remains is what the groups and items with successful responses have done.

use proptest::collection::vec;
use proptest::prelude::*;

use super::grouped::check;
use crate::model::Dice;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_effects_that_remain_are_those_of_what_succeeded(dice in vec(any::<u8>(), 0..120)) {
        check(Dice::new(&dice));
    }
}
