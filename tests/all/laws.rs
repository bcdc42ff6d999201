//! Laws that hold for every batch.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, Order};

use crate::probe::{Book, Event, Probe};
use crate::support::{end, envelope, gets, send};

#[tokio::test]
async fn a_fault_in_the_last_byte_dispatches_nothing() {
    let whole = json!({ "requests": gets(&["/ok"; 20]) }).to_string();
    let unknown = r#",{"id":"x","method":"GET","url":"/ok","dependsOn":["y"]}]}"#;
    let broken = [
        whole[..whole.len() - 1].to_owned(),
        whole[..whole.len() - 1].to_owned() + "]",
        whole.clone() + "}",
        whole[..whole.len() - 2].to_owned() + r#",{"id":"0","method":"GET","url":"/ok"}]}"#,
        whole[..whole.len() - 2].to_owned() + unknown,
    ];
    for text in broken {
        for streamed in [false, true] {
            let (book, probe) = Probe::new();
            let service = BatchLayer::new("/batch").streamed(streamed).layer(probe);
            let reply = send(service, envelope(text.clone())).await;
            assert_eq!(reply.status, 400, "{text}");
            assert_eq!(book.events(), [], "{text}");
        }
    }
    let (book, probe) = Probe::new();
    let reply = send(BatchLayer::new("/batch").layer(probe), envelope(whole)).await;
    assert_eq!((reply.status.as_u16(), book.begun().len()), (207, 20));
}

/// An item of a random batch: its path, which decides its result, and its dependencies.
#[derive(Debug, Clone)]
struct Item {
    path: &'static str,
    on: Vec<Index>,
}

impl Item {
    /// The indices of the earlier items that it depends on.
    fn depends_on(&self, index: usize) -> Vec<usize> {
        let on = self.on.iter().filter(|_| index > 0);
        let on: BTreeSet<_> = on.map(|on| on.index(index)).collect();
        on.into_iter().collect()
    }
}

fn item() -> impl Strategy<Value = Item> {
    // Successful paths are more frequent, so that there is something to depend on.
    let paths = [
        "/ok",
        "/ok",
        "/ok",
        "/yield/1",
        "/yield/4",
        "/sleep/1",
        "/sleep/7",
        "/sleep/30",
        "/fail",
        "/error",
        "/panic",
        "/panic-call",
        "/panic-body",
        "/cut-body",
        "/hang",
        "/hang-body",
    ];
    let on = prop_oneof![2 => Just(Vec::new()), 1 => vec(any::<Index>(), 1..4)];
    (select(paths.to_vec()), on).prop_map(|(path, on)| Item { path, on })
}

/// The expected status of each item.
fn expected(items: &[Item]) -> Vec<u64> {
    let mut statuses: Vec<u64> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let own = match item.path {
            "/fail" | "/error" | "/panic" | "/panic-call" | "/panic-body" => 500,
            "/cut-body" => 502,
            "/hang" | "/hang-body" => 504,
            _ => 200,
        };
        let is_lost = item.depends_on(index).iter().any(|on| statuses[*on] != 200);
        statuses.push(if is_lost { 424 } else { own });
    }
    statuses
}

fn to_json(items: &[Item]) -> Value {
    let item = |(index, item): (usize, &Item)| {
        let on: Vec<_> = item
            .depends_on(index)
            .iter()
            .map(usize::to_string)
            .collect();
        json!({ "id": index.to_string(), "method": "GET", "url": item.path, "dependsOn": on })
    };
    items.iter().enumerate().map(item).collect()
}

/// The start and end of each call, as positions in the list of events.
fn times(book: &Book) -> HashMap<usize, (usize, Option<usize>)> {
    let mut times = HashMap::new();
    let index = |name: String| name.parse::<usize>().expect("an index");
    for (at, event) in book.events().into_iter().enumerate() {
        match event {
            Event::Begun(name) => {
                let before = times.insert(index(name), (at, None));
                assert_eq!(before, None, "an item was dispatched twice");
            }
            Event::Ended(name) => times.get_mut(&index(name)).expect("it was begun").1 = Some(at),
        }
    }
    times
}

fn check(items: &[Item], concurrency: usize, is_streamed: bool, order: Option<Order>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let (book, probe) = Probe::new();
    let mut layer = BatchLayer::new("/batch")
        .concurrency(concurrency)
        .streamed(is_streamed)
        .item_timeout(Duration::from_secs(1))
        .batch_timeout(None);
    if let Some(order) = order {
        layer = layer.order(order);
    }
    let reply = runtime.block_on(end(layer.layer(probe), to_json(items)));

    let expected = expected(items);
    assert_eq!(reply.items().len(), items.len());
    let statuses: Vec<_> = (0..items.len())
        .map(|index| {
            reply.item(&index.to_string())["status"]
                .as_u64()
                .expect("a status")
        })
        .collect();
    assert_eq!(statuses, expected);
    if order == Some(Order::Request) || !is_streamed && order.is_none() {
        assert_eq!(reply.statuses(), expected, "the order of the request");
    }

    let times = times(&book);
    for (index, item) in items.iter().enumerate() {
        let Some((begun, ended)) = times.get(&index) else {
            assert_eq!(expected[index], 424, "it was never dispatched");
            continue;
        };
        assert_ne!(
            expected[index], 424,
            "it was dispatched, although it could not run"
        );
        assert!(ended.is_some(), "it outlived its batch");
        for on in item.depends_on(index) {
            assert!(
                times[&on].1 < Some(*begun),
                "{on} was not finished when {index} began"
            );
        }
    }
    assert!(book.most_in_flight() <= concurrency);
    if concurrency == 1 {
        let begun: Vec<usize> = book
            .begun()
            .iter()
            .map(|name| name.parse().expect("an index"))
            .collect();
        assert!(
            begun.is_sorted(),
            "one after the other, in order: {begun:?}"
        );
    }
    assert_eq!(
        (book.in_flight(), book.reserved(), book.unready_calls()),
        (0, 0, 0)
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_item_has_one_response_and_runs_at_most_once_after_its_dependencies(
        items in vec(item(), 0..40),
        concurrency in 1..=16_usize,
        is_streamed: bool,
        order in select(vec![None, Some(Order::Request), Some(Order::Completion)]),
    ) {
        check(&items, concurrency, is_streamed, order);
    }
}

#[tokio::test(start_paused = true)]
async fn independent_items_run_concurrently() {
    let (book, probe) = Probe::new();
    let layer = BatchLayer::new("/batch").concurrency(5);
    end(layer.layer(probe), gets(&["/sleep/1"; 9])).await;
    assert_eq!(book.most_in_flight(), 5);
}
