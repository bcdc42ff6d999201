//! The offset of a fault: the first byte that no valid envelope can have there. `serde_json`, given
//! longer and longer prefixes, decides which byte that is.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value, json};

use crate::support::{ask, run};

/// A valid envelope with every kind of token, in known and in ignored members.
const SOUND: &str = r#"{"x" : [-1.5e+3, true, false,null,{"y":"\u00e9\\é"}],"requests":[
{"id":"a","method":"GET","url":"/a?b"} ,{"id":"b","url":"/b","headers":{"x":["1","2"],"y":"é"},
"dependsOn":["a"],"body":[{"z":0.5},{},"\n"],"if":null,"\u0078":-0}],
"y":[[],"long enough for vectors of bytes"]} "#;

/// The offset of the first byte after which the text is no prefix of JSON, or the length. `sound`
/// bytes are known to be a prefix.
fn first_fault(text: &[u8], sound: usize) -> usize {
    let has_no_fault = |text: &[u8]| {
        let read = serde_json::from_slice::<IgnoredAny>(text);
        read.map_or_else(|error| error.is_eof(), |_| true)
    };
    // Append text, because `serde_json` reads an escape as a whole, and rejects a number that ends
    // before a digit.
    let is_prefix = |end: &usize| {
        let start = &text[..*end];
        let mut tails = match start.last() {
            _ if is_in_string(start) => ["0000", "n0000"].iter(),
            Some(b'"') => ["    "].iter(),
            _ => ["", "0"].iter(),
        };
        tails.any(|tail| has_no_fault(&[start, tail.as_bytes()].concat()))
    };
    sound + (sound + 1..=text.len()).take_while(is_prefix).count()
}

fn is_in_string(start: &[u8]) -> bool {
    let (mut is_inside, mut bytes) = (false, start.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if is_inside => drop(bytes.next()),
            b'"' => is_inside = !is_inside,
            _ => {}
        }
    }
    is_inside
}

/// The index of the item in which this start of an envelope ends.
fn item(start: &[u8]) -> Option<usize> {
    let start = std::str::from_utf8(start).ok()?;
    let (_, mut items) = start.split_once(r#""requests":["#)?;
    if items.trim_start().starts_with(']') {
        return None;
    }
    for index in 0.. {
        let mut values = Deserializer::from_str(items).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => items = items[values.byte_offset()..].trim_start(),
            // Only white space, or an incomplete value.
            _ => return Some(index),
        }
        // After an item, before a comma, the text is in no item.
        items = items.strip_prefix(',')?;
    }
    None
}

/// The problem document, if this envelope is refused.
fn refusal(text: &[u8]) -> Option<Value> {
    let (reply, log) = run(ask(text.to_vec()));
    if reply.status == 207 {
        return None;
    }
    assert_eq!(log.len(), 0, "{}", text.escape_ascii());
    Some(reply.json())
}

/// Asserts the place of a syntax error in an envelope that is valid up to `sound`.
fn assert_placed(text: &[u8], sound: usize) {
    let offset = first_fault(text, sound);
    let Some(problem) = refusal(text) else {
        assert_eq!(offset, text.len(), "{}", text.escape_ascii());
        return;
    };
    let shown = text.escape_ascii();
    if !is_about_syntax(&problem) {
        let reported = problem["offset"].as_u64().unwrap_or_default();
        assert!(reported <= offset as u64, "{problem} {shown}");
        return;
    }
    match item(&text[..offset]) {
        Some(index) => assert_eq!(problem["pointer"], format!("#/requests/{index}"), "{shown}"),
        None => assert_eq!(problem["offset"], offset, "{problem} {shown}"),
    }
}

fn is_about_syntax(problem: &Value) -> bool {
    let syntax = [
        "not JSON",
        "key must be a string",
        "expected `:`",
        "expected `,` or `}`",
        "expected `,` or `]`",
        "invalid escape",
        "control character",
        "invalid number",
        "trailing characters",
        "trailing comma",
        "the JSON ends too early",
    ];
    problem["detail"]
        .as_str()
        .is_some_and(|detail| syntax.contains(&detail))
}

