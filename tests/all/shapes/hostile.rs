//! Hostile envelopes take linear time, bounded memory and a small stack.

use serde_json::json;

use super::table::{Client, for_each};
use crate::support::{ask_through, run};

/// Sends an envelope to a layer without limits, from a thread with a stack of 256 KiB. Returns the
/// status and the number of dispatched items.
fn on_a_small_stack(client: &'static Client, envelope: String) -> (u16, usize) {
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let result = thread.spawn(move || {
        let layer = client
            .layer()
            .max_items(usize::MAX)
            .max_envelope_bytes(usize::MAX);
        let (reply, log) = run(ask_through(layer, client.request(envelope)));
        (reply.status.as_u16(), log.len())
    });
    result.unwrap().join().expect("the stack is enough")
}

#[test]
fn a_million_brackets_are_refused_on_a_small_stack() {
    for client in super::table::CLIENTS {
        let usual = client.envelope(vec![client.post("/PLACE", json!({}))]);
        for bracket in ["[", "{\"a\":"] {
            for envelope in [
                bracket.repeat(1_000_000),
                usual.replace("\"/PLACE\"", &bracket.repeat(300_000)),
            ] {
                assert_eq!(
                    on_a_small_stack(client, envelope),
                    (400, 0),
                    "{}",
                    client.name
                );
            }
        }
    }
}

// `cargo bench --bench worst` holds the time that such envelopes take.
#[test]
fn thousands_of_members_items_and_strings_are_read_or_refused() {
    for_each(async |client| {
        let many: String = (0..20_000).map(|at| format!("\"{at}\":0,")).collect();
        let usual = client.envelope(vec![client.get("/a")]);
        let members = usual.replacen("{\"", &format!("{{{many}\""), 1);
        let layer = client.layer().max_items(20_000);
        let (_, log) = ask_through(layer.clone(), client.request(members)).await;
        assert_eq!(log.uris(), ["/a"], "{}", client.name);

        let empty = client.batch(vec![json!({}); 20_000]);
        let (reply, _) = ask_through(layer.clone(), empty).await;
        assert_eq!(client.results(&reply).len(), 20_000, "{}", client.name);

        let strings = client.batch(vec![json!(vec!["bulkId:"; 20_000])]);
        let (reply, log) = ask_through(layer, strings).await;
        client.assert_refused(&reply, "malformed");
        assert_eq!(
            (reply.status.as_u16(), log.len()),
            (400, 0),
            "{}",
            client.name
        );
    });
}
