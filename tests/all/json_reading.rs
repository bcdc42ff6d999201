//! Which faults of a JSON envelope refuse the batch.

use http::StatusCode;
use serde_json::json;

use crate::support::{ask, assert_malformed, second, with};

const SOUND: &str =
    r#"{"requests":[{"id":"a","method":"GET","url":"/1"},{"id":"b","method":"GET","url":"/2"}]}"#;

async fn assert_accepted(envelope: impl AsRef<[u8]>, statuses: &[u64]) {
    let envelope = envelope.as_ref();
    let (reply, _) = ask(envelope.to_vec()).await;
    let shown = String::from_utf8_lossy(envelope);
    assert_eq!(reply.status, StatusCode::MULTI_STATUS, "{shown}");
    assert_eq!(reply.statuses(), statuses, "{shown}");
}

#[tokio::test]
async fn an_envelope_that_is_no_object_with_an_array_of_requests_is_refused() {
    for envelope in [
        "",
        " ",
        "null",
        "1",
        r#""requests""#,
        "[]",
        // Members by position, which a derived `Deserialize` accepts.
        r#"[[{"id":"a","method":"GET","url":"/1"}]]"#,
        "{}",
        r#"{"Requests":[]}"#,
        r#"{"requests":null}"#,
        r#"{"requests":{}}"#,
        r#"{"requests":"x"}"#,
    ] {
        assert_malformed(envelope, None).await;
    }
}

#[tokio::test]
async fn an_item_that_is_no_object_is_refused() {
    for item in ["null", "1", "true", r#""b""#, "[]", r#"["b","GET","/2"]"#] {
        assert_malformed(second(item), Some(1)).await;
    }
}

#[tokio::test]
async fn every_prefix_of_an_envelope_is_refused() {
    for end in 0..SOUND.len() {
        let (reply, log) = ask(&SOUND[..end]).await;
        assert_eq!(reply.code(), "malformed", "{}", &SOUND[..end]);
        assert_eq!(log.len(), 0);
    }
    assert_accepted(SOUND, &[200, 200]).await;
}

