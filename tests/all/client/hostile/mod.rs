//! Responses of hostile servers, in chunks of any size.

#[cfg(feature = "multipart")]
mod multipart;

use http::response::Parts;
use proptest::prelude::*;
use tower_multistatus::{Error, ErrorKind, Format, Json, Limits, NdJson, ResponseDecoder};

use super::*;

fn head(content_type: &str) -> Parts {
    let response = Response::builder().header("content-type", content_type);
    response.body(()).expect("a response").into_parts().0
}

type Found = Vec<(String, Option<(u16, Bytes)>)>;

fn decoder(format: &dyn Format, content_type: &str) -> Box<dyn ResponseDecoder> {
    let decoder = format.response_decoder(&head(content_type), &Limits::default());
    decoder.expect("a decoder").expect("a valid type")
}

/// What a decoder finds in an envelope that arrives in chunks of this many bytes.
fn found_in(
    format: &dyn Format,
    content_type: &str,
    envelope: &[u8],
    size: usize,
) -> (Found, Result<(), Error>) {
    let mut decoder = decoder(format, content_type);
    let mut found = Vec::new();
    let mut read = || {
        for chunk in envelope.chunks(size) {
            decoder.push(Bytes::copy_from_slice(chunk), &mut found)?;
        }
        decoder.end(&mut found)
    };
    let read = read();
    let found = found.into_iter().map(|response| {
        let is_readable = !response.is_unreadable();
        let parts = is_readable.then(|| (response.status().as_u16(), response.body().clone()));
        (response.id().to_owned(), parts)
    });
    (found.collect(), read)
}

/// Asserts that the chunks do not matter. Returns what is found.
fn found(format: &dyn Format, content_type: &str, envelope: &[u8]) -> (Found, Result<(), Error>) {
    let whole = found_in(format, content_type, envelope, usize::MAX);
    for size in [1, 2, 7, 64] {
        let chunked = found_in(format, content_type, envelope, size);
        assert_eq!(chunked.0, whole.0, "{size}");
        assert_eq!(chunked.1.is_ok(), whole.1.is_ok(), "{size}");
    }
    whole
}

const ENVELOPE: &str = r#"{"responses":[
{"id":"1","status":200,"headers":{"Content-Type":"application/json"},"body": {"a" : "\u00e9"} },
{"id":"2","status":404,"headers":{},"body":null},
{"body":"aGk","encoding":"base64","headers":{"Content-Type":"image/png"},"status":200,"id":"\u0033"},
{"id":"4","status":200,"body":"text"}]}"#;

const LINES: &str = r#"{"id":"1","status":200,"headers":{"Content-Type":"application/json"},"body": {"a" : "\u00e9"} }
{"id":"2","status":404,"headers":{},"body":null}

{"body":"aGk","encoding":"base64","headers":{"Content-Type":"image/png"},"status":200,"id":"\u0033"}
{"id":"4","status":200,"body":"text"}
{"summary":{"total":4,"succeeded":3,"failed":1}}
"#;

