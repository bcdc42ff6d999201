//! The layer does what the model says.

mod one_byte;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::model::batch::Batch;
use crate::model::{Dice, check, generate};

/// A batch of any items, with or without errors.
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The prediction does not depend on it.
    #[test]
    fn the_concurrency_changes_no_result(batch in batch()) {
        let mut batch = batch;
        batch.settings.continues = true;
        batch.readiness.truncate(1);
        for concurrency in [1, 8, 64] {
            batch.settings.concurrency = concurrency;
            check(&batch);
        }
    }
}
