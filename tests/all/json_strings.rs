//! A body is written as JSON only if every string in it is JSON (RFC 8259 §7), however it lies in
//! the words and vectors of bytes that are compared at once.

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use tower_multistatus::BatchLayer;

use crate::support::batch_with;

/// Asserts that exactly those of these bodies that `serde_json` accepts are written as they are.
async fn assert_checked(bodies: Vec<Vec<u8>>) {
    let responses: Vec<_> = bodies
        .iter()
        .map(|body| {
            let response = Response::builder().header(CONTENT_TYPE, "application/json");
            let body = Bytes::copy_from_slice(body);
            response.body(body).expect("a response")
        })
        .collect();
    let layer = BatchLayer::new("/batch").max_items(bodies.len());
    let reply = batch_with(layer, &responses).await;
    for (item, body) in reply.items().iter().zip(&bodies) {
        let read = serde_json::from_slice::<String>(body).ok();
        let written = item["body"].as_str().map(str::to_owned);
        let is_as_it_was = item["encoding"].is_null();
        let shown = body.escape_ascii();
        assert_eq!(is_as_it_was, read.is_some(), "{shown}");
        assert!(!is_as_it_was || written == read, "{shown}");
    }
}

#[tokio::test]
async fn runs_of_any_byte_are_checked_whole() {
    let lengths = [1, 2, 7, 8, 9, 16, 31, 32, 33, 34, 63, 64, 65, 100];
    for length in lengths {
        let run = |byte: u8| [&b"\""[..], &vec![byte; length], b"\""].concat();
        assert_checked((0..=255).map(run).collect()).await;
    }
}

#[tokio::test]
async fn runs_of_special_bytes_behind_plain_ones_are_checked_whole() {
    for plain in 1..=64 {
        let run = |byte: u8| {
            let special = vec![byte; 64];
            [&b"\""[..], &vec![b'a'; plain], &special, b"\""].concat()
        };
        assert_checked(b"\"\\\0\n\x7f\x80".map(run).to_vec()).await;
    }
}

#[tokio::test]
async fn any_byte_at_any_place_of_a_long_string_is_checked() {
    for place in (0..70).chain([99]) {
        let with = |byte: u8| {
            let mut text = [b'a'; 102];
            (text[0], text[101]) = (b'"', b'"');
            text[1 + place] = byte;
            text.to_vec()
        };
        assert_checked((0..=255).map(with).collect()).await;
    }
}

#[tokio::test]
async fn surrogates_come_in_pairs_of_escapes() {
    let texts = [
        r"\ud83d\ude00",
        r"\uD83D\uDE00",
        r"\ud83d",
        r"\ude00",
        r"\ude00\ud83d",
        r"\ud83d\u0041",
        r"\ud83dxxde00",
        r"\ud83d\\de00",
        r"\ud83d \ude00",
        r"\ud83d\ud83d\ude00",
        r"\u00e9",
        r"\u00E",
    ];
    let bodies = texts.map(|text| format!("\"{text}\"").into_bytes());
    assert_checked(bodies.to_vec()).await;
}
