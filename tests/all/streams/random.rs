//! Random bytes as a stream. `modelled` has streams of random items.

use proptest::prelude::*;
use tower::Layer;
use tower_multistatus::BatchLayer;

use super::lines;
use crate::probe::Probe;
use crate::support::{run, send};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_end_with_one_summary(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let reply = run(send(BatchLayer::new("/batch").layer(Probe::new().1), lines(bytes)));
        let text = std::str::from_utf8(&reply.body).expect("UTF-8");
        let last = text.lines().last().expect("a line");
        let is_summary = last.starts_with("{\"summary\":");
        prop_assert!(is_summary);
    }
}