#[tokio::test]
async fn an_envelope_that_ends_before_an_item_points_at_that_item() {
    assert_malformed(r#"{"requests":["#, Some(0)).await;
    assert_malformed("{\"requests\":[ \n\t", Some(0)).await;
    assert_malformed(r#"{"requests":[{"id":"a"},"#, Some(1)).await;
    assert_malformed(r#"{"requests":[{"id":"a"}"#, None).await;
}

#[tokio::test]
async fn bytes_after_the_envelope_are_refused_and_white_space_is_not() {
    for tail in ["x", "{}", ",", "]", "}", "\0", "\u{b}", "\u{a0}", "//"] {
        assert_malformed(format!("{SOUND}{tail}"), None).await;
    }
    assert_accepted(format!(" \t\r\n{SOUND} \t\r\n"), &[200, 200]).await;
}

#[tokio::test]
async fn a_byte_order_mark_and_utf_16_are_refused() {
    assert_malformed(format!("\u{feff}{SOUND}"), None).await;
    let units = || SOUND.encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    assert_malformed(little, None).await;
    assert_malformed(big, None).await;
}

#[tokio::test]
async fn invalid_utf_8_is_refused_wherever_it_stands() {
    let places = [
        r#"{"requests":[],"?":1}"#.to_owned(),
        r#"{"requests":[],"x":"?"}"#.to_owned(),
        r#"{"requests":[],"x":["?"]}"#.to_owned(),
        r#"{"requests":[]}?"#.to_owned(),
        second(r#"{"id":"?","method":"GET","url":"/2"}"#),
        with(r#""x":{"y":"?"}"#),
        with(r#""body":"?""#),
        with(r#""body":{"?":["?"]}"#),
        with(r#""headers":{"content-type":"text/plain"},"body":"?""#),
        with(r#""headers":{"x-a":"?"}"#),
        with(r#""headers":{"?":"a"}"#),
    ];
    // A lone byte, an incomplete sequence, an overlong slash, half a surrogate pair, a code point
    // beyond U+10FFFF.
    let invalid: [&[u8]; 5] = [
        b"\xff",
        b"\xc3",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ];
    for place in &places {
        for bytes in invalid {
            let envelope: Vec<u8> = place
                .bytes()
                .flat_map(|byte| match byte {
                    b'?' => bytes.to_vec(),
                    other => vec![other],
                })
                .collect();
            assert_malformed(envelope, None).await;
        }
    }
}

#[tokio::test]
async fn invalid_json_is_refused_in_ignored_members_too() {
    for value in [
        "",
        "tru",
        "True",
        "nul",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "-Infinity",
        "'a'",
        "a",
        "\"",
        "\"\t\"",
        "\"\u{0}\"",
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:1}",
        "[1}",
        "{\"a\":1]",
        "/**/1",
        "1//",
        "\u{c}1",
        "\u{a0}1",
        "1 1",
    ] {
        assert_malformed(format!(r#"{{"x":{value},"requests":[]}}"#), None).await;
        assert_malformed(with(&format!(r#""x":{value}"#)), Some(1)).await;
        assert_malformed(with(&format!(r#""body":{value}"#)), Some(1)).await;
    }
}

#[tokio::test]
async fn commas_are_allowed_only_between_elements() {
    for envelope in [
        r#"{"requests":[],}"#,
        r#"{,"requests":[]}"#,
        r#"{"requests":[] "x":1}"#,
        r#"{"requests" []}"#,
        r#"{requests:[]}"#,
    ] {
        assert_malformed(envelope, None).await;
    }
    assert_malformed(r#"{"requests":[,]}"#, Some(0)).await;
    assert_malformed(second(""), Some(1)).await;
    assert_malformed(second(r#"{"id":"b",}"#), Some(1)).await;
}

#[tokio::test]
async fn conditions_and_atomicity_groups_are_never_ignored() {
    for member in [
        r#""if":"$a""#,
        r#""if":false"#,
        r#""\u0069f":"""#,
        r#""atomicityGroup":"g""#,
        r#""atomicityGroup":"""#,
        r#""atomicity\u0047roup":1"#,
    ] {
        let (reply, log) = ask(with(member)).await;
        assert_eq!(reply.status, StatusCode::NOT_IMPLEMENTED, "{member}");
        assert_eq!(
            reply.json(),
            json!({ "type": "about:blank", "title": "atomicity groups and conditions are not supported",
                    "status": 501, "code": "unsupported-atomicity", "pointer": "#/requests/1" })
        );
        assert_eq!(log.len(), 0);
    }
    assert_accepted(with(r#""if":null,"atomicityGroup":null"#), &[200, 200]).await;
}

/// Nested arrays, and nested objects, of this depth.
fn nested(depth: usize) -> [String; 2] {
    [
        "[".repeat(depth) + &"]".repeat(depth),
        r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth),
    ]
}

#[tokio::test]
async fn json_may_be_nested_128_deep_in_any_place() {
    // The place `?`, its own depth, the statuses of the items, and the item at fault.
    let places = [
        (r#"{"requests":[],"x":?}"#.to_owned(), 1, vec![], None),
        (with(r#""x":?"#), 3, vec![200, 200], Some(1)),
        (with(r#""body":?"#), 3, vec![200, 200], Some(1)),
        (
            with(r#""headers":{"content-type":"image/png"},"body":?"#),
            3,
            vec![200, 400],
            Some(1),
        ),
        (
            second(r#"{"id":"b","method":?,"url":"/2"}"#),
            3,
            vec![200, 400],
            Some(1),
        ),
        (
            second(r#"{"id":"b","method":"GET","url":?}"#),
            3,
            vec![200, 400],
            Some(1),
        ),
        (
            with(r#""headers":{"x":["1",?]}"#),
            5,
            vec![200, 400],
            Some(1),
        ),
    ];
    for (place, stands_at, statuses, item) in &places {
        for deep in nested(128 - stands_at) {
            assert_accepted(place.replace('?', &deep), statuses).await;
        }
        for deeper in nested(129 - stands_at) {
            assert_malformed(place.replace('?', &deeper), *item).await;
        }
    }
}
