//! Any bytes as lines of items, in chunks. `serde_json` decides which line ends the upload.

use tower_multistatus::{BatchLayer, ErrorKind};

use crate::exchange::exchange;
use crate::input::Input;
use crate::json_reference::{depth, reference_item};
use crate::model::exchange::post;
use crate::model::read::{lines, responses};
use crate::oracle::{assert_each_once, assert_refused};

/// The maximum depth of JSON. In an envelope, the array and the object around an item count.
const MAX_DEPTH: usize = 128;

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let is_stream = !input.dice.one_in(2);
    let accept = if is_stream { "*/*" } else { "application/json" };
    let headers = [
        ("content-type", &b"application/x-ndjson"[..]),
        ("accept", accept.as_bytes()),
    ];
    let (ids, bad_line) = expected(input.rest);
    let max = 1 + input.dice.below(100);
    let layer = BatchLayer::new("/batch")
        .max_items(max)
        .max_streamed_items(max)
        .concurrency(1 + input.dice.below(64));
    let exchange = exchange(layer, post("/batch", &headers, input.chunks()));
    let is_refused = bad_line.is_some() || ids.len() > max;
    if !is_stream && is_refused {
        return assert_refused(&exchange);
    }
    let ids = &ids[..ids.len().min(max)];
    let mut items = responses(&exchange.0);
    assert_eq!(items.len(), ids.len());
    items.sort_by_key(|item| ids.iter().position(|id| Some(id) == item.id.as_ref()));
    assert!(
        items
            .iter()
            .zip(ids)
            .all(|(item, id)| item.id.as_ref() == Some(id))
    );
    assert_each_once(&exchange, &items);
    if is_stream {
        let (_, summary) = lines(&exchange.0.body);
        assert_eq!(summary["total"], ids.len());
        let succeeded = items.iter().filter(|item| item.status < 400).count();
        assert_eq!(summary["succeeded"], succeeded);
        assert_eq!(summary["failed"], ids.len() - succeeded);
        assert_eq!(summary["error"].is_object(), is_refused);
        let code = summary["error"]["code"].as_str();
        match bad_line {
            Some(line) if code != Some(ErrorKind::TooManyItems.code()) => {
                assert_eq!(summary["error"]["line"], line);
            }
            _ => {}
        }
    }
}

/// The ids of the items before the first line that is refused, and the number of that line.
fn expected(text: &[u8]) -> (Vec<String>, Option<usize>) {
    let mut ids = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line = std::str::from_utf8(line).ok();
        let id = line.and_then(|line| reference_item(line, &ids));
        match id.filter(|_| line.is_some_and(|line| depth(line) <= MAX_DEPTH)) {
            Some(id) => ids.push(id),
            None => return (ids, Some(number + 1)),
        }
    }
    (ids, None)
}
