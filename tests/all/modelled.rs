//! The layer does what the model says.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::model::batch::Batch;
use crate::model::{Dice, check, generate};

fn batch() -> impl Strategy<Value = Batch> {
    vec(any::<u8>(), 0..300).prop_map(|bytes| generate(Dice::new(&bytes)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_batch_does_what_the_model_says(batch in batch()) {
        check(&batch);
    }
}
