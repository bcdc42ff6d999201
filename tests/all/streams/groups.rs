//! Atomicity groups in streams.

use axum::body::Body;
use bytes::Bytes;
use serde_json::json;
use tower::Layer;
use tower_multistatus::{BatchLayer, ChangeSets};

use super::{Lines, get, get_after, summary};
use crate::probe::Probe;

fn member(id: &str, url: &str, group: &str) -> String {
    let item = json!({ "id": id, "method": "GET", "url": url, "atomicityGroup": group });
    format!("{item}\n")
}

#[tokio::test(start_paused = true)]
async fn members_of_a_group_run_in_order_whenever_they_arrive() {
    let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    let upload = [
        member("a", "/sleep/30", "g"),
        member("b", "/sleep/20", "g"),
        member("c", "/fail", "h"),
        member("d", "/ok", "h"),
        get_after("e", "/ok", &["g"]),
        get_after("f", "/ok", &["h"]),
        get("i", "/ok"),
    ];
    for is_split in [false, true] {
        let (book, probe) = Probe::new();
        let chunks = if is_split {
            upload.to_vec()
        } else {
            vec![upload.concat()]
        };
        let chunks = chunks
            .into_iter()
            .map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk)));
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let mut lines = Lines::of(layer.clone().layer(probe), body)
            .await
            .rest()
            .await;
        assert_eq!(lines.pop(), Some(json!({ "summary": summary(7, 4) })));
        lines.sort_by_key(|line| line["id"].as_str().map(str::to_owned));
        let statuses: Vec<_> = lines
            .iter()
            .filter_map(|line| line["status"].as_u64())
            .collect();
        assert_eq!(statuses, [200, 200, 500, 424, 200, 424, 200]);
        let begun = book.begun();
        let at = |name: &str| begun.iter().position(|other| other == name);
        assert!(at("a") < at("b") && at("b") < at("e"), "{begun:?}");
    }
}

#[tokio::test]
async fn groups_that_are_not_adjacent_or_not_supported_end_the_upload() {
    let layer = BatchLayer::new("/batch").change_sets(ChangeSets::best_effort());
    let cases = [
        (
            layer.clone(),
            member("a", "/ok", "g"),
            get("x", "/ok"),
            "malformed",
        ),
        (layer, get("g", "/ok"), get("x", "/ok"), "duplicate-id"),
        (
            BatchLayer::new("/batch"),
            get("a", "/ok"),
            get("x", "/ok"),
            "unsupported-atomicity",
        ),
    ];
    for (layer, first, second, code) in cases {
        let upload = [first, second, member("b", "/ok", "g")].concat();
        let response = Lines::of(layer.layer(Probe::new().1), upload).await;
        let summary = response.summary_after(2).await;
        assert_eq!(summary["error"]["code"], code);
        assert_eq!(summary["error"]["line"], 3);
        assert!(summary["error"]["pointer"].is_null());
    }
}
