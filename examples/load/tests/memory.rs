//! The memory of the server does not depend on the number of items.

use std::path::Path;
use std::time::Duration;

use load::{Measured, Way, measure};

const MAX_GROWTH: u64 = 16 << 20;

async fn measured(way: Way, count: usize) -> Measured {
    let program = Path::new(env!("CARGO_BIN_EXE_load"));
    let measured = measure(program, way, count, |_| {});
    let measured = tokio::time::timeout(Duration::from_secs(300), measured).await;
    let measured = measured.expect("it ends").expect("every item is answered");
    let rate = count as f64 / measured.time.as_secs_f64();
    println!("{way}: {count} items, {rate:.0} a second, {measured:?}");
    measured
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_takes_as_much_memory_however_many_items_it_has() {
    for count in [10_000, 100_000] {
        let growth = measured(Way::Stream, count).await.growth();
        assert!(
            growth <= MAX_GROWTH,
            "{count} items took {growth} bytes more than none"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_answered_too() {
    for way in [Way::Batches { at_once: 1 }, Way::Batches { at_once: 8 }] {
        measured(way, 10_050).await;
    }
}