#[test]
fn a_truncated_envelope_is_reported_as_ending_too_early() {
    let end = SOUND.trim_end().len();
    for cut in (1..end).filter(|cut| SOUND.is_char_boundary(*cut)) {
        let (start, expected) = (&SOUND[..cut], "the JSON ends too early");
        let problem = refusal(start.as_bytes()).expect(start);
        assert_eq!(problem["detail"], expected, "{start}");
        match item(start.as_bytes()) {
            Some(index) => assert_eq!(problem["pointer"], format!("#/requests/{index}")),
            None => assert_eq!(problem["offset"], cut, "{start}"),
        }
    }
    assert_eq!(refusal(SOUND.as_bytes()), None);
}

#[test]
fn a_wrong_byte_is_reported_at_its_place() {
    for at in (0..SOUND.len()).filter(|at| SOUND.is_char_boundary(*at)) {
        let (before, after) = SOUND.as_bytes().split_at(at);
        let behind = SOUND[at..].chars().next().map_or(0, char::len_utf8);
        for byte in *b"\" \n{}[],:\\/-+.0e9tun#\x01\x7F" {
            assert_placed(&[before, &[byte], after].concat(), at);
            assert_placed(&[before, &[byte], &after[behind..]].concat(), at);
        }
        assert_placed(&[before, &after[behind..]].concat(), at);
    }
}

#[test]
fn the_first_of_two_faults_is_reported() {
    for (text, offset) in [
        (&br#"{"x":tru,"y":nul,"requests":[]}"#[..], 8),
        (br#"{"x":01,"requests":[{"id":7}]}"#, 6),
        (b"{\"x\" 1,\"y\":\"\xFF\"}", 5),
        (b"{\"x\":\"\xFF\",\"y\" 1}", 6),
        (br#"{} x"#, 1),
        (br#"{"requests":[]x,"requests":[]}"#, 14),
        (br#"{"requests":{"#, 12),
    ] {
        let problem = refusal(text).expect("it is refused");
        assert_eq!(
            problem["offset"],
            offset,
            "{problem} {}",
            text.escape_ascii()
        );
    }
    for text in [
        &b"{\"requests\":[{\"id\":7},{\"id\":\"\xFF\"}]}"[..],
        br#"{"requests":[{"id":7},"#,
    ] {
        let problem = refusal(text).expect("it is refused");
        assert_eq!(problem["pointer"], "#/requests/0");
        assert_eq!(problem["detail"], "`id` is not a string");
    }
}

#[test]
fn a_byte_that_is_not_utf_8_is_reported_at_its_offset() {
    for at in (0..SOUND.len()).filter(|at| SOUND.is_char_boundary(*at)) {
        let (before, after) = SOUND.as_bytes().split_at(at);
        let problem = refusal(&[before, b"\xFF", after].concat()).expect("it is refused");
        let place = json!([problem["detail"], problem["offset"]]);
        assert_eq!(place, json!(["not UTF-8", at]));
    }
}

#[test]
fn too_deep_nesting_is_reported_at_the_offending_bracket() {
    for (before, stands_at) in [
        (r#"{"x":"#, 1),
        (r#"{"requests":[],"x":[0, "#, 2),
        (r#"{"x":[{"y":"#, 3),
    ] {
        let text = format!("{before}{}", "[".repeat(200));
        let problem = refusal(text.as_bytes()).expect("it is refused");
        assert_eq!(problem["detail"], "JSON nested more than 128 deep");
        assert_eq!(problem["offset"], before.len() + 128 - stands_at);
    }
    // In an item, only the item is named, so the deepest value that can be read is compared.
    for (before, stands_at) in [
        (r#"{"requests":[{"id":"a","url":"/","headers":"#, 3),
        (r#"{"requests":[{"id":"a","url":"/","headers":{"y":"#, 4),
        (r#"{"requests":[{"id":"a","url":"/","headers":{"y":["#, 5),
        (
            r#"{"requests":[{"id":"a","url":"/","headers":{"y":{"z":"#,
            5,
        ),
        (r#"{"requests":[{"id":"a","url":"/","if":"#, 3),
        (r#"{"requests":[{"id":"a","url":"/","x":"#, 3),
    ] {
        let detail = |depth: usize| {
            let text = format!("{before}{}", "[".repeat(depth));
            refusal(text.as_bytes()).expect("it is refused")["detail"].clone()
        };
        let deepest = 128 - stands_at;
        assert_eq!(detail(deepest), "the JSON ends too early", "{before}");
        let too_deep = "JSON nested more than 128 deep";
        assert_eq!(detail(deepest + 1), too_deep, "{before}");
    }
}
