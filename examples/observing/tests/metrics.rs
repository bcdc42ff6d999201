//! The metrics of the guide page.

use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use observing::measured::measured;
use tower_multistatus::BatchLayer;

mod support;

use support::{run, send_batches};

#[test]
fn metrics_count_every_item_and_every_batch() {
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        run(send_batches(measured(BatchLayer::new("/batch"))));
    });
    let mut counts = BTreeMap::new();
    for (key, _, _, value) in snapshots.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        let labels = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()));
        let name = format!("{} {}", key.name(), labels.collect::<Vec<_>>().join(" "));
        let count = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Histogram(values) => values.len() as u64,
            DebugValue::Gauge(_) => unreachable!("there is no gauge"),
        };
        counts.insert(name, count);
    }
    let expected = [
        ("batch_item_seconds route=/fail", 1),
        ("batch_item_seconds route=/users/{id}", 1),
        ("batch_item_seconds route=none", 1),
        ("batch_items route=/fail status=409 error=none", 1),
        ("batch_items route=/users/{id} status=200 error=none", 1),
        (
            "batch_items route=none status=424 error=failed-dependency",
            1,
        ),
        ("batch_seconds ", 2),
        ("batches end=refused error=malformed", 1),
        ("batches end=responded error=none", 1),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(counts, BTreeMap::from(expected));
}