fn expected() -> Found {
    let found =
        |id: &str, status, body: &'static str| (id.to_owned(), Some((status, Bytes::from(body))));
    vec![
        found("1", 200, r#" {"a" : "\u00e9"} "#),
        found("2", 404, ""),
        found("3", 200, "hi"),
        found("4", 200, "text"),
    ]
}

#[test]
fn chunks_of_any_size_are_the_same_responses() {
    let (found_, read) = found(&Json::new(), "application/json", ENVELOPE.as_bytes());
    assert_eq!((found_, read), (expected(), Ok(())));
    let (found_, read) = found(&NdJson::new(), "application/x-ndjson", LINES.as_bytes());
    assert_eq!((found_, read), (expected(), Ok(())));
}

#[test]
fn an_envelope_that_is_cut_anywhere_is_an_error() {
    for end in 0..ENVELOPE.len() {
        let (found, read) = found_in(
            &Json::new(),
            "application/json",
            &ENVELOPE.as_bytes()[..end],
            999,
        );
        assert_eq!(found, []);
        assert!(read.is_err(), "{end}");
    }
    // The line end of the summary may be missing.
    for end in 0..LINES.len() - 1 {
        let (found, read) = found_in(
            &NdJson::new(),
            "application/x-ndjson",
            &LINES.as_bytes()[..end],
            999,
        );
        assert_eq!(found, expected()[..found.len()]);
        assert!(read.is_err(), "{end}");
    }
}

#[test]
fn an_error_in_the_structure_ends_the_envelope() {
    let item = r#"{"id":"1","status":200}"#;
    for wrong in [
        format!(r#"{{"responses":[{item},{item}"#),
        format!(r#"{{"responses":[{item}]}} x"#),
        format!(r#"{{"responses":[{item}],"responses":[]}}"#),
        format!(r#"[{item}]"#),
        format!(r#"{{"Responses":[{item}]}}"#),
        format!("\u{feff}{{\"responses\":[{item}]}}"),
        r#"{"responses":[{"id":"1","status":200,"id":"2"}]}"#.to_owned(),
        r#"{"responses":[{"id":"1","status":200,"body":1,"body":2}]}"#.to_owned(),
        r#"{"responses":[{"id":"\ud800","status":200}]}"#.to_owned(),
        r#"{"responses":[{"id":"1","status":200,"headers":{"a":"\udc00"}}]}"#.to_owned(),
        r#"{"responses":[{"id":"1","status":200,"body":{]}]}"#.to_owned(),
        format!(
            r#"{{"responses":[{{"id":"1","status":200,"body":{}}}]}}"#,
            "[".repeat(200)
        ),
    ] {
        let (found, read) = found(&Json::new(), "application/json", wrong.as_bytes());
        assert_eq!((found.len(), read.is_err()), (0, true), "{wrong}");
    }
    let not_utf8 = b"{\"responses\":[{\"id\":\"\xff\",\"status\":200}]}";
    assert!(found(&Json::new(), "application/json", not_utf8).1.is_err());

    let summary = r#"{"summary":{}}"#;
    for wrong in [
        format!("{item}\n[]\n{summary}\n"),
        format!("{item}\n{summary}\n{item}\n"),
        format!("{item}\n{summary}\n{summary}\n"),
        format!("{item}\n{item} {item}\n{summary}\n"),
    ] {
        let (found, read) = found(&NdJson::new(), "application/x-ndjson", wrong.as_bytes());
        assert_eq!((found.len(), read.is_err()), (1, true), "{wrong}");
    }
}

#[test]
fn limits_of_bytes_ids_and_headers_hold() {
    let limits = Limits::default();
    let item = |id: usize| format!(r#"{{"id":"{id}","status":200}}"#);
    let items = |count| (0..count).map(item).collect::<Vec<_>>();
    for (count, is_ok) in [(limits.max_items(), true), (limits.max_items() + 1, false)] {
        let envelope = format!(r#"{{"responses":[{}]}}"#, items(count).join(","));
        let (_, read) = found_in(&Json::new(), "application/json", envelope.as_bytes(), 999);
        let too_many = (!is_ok).then_some(ErrorKind::TooManyItems);
        assert_eq!(read.err().map(|error| error.kind()), too_many);
        let lines = items(count).join("\n") + "\n{\"summary\":{}}";
        let (_, read) = found_in(
            &NdJson::new(),
            "application/x-ndjson",
            lines.as_bytes(),
            999,
        );
        assert_eq!(read.is_ok(), is_ok);
    }
    // An endless envelope, and an endless line.
    let chunk = Bytes::from(vec![b' '; 1 << 20]);
    let formats: [(&dyn Format, &str); 2] = [
        (&Json::new(), "application/json"),
        (&NdJson::new(), "application/x-ndjson"),
    ];
    for (format, content_type) in formats {
        let mut decoder = decoder(format, content_type);
        let mut found = Vec::new();
        let read = (0..20).map(|_| decoder.push(chunk.clone(), &mut found));
        let accepted = read.take_while(Result::is_ok).count();
        assert_eq!(accepted, limits.max_total_response_bytes() >> 20);
    }
    let header = |at| format!("\"x-{at}\":\"\"");
    for (count, is_readable) in [(1000, true), (1001, false), (30_000, false)] {
        let headers: Vec<_> = (0..count).map(header).collect();
        let envelope = format!(
            r#"{{"responses":[{{"id":"1","status":200,"headers":{{{}}}}}]}}"#,
            headers.join(",")
        );
        let (found, read) = found_in(
            &Json::new(),
            "application/json",
            envelope.as_bytes(),
            999_999,
        );
        assert_eq!((found[0].1.is_some(), read), (is_readable, Ok(())));
    }
}

#[test]
fn values_are_nested_at_most_128_deep_in_headers_too() {
    // An envelope, its responses, one of them, and its headers are four levels.
    for (begin, end) in [("[", "]"), ("{\"b\":", "}")] {
        for (depth, is_ok) in [(124, true), (125, false)] {
            let value = format!("{}0{}", begin.repeat(depth), end.repeat(depth));
            let envelope =
                format!(r#"{{"responses":[{{"id":"1","status":200,"headers":{{"a":{value}}}}}]}}"#);
            let (_, read) = found(&Json::new(), "application/json", envelope.as_bytes());
            assert_eq!(read.is_ok(), is_ok, "{begin} {depth}");
        }
    }
}

#[test]
fn a_body_is_read_by_its_type() {
    let json = Json::new();
    // Without a body, `null` is written, which is JSON unless the body was encoded.
    for (encoding, expected) in [("", "null"), (r#","content-encoding":"gzip""#, "")] {
        let envelope = format!(
            r#"{{"responses":[{{"id":"1","status":200,"body":null,
            "headers":{{"content-type":"application/json"{encoding}}}}}]}}"#
        );
        let (found, _) = found(&json, "application/json", envelope.as_bytes());
        let expected = (200, Bytes::from(expected));
        assert_eq!(found, [("1".to_owned(), Some(expected))], "{encoding}");
    }
    let microsoft = Json::new().base64_forms_and_xml(true);
    let body = |format: &Json, content_type: &str, body: &str| {
        let headers = match content_type {
            "" => "{}".to_owned(),
            content_type => format!(r#"{{"content-type":"{content_type}"}}"#),
        };
        let envelope = format!(
            r#"{{"responses":[{{"id":"1","status":200,"headers":{headers},"body":{body}}}]}}"#
        );
        let (mut found, read) = found(format, "application/json", envelope.as_bytes());
        assert_eq!(read, Ok(()));
        found
            .remove(0)
            .1
            .map(|(_, body)| String::from_utf8(body.to_vec()).unwrap())
    };
    for (content_type, text, expected) in [
        ("application/json", "null", Some("null")),
        ("application/json", "\"a\"", Some("\"a\"")),
        ("application/x+json;a=b", " [ 1e999 ] ", Some(" [ 1e999 ] ")),
        ("text/plain", "\"a\\n\\u00e9\"", Some("a\né")),
        ("text/plain", "null", Some("")),
        ("text/plain", "{}", None),
        ("text/plain", "\"\\ud800\"", None),
        ("application/xml", "\"<a/>\"", Some("<a/>")),
        ("image/png", "\"aGk=\"", Some("hi")),
        ("image/png", "\"aGk\"", Some("hi")),
        ("image/png", "\"a G\\nk\"", Some("hi")),
        ("image/png", "\"a*\"", None),
        ("image/png", "1", None),
        ("", "\"a\"", Some("a")),
        ("", "{\"a\":1}", Some("{\"a\":1}")),
        ("", "null", Some("")),
    ] {
        let read = body(&json, content_type, text);
        assert_eq!(read.as_deref(), expected, "{content_type} {text}");
    }
    assert_eq!(
        body(&microsoft, "application/xml", "\"aGk=\"").as_deref(),
        Some("hi")
    );
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40),
        size in 1_usize..50,
    ) {
        let text = pieces.concat();
        drop(found_in(&Json::new(), "application/json", text.as_bytes(), size));
        drop(found_in(&NdJson::new(), "application/x-ndjson", text.as_bytes(), size));
        #[cfg(feature = "multipart")]
        for format in [
            tower_multistatus::Multipart::new(),
            tower_multistatus::Multipart::new().match_by_position(true).response_ids(true),
        ] {
            drop(found_in(&format, "multipart/mixed; boundary=b", text.as_bytes(), size));
        }
    }
}

const PIECES: &[&str] = &[
    "{\"responses\":[",
    "{\"id\":\"1\",",
    "\"status\":200",
    "\"headers\":{",
    "\"a\":\"b\"",
    "\"body\":",
    "\"encoding\":\"base64\"",
    "null",
    "\"\\u00e9\\",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "{\"summary\":{}}",
    "--b\r\n",
    "--b--",
    "Content-Type: application/http\r\n",
    "Content-ID: <1>\r\n",
    "\r\n",
    "HTTP/1.1 200 OK\r\n",
    "Content-Type: multipart/mixed; boundary=c\r\n",
    "é",
    "\r\n--b",
    "1",
];
