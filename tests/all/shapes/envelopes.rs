//! Envelopes with an error in their structure are refused, and nothing is dispatched.

use http::StatusCode;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use tower::Layer;

use super::table::{Client, for_each};
use crate::support::{Reply, ask_through, recorder, run, send};

async fn assert_refused(client: &Client, envelope: impl Into<Vec<u8>>, status: u16, code: &str) {
    let envelope = envelope.into();
    let shown = format!("{}: {}", client.name, envelope.escape_ascii());
    let (reply, log) = ask_through(client.layer(), client.request(envelope)).await;
    assert_eq!(log.len(), 0, "{shown}");
    assert_eq!(reply.status, status, "{shown} {:?}", reply.body);
    client.assert_refused(&reply, code);
}

/// An envelope of two valid items.
fn usual(client: &Client) -> String {
    let items = vec![client.get("/a"), client.post("/b", json!({ "x": 1 }))];
    client.envelope(items)
}

#[test]
fn what_is_not_json_is_refused() {
    for_each(async |client| {
        let usual = usual(client);
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        for broken in [
            b"".to_vec(),
            b"null".to_vec(),
            b"1".to_vec(),
            b"\"\"".to_vec(),
            format!("\u{feff}{usual}").into_bytes(),
            format!("{usual}x").into_bytes(),
            format!("{usual}{usual}").into_bytes(),
            usual.as_bytes()[..usual.len() - 1].to_vec(),
            usual.replace("/a", "/\u{1}").into_bytes(),
            usual.replace("\"/a\"", "\"/a\\x\"").into_bytes(),
            usual.replace("\"/a\"", &deep).into_bytes(),
            [
                &usual.as_bytes()[..usual.len() - 4],
                b"\xFF",
                &usual.as_bytes()[usual.len() - 4..],
            ]
            .concat(),
            usual.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ] {
            assert_refused(client, broken, 400, "malformed").await;
        }
    });
}

#[test]
fn an_array_in_place_of_an_object_is_refused() {
    for_each(async |client| {
        for item in [
            json!([]),
            json!("x"),
            json!(1),
            json!(null),
            json!(["GET", "/"]),
        ] {
            let envelope = client.envelope(vec![client.get("/a"), item]);
            assert_refused(client, envelope, 400, "malformed").await;
        }
        let envelopes = match client.shape.envelope {
            [] => vec![json!({ "requests": [] }), json!({})],
            _ => vec![json!([]), json!([client.get("/")]), json!({ "x": [] })],
        };
        for envelope in envelopes {
            assert_refused(client, envelope.to_string(), 400, "malformed").await;
        }
    });
}

/// The envelope of a GET of `/a`, with further members beside its URL.
fn with_members(client: &Client, more: &str) -> String {
    let usual = client.envelope(vec![client.get("/a")]);
    let envelope = usual.replacen("\"/a\"", &format!("\"/a\",{more}"), 1);
    // It has no other fault than its names.
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&envelope);
    assert!(is_json.is_ok(), "{envelope}");
    envelope
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    for_each(async |client| {
        let url = client.url_name();
        for more in [
            format!("\"{url}\":\"/a\""),
            format!("\"\\u00{:02x}{}\":\"/a\"", url.as_bytes()[0], &url[1..]),
            // Unknown ones, too.
            "\"x\":1,\"x\":2".to_owned(),
            "\"x\":1,\"\\u0078\":2".to_owned(),
        ] {
            let envelope = with_members(client, &more);
            assert_refused(client, envelope, 400, "malformed").await;
        }
        let once = with_members(client, "\"x\":1,\"xx\":2");
        let (_, log) = ask_through(client.layer(), client.request(once)).await;
        assert_eq!(log.uris(), ["/a"], "{}", client.name);
    });
}

#[test]
fn a_known_name_in_another_spelling_is_refused() {
    let spellings =
        |name: &str| [name.to_uppercase(), format!("{name}_"), format!("-{name}")].into_iter();
    for_each(async |client| {
        for (name, _) in client.shape.item {
            for spelling in spellings(name) {
                let mut item = client.get("/a");
                item[&spelling] = json!(null);
                let envelope = client.envelope(vec![item]);
                assert_refused(client, envelope, 400, "malformed").await;
            }
        }
        for (name, _) in client.shape.envelope {
            for spelling in spellings(name) {
                let envelope = client.envelope(vec![client.get("/a")]);
                let envelope = envelope.replacen('{', &format!("{{\"{spelling}\":null,"), 1);
                assert_refused(client, envelope, 400, "malformed").await;
            }
        }
    });
}

#[test]
fn one_item_too_many_is_refused() {
    for_each(async |client| {
        let items = || vec![client.get("/a"); 3];
        let layer = client.layer().max_items(3);
        let (reply, log) = ask_through(layer.clone(), client.batch(items())).await;
        assert_eq!((client.results(&reply).len(), log.len()), (3, 3));
        let mut more = items();
        more.push(client.get("/b"));
        let (reply, log) = ask_through(layer, client.batch(more)).await;
        assert_eq!((reply.status.as_u16(), log.len()), (413, 0));
        client.assert_refused(&reply, "too-many-items");
    });
}

#[test]
fn an_envelope_without_items_has_an_empty_result() {
    for_each(async |client| {
        let (reply, log) = ask_through(client.layer(), client.batch(Vec::new())).await;
        assert_eq!(client.results(&reply), []);
        assert_eq!(log.len(), 0);
    });
}

#[test]
fn other_types_are_refused() {
    for_each(async |client| {
        for content_type in ["text/html", "multipart/form-data", "application/xml", ""] {
            let mut batch = client.batch(vec![client.get("/a")]);
            let value = content_type.parse().unwrap();
            batch.headers_mut().insert("content-type", value);
            let (reply, log) = ask_through(client.layer(), batch).await;
            assert_eq!(
                reply.status,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{}",
                client.name
            );
            assert_eq!(
                reply.header("accept-post"),
                Some(&*client.shape.media_types.join(", "))
            );
            assert_eq!(log.len(), 0);
        }
    });
}

/// Sends an envelope, and returns the reply with the number of dispatched items.
fn dispatched(client: &'static Client, envelope: Vec<u8>) -> (Reply, usize) {
    run(async {
        let (log, service) = recorder();
        let reply = send(client.layer().layer(service), client.request(envelope)).await;
        (reply, log.len())
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    })]

    #[test]
    fn damaged_envelopes_are_refused_or_have_a_result_for_each_item(
        at in any::<Index>(),
        byte in any::<u8>(),
        kind in 0..4_u8,
    ) {
        for client in super::table::CLIENTS {
            let mut bytes = usual(client).into_bytes();
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] ^= 1 << (byte % 8),
                1 => bytes[at] = byte,
                2 => bytes.truncate(at),
                _ => drop(bytes.remove(at)),
            }
            let is_json = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
            let shown = format!("{}: {}", client.name, bytes.escape_ascii());
            let (reply, count) = dispatched(client, bytes);
            if reply.status == client.shape.status {
                prop_assert!(is_json, "{}", shown);
                let results = client.results(&reply);
                prop_assert!(count <= results.len() && results.len() <= 2, "{}", shown);
            } else {
                prop_assert_eq!(count, 0, "{}", shown);
                client.assert_refused(&reply, "malformed");
            }
        }
    }
}
