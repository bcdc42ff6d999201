//! Random envelopes, and how they are uploaded.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use crate::random::Random;
use crate::wire::Wire;

/// The type and the text of an envelope.
pub(crate) fn envelope(
    random: &mut Random,
    wire: Wire,
    items: usize,
    has_groups: bool,
) -> (&'static str, String) {
    let ties = random.one_in(2);
    let item = |at: usize| {
        let method = random.pick(&["GET", "POST", "HEAD"]);
        let mut item = json!({ "id": format!("i{at}"), "method": method, "url": format!("/{at}") });
        if ties && at > 0 && random.one_in(3) {
            let on = random.below(at);
            let is_outside = on / 8 != at / 8 || at % 8 >= 3;
            item["dependsOn"] = if has_groups && on % 8 < 3 && is_outside {
                json!([format!("g{}", on / 8)])
            } else {
                json!([format!("i{on}")])
            };
        }
        if has_groups && at % 8 < 3 {
            item["atomicityGroup"] = json!(format!("g{}", at / 8));
        }
        item
    };
    let items: Vec<Value> = (0..items).map(item).collect();
    if random.one_in(3) {
        let lines = items.iter().map(|item| format!("{item}\n"));
        return ("application/x-ndjson", lines.collect());
    }
    let envelope = json!({ "requests": items }).to_string();
    let is_sent = wire.is_sent() && random.one_in(2);
    let content_type = if is_sent {
        wire.accept()
    } else {
        "application/json"
    };
    (content_type, envelope)
}

/// Sends the envelope at once, in delayed chunks, or as endless empty frames.
pub(crate) fn upload(random: &mut Random, text: String) -> Body {
    match random.below(20) {
        0 => Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::new()))),
        1..5 => {
            let (all, size) = (Bytes::from(text), 1 + random.below(300));
            let chunks = stream::unfold(all, move |mut rest| async move {
                tokio::task::yield_now().await;
                let chunk = rest.split_to(size.min(rest.len()));
                (!chunk.is_empty()).then_some((Ok::<_, Infallible>(chunk), rest))
            });
            Body::from_stream(chunks)
        }
        _ => Body::from(text),
    }
}
