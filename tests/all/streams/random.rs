//! Random batches have the same result as a stream and as a buffered envelope.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets};

use super::{Lines, lines};
use crate::probe::Probe;
use crate::support::{requests, run, send};

/// One item: what it does, which earlier items it depends on, and whether it is in a group.
type Item = (u8, Vec<u8>, u8);

fn items() -> impl Strategy<Value = Vec<Item>> {
    proptest::collection::vec(
        (0..6_u8, proptest::collection::vec(1..9_u8, 0..3), 0..6_u8),
        0..60,
    )
}

fn to_json(items: &[Item]) -> Vec<Value> {
    let paths = ["/ok", "/ok", "/fail", "/error", "/yield/2", "/panic"];
    let mut group = 0;
    let to_json = |(index, (kind, back, in_group)): (usize, &Item)| {
        let earlier = |back: &u8| index.checked_sub(usize::from(*back));
        let depends_on: BTreeSet<_> = back.iter().filter_map(earlier).collect();
        let depends_on: Vec<_> = depends_on.iter().map(ToString::to_string).collect();
        let mut item = json!({
            "id": index.to_string(), "method": "GET", "url": paths[usize::from(*kind)],
            "dependsOn": depends_on,
        });
        if *in_group < 2 {
            item["atomicityGroup"] = json!(format!("g{group}"));
        } else {
            group += 1;
        }
        item
    };
    items.iter().enumerate().map(to_json).collect()
}

type Results = BTreeMap<String, (u64, Value)>;

fn results<'a>(items: impl Iterator<Item = &'a Value>) -> Results {
    let mut results = Results::new();
    for item in items {
        let id = item["id"].as_str().expect("an id").to_owned();
        let result = (
            item["status"].as_u64().expect("a status"),
            item["body"].clone(),
        );
        assert!(
            results.insert(id, result).is_none(),
            "one response for each item"
        );
    }
    results
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_stream_has_the_results_of_a_buffered_envelope(
        items in items(),
        concurrency in 1..9_usize,
        chunk in 1..400_usize,
    ) {
        let items = to_json(&items);
        let layer = BatchLayer::new("/batch")
            .change_sets(ChangeSets::best_effort())
            .concurrency(concurrency);
        let (buffered, streamed) = run(async {
            let service = layer.clone().layer(Probe::new().1);
            let buffered = send(service, requests(json!(items))).await;
            let upload: String = items.iter().map(|item| format!("{item}\n")).collect();
            let chunks: Vec<_> = upload
                .as_bytes()
                .chunks(chunk)
                .map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)))
                .collect();
            let body = Body::from_stream(futures_util::stream::iter(chunks));
            let mut streamed = Lines::of(layer.layer(Probe::new().1), body).await.rest().await;
            let summary = streamed.pop().expect("a summary");
            assert_eq!(summary["summary"]["total"], items.len());
            assert!(summary["summary"]["error"].is_null());
            (buffered.items(), streamed)
        });
        prop_assert_eq!(results(buffered.iter()), results(streamed.iter()));
    }

    #[test]
    fn any_bytes_end_with_one_summary(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let reply = run(send(BatchLayer::new("/batch").layer(Probe::new().1), lines(bytes)));
        let text = std::str::from_utf8(&reply.body).expect("UTF-8");
        let last = text.lines().last().expect("a line");
        let is_summary = last.starts_with("{\"summary\":");
        prop_assert!(is_summary);
    }
}
