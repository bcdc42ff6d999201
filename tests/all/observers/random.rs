//! The sums of the callbacks over many random batches, refusals and clients that leave included.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tower::{Layer, ServiceExt};
use tower_multistatus::{BatchLayer, Order};

use crate::probe::Probe;
use crate::support::{read, requests, run};

const PATHS: [&str; 12] = [
    "/ok",
    "/ok",
    "/ok",
    "/yield/2",
    "/sleep/3",
    "/sleep/30",
    "/fail",
    "/error",
    "/panic",
    "/hang",
    "/hang-body",
    "//",
];

/// The sums over all batches.
#[derive(Debug, Default)]
struct Sums {
    /// Of `on_response`, by status.
    responses: BTreeMap<u16, usize>,
    /// Of `on_batch`.
    items: usize,
    succeeded: usize,
    ended: usize,
    refused: usize,
    dropped: usize,
}

fn observed(layer: BatchLayer, sums: &Arc<Mutex<Sums>>) -> BatchLayer {
    let (items, batches) = (Arc::clone(sums), Arc::clone(sums));
    layer
        .on_response(move |item| {
            let mut sums = items.lock().expect("the sums");
            *sums.responses.entry(item.status().as_u16()).or_default() += 1;
        })
        .on_batch(move |batch| {
            let mut sums = batches.lock().expect("the sums");
            sums.items += batch.items();
            sums.succeeded += batch.succeeded();
            sums.refused += usize::from(batch.is_refused());
            sums.dropped += usize::from(batch.is_dropped());
            sums.ended += usize::from(!batch.is_refused() && !batch.is_dropped());
        })
}

/// An item: its path, and how far before it the item is that it depends on.
type Item = (usize, Option<usize>);

fn envelope(items: &[Item], format: usize) -> Request<Body> {
    let item = |(at, (path, on)): (usize, &Item)| {
        let mut item = json!({ "id": at.to_string(), "method": "GET", "url": PATHS[*path] });
        if let Some(on) = on.and_then(|back| at.checked_sub(back + 1)) {
            item["dependsOn"] = json!([on.to_string()]);
        }
        item
    };
    let items: Vec<_> = items.iter().enumerate().map(item).collect();
    let lines: String = items.iter().map(|item| format!("{item}\n")).collect();
    let mut request = requests(json!(items));
    match format {
        0 => {}
        1 => drop(
            request
                .headers_mut()
                .insert("accept", "application/x-ndjson".parse().unwrap()),
        ),
        2 => {
            request
                .headers_mut()
                .insert("content-type", "application/x-ndjson".parse().unwrap());
            *request.body_mut() = Body::from(lines);
        }
        _ => *request.body_mut() = Body::from("{\"requests\":[{}]}"),
    }
    request
}

#[test]
fn the_sums_of_ten_thousand_batches_are_those_of_the_responses() {
    let batch = (
        proptest::collection::vec(
            (0..PATHS.len(), proptest::option::weighted(0.3, 0..4_usize)),
            1..8,
        ),
        0..4_usize,
        1..5_usize,
        proptest::option::weighted(0.2, 0..40_u64),
        any::<(bool, bool)>(),
    );
    let told = Arc::<Mutex<Sums>>::default();
    let read_statuses = Mutex::new((BTreeMap::<u16, usize>::new(), 0_usize, 0_usize));
    let mut runner = TestRunner::new(Config::with_cases(10_000));
    let result = runner.run(
        &batch,
        |(items, format, concurrency, leaves, (in_order, stops))| {
            run(async {
                tokio::time::pause();
                let layer = observed(BatchLayer::new("/batch"), &told)
                    .concurrency(concurrency)
                    .continue_on_error(!stops)
                    .item_timeout(Duration::from_millis(20))
                    .order(if in_order {
                        Order::Request
                    } else {
                        Order::Completion
                    });
                let (_, probe) = Probe::new();
                let before = told.lock().expect("the sums").responses.clone();
                let reading = async {
                    let response = layer.layer(probe).oneshot(envelope(&items, format));
                    read(response.await.expect("a response")).await
                };
                let wait = Duration::from_millis(leaves.unwrap_or(3_600_000));
                let reply = tokio::time::timeout(wait, reading).await;
                let mut sums = read_statuses.lock().expect("the statuses");
                match reply {
                    Ok(reply) if reply.status != 207 => sums.1 += 1,
                    Ok(reply) => {
                        let text = String::from_utf8(reply.body.to_vec()).expect("text");
                        // A status of an item follows its id.
                        for part in text.split("\",\"status\":").skip(1) {
                            if let Ok(status) = part[..3].parse()
                                && part[3..].starts_with(",\"headers\"")
                            {
                                *sums.0.entry(status).or_default() += 1;
                            }
                        }
                    }
                    Err(_) => {
                        // Nobody has read these.
                        sums.2 += 1;
                        let after = told.lock().expect("the sums").responses.clone();
                        for (status, count) in after {
                            let more = count - before.get(&status).copied().unwrap_or(0);
                            if more > 0 {
                                *sums.0.entry(status).or_default() += more;
                            }
                        }
                    }
                }
            });
            Ok(())
        },
    );
    result.expect("every batch ends");
    let told = told.lock().expect("the sums");
    let (read, refused, left) = read_statuses.into_inner().expect("the statuses");
    assert_eq!(told.responses, read);
    assert_eq!(told.items, read.values().sum::<usize>());
    let succeeded = read.iter().filter(|(status, _)| **status < 400);
    assert_eq!(
        told.succeeded,
        succeeded.map(|(_, count)| count).sum::<usize>()
    );
    assert_eq!((told.refused, told.dropped), (refused, left));
    assert_eq!(told.ended + told.refused + told.dropped, 10_000);
    assert!(
        told.ended > 1000 && refused > 1000 && left > 100,
        "{told:?}"
    );
    for status in [200, 400, 424, 500, 504] {
        assert!(
            told.responses.contains_key(&status),
            "no {status}: {told:?}"
        );
    }
}
