//! Details of malformed envelopes, and members in a wrong spelling.

use serde_json::{Value, json};
use tower_multistatus::{BatchLayer, Json};

use crate::support::{ask, ask_through, envelope, malformed, recorded, second, with};

async fn assert_says(text: impl AsRef<[u8]>, detail: &str, place: Value) {
    let text = text.as_ref();
    let (reply, log) = ask(text.to_vec()).await;
    assert_eq!(
        reply.json(),
        malformed(detail, place),
        "{}",
        text.escape_ascii()
    );
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn a_malformed_envelope_is_reported_with_a_detail_and_offset() {
    let deep = format!(
        r#"{{"x":{}{},"requests":[]}}"#,
        "[".repeat(128),
        "]".repeat(128)
    );
    for (text, detail, offset) in [
        (&b""[..], "the envelope is empty", 0),
        (b"hello", "not JSON", 0),
        (b" \n <html>", "not JSON", 3),
        (b" []", "the envelope is not an object", 1),
        (b"{}", "`requests` is missing", 1),
        (b"{\"x\":[]}\n", "`requests` is missing", 7),
        (b"{\"requests\": {}}", "`requests` is not an array", 13),
        (b"{\"requests\":[],}", "trailing comma", 15),
        (b"{\"requests\":[],\n\"x\":[1, ]}", "trailing comma", 24),
        (b"{\"requests\":[]", "the JSON ends too early", 14),
        (b"{\"requests\":[]}\n x", "trailing characters", 17),
        (b"{requests:[]}", "key must be a string", 1),
        (b"{\"requests\" []}", "expected `:`", 12),
        (b"{\"x\":1 \"requests\":[]}", "expected `,` or `}`", 7),
        (b"{\"x\":[1 2],\"requests\":[]}", "expected `,` or `]`", 8),
        (b"{\"x\":\"\\q\",\"requests\":[]}", "invalid escape", 7),
        (b"{\"x\":01,\"requests\":[]}", "invalid number", 6),
        (b"{\"x\":\"\n\",\"requests\":[]}", "control character", 6),
        (b"{\"x\":\"\xff\",\"requests\":[]}", "not UTF-8", 6),
        (
            "\u{feff}{}".as_bytes(),
            "a byte order mark before the JSON",
            0,
        ),
        (deep.as_bytes(), "JSON nested more than 128 deep", 132),
        (
            b"{\"requests\":[], \"requests\":[]}",
            "a name that stands twice in an object",
            16,
        ),
        (
            b"{\"\\ud800\":1,\"requests\":[]}",
            "half a surrogate pair in a string",
            1,
        ),
        (
            b"{\"x\":1,\"Re-Quests\":[]}",
            "`requests` in another spelling",
            7,
        ),
    ] {
        assert_says(text, detail, json!({ "offset": offset })).await;
    }
}

#[tokio::test]
async fn a_malformed_item_is_reported_with_a_detail_and_pointer() {
    let id = "an id must be 1 to 256 bytes of UTF-8 without control characters";
    for (item, detail) in [
        (r#"[]"#, "the item is not an object"),
        (r#""#, "trailing comma"),
        (r#"{"id":"b",}"#, "trailing comma"),
        (r#"{"method":"GET"}"#, "`id` is missing"),
        (r#"{"id":7}"#, "`id` is not a string"),
        (r#"{"id":null}"#, "`id` is not a string"),
        (r#"{"id":""}"#, id),
        (r#"{"id":"\n"}"#, id),
        (r#"{"id":"\ud800"}"#, "half a surrogate pair in a string"),
        (
            r#"{"id":"b","id":"c"}"#,
            "a name that stands twice in an object",
        ),
        (
            r#"{"id":"b","headers":{"x":"1","x":"1"}}"#,
            "a name that stands twice in an object",
        ),
        (
            r#"{"id":"b","dependsOn":"a"}"#,
            "`dependsOn` is not an array of strings",
        ),
        (
            r#"{"id":"b","dependsOn":{}}"#,
            "`dependsOn` is not an array of strings",
        ),
        (
            r#"{"id":"b","dependsOn":[1]}"#,
            "`dependsOn` is not an array of strings",
        ),
        (r#"{"id":"b","dependsOn":["a",]}"#, "trailing comma"),
        (r#"{"id":"b","body":nul}"#, "not JSON"),
        (r#"{"id":"b""#, "expected `,` or `}`"),
    ] {
        assert_says(second(item), detail, json!({ "pointer": "#/requests/1" })).await;
    }
    // Only the first fault is reported.
    let text = r#"{"requests":[{"id":7},"#;
    let place = json!({ "pointer": "#/requests/0" });
    assert_says(text, "`id` is not a string", place).await;
}

#[tokio::test]
async fn a_member_in_another_spelling_is_never_ignored() {
    for (member, known) in [
        (r#""dependson":["a"]"#, "dependsOn"),
        (r#""depends_on":["a"]"#, "dependsOn"),
        (r#""DEPENDS-ON":null"#, "dependsOn"),
        (r#""\u0064ependson":[]"#, "dependsOn"),
        (r#""ID":"c""#, "id"),
        (r#""Method":"GET""#, "method"),
        (r#""URL":"/3""#, "url"),
        (r#""Headers":{}"#, "headers"),
        (r#""Body":1"#, "body"),
        (r#""atomicitygroup":null"#, "atomicityGroup"),
        (r#""atomicity_group":"g""#, "atomicityGroup"),
        (r#""If":null"#, "if"),
        (r#""_if_":"*""#, "if"),
    ] {
        let detail = format!("`{known}` in another spelling");
        assert_says(with(member), &detail, json!({ "pointer": "#/requests/1" })).await;
    }
    for envelope in [r#"{"Requests":[]}"#, r#"{"requests":[],"REQUESTS":1}"#] {
        let offset = envelope
            .to_ascii_lowercase()
            .rfind("\"requests")
            .expect("it is there");
        let place = json!({ "offset": offset });
        assert_says(envelope, "`requests` in another spelling", place).await;
    }
}

#[tokio::test]
async fn unknown_members_are_ignored_unless_the_format_denies_them() {
    let strict = || BatchLayer::new("/batch").format(Json::new().deny_unknown_members(true));
    let in_item = with(r#""depends":["a"],"x-if":1"#);
    let in_envelope = in_item.replace(r#""depends":["a"],"x-if":1"#, r#""body":1"#);
    let in_envelope = in_envelope.replacen('{', r#"{"@context":{},"#, 1);
    let sound = with(r#""dependsOn":["a"],"headers":{},"body":null,"if":null"#);
    for text in [&in_item, &in_envelope, &sound] {
        let (reply, _) = ask(text.clone()).await;
        assert_eq!(reply.items(), [recorded("a"), recorded("b")], "{text}");
    }
    for (text, place) in [
        (&in_item, json!({ "pointer": "#/requests/1" })),
        (&in_envelope, json!({ "offset": 1 })),
    ] {
        let (reply, log) = ask_through(strict(), envelope(text.clone())).await;
        assert_eq!(reply.json(), malformed("an unknown member", place));
        assert_eq!(log.len(), 0);
    }
    // A wrong spelling has its own detail.
    for (text, known, place) in [
        (
            with(r#""dependson":["a"]"#),
            "dependsOn",
            json!({ "pointer": "#/requests/1" }),
        ),
        (
            r#"{"Requests":[]}"#.to_owned(),
            "requests",
            json!({ "offset": 1 }),
        ),
    ] {
        let (reply, _) = ask_through(strict(), envelope(text)).await;
        let detail = format!("`{known}` in another spelling");
        assert_eq!(reply.json(), malformed(&detail, place));
    }
    let (reply, _) = ask_through(strict(), envelope(sound)).await;
    assert_eq!(reply.items(), [recorded("a"), recorded("b")]);
}
