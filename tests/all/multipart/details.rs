//! Details of malformed envelopes.

use serde_json::json;

use super::replay;
use crate::support::malformed;

const TYPE: &str = "multipart/mixed; boundary=b";

/// A valid item, and a part with these headers and this text.
fn second(headers: &str, text: &str) -> String {
    format!(
        "--b\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n\
         --b\r\n{headers}\r\n\r\n{text}\r\n--b--"
    )
}

#[tokio::test]
async fn a_malformed_part_is_reported_with_a_detail_and_pointer() {
    let request = "GET /b HTTP/1.1\r\n\r\n";
    let http = "Content-Type: application/http";
    let set = "Content-Type: multipart/mixed; boundary=c";
    let nested = format!("--c\r\n{set}\r\n\r\n\r\n--c--");
    let many = format!("{http}\r\n{}x: 1", "x: 1\r\n".repeat(64));
    let too_many = "the part has more than 64 headers, or 16 KiB of them";
    let id = "an id must be 1 to 256 bytes of UTF-8 without control characters";
    let cases = [
        (second("X: 1", request), "a part has no `Content-Type`"),
        (
            second("Content-Type: text/plain", request),
            "a part is neither `application/http` nor `multipart/mixed`",
        ),
        (
            second("Content-Type: multipart/mixed", request),
            "`Content-Type` has no boundary of 1 to 70 characters",
        ),
        (
            second(&format!("{http}\r\n{http}"), request),
            "a part has two `Content-Type`s",
        ),
        (
            second(&format!("{http}\r\nno header"), request),
            "a line among the headers of a part is no header",
        ),
        (second(&many, request), too_many),
        (
            second(&format!("{http}\r\nX: {}", "x".repeat(17 << 10)), request),
            too_many,
        ),
        (
            second(
                &format!("{http}\r\nContent-ID: 1\r\nContent-ID: 1"),
                request,
            ),
            "an item has two `Content-ID`s",
        ),
        (
            second(
                http,
                "GET /b HTTP/1.1\r\nContent-ID: 1\r\nContent-ID: 2\r\n\r\n",
            ),
            "an item has two `Content-ID`s",
        ),
        (
            second(
                &format!("{http}\r\nContent-ID: {}", "1".repeat(257)),
                request,
            ),
            id,
        ),
        (
            second(
                &format!("{set}\r\nContent-Transfer-Encoding: base64"),
                "--c--",
            ),
            "a change set has a `Content-Transfer-Encoding`",
        ),
        (second(set, &nested), "a change set in a change set"),
        (second(set, "--c"), "the close delimiter is missing"),
    ];
    for (body, detail) in cases {
        let (log, reply) = replay(TYPE, &body).await;
        let expected = malformed(detail, json!({ "pointer": "#/requests/1" }));
        assert_eq!(reply.json(), expected, "{body}");
        assert_eq!(log.len(), 0);
    }
    let not_utf_8 = second(&format!("{http}\r\nContent-ID: ?"), request);
    let not_utf_8: Vec<u8> = not_utf_8
        .bytes()
        .map(|byte| if byte == b'?' { 0xFF } else { byte })
        .collect();
    let (_, reply) = replay(TYPE, not_utf_8).await;
    let expected = json!({ "pointer": "#/requests/1" });
    assert_eq!(
        reply.json(),
        malformed("a `Content-ID` is not UTF-8", expected)
    );
}

#[tokio::test]
async fn a_malformed_multipart_envelope_is_reported_with_a_detail() {
    let (_, reply) = replay("multipart/mixed", "--b--").await;
    let detail = "`Content-Type` has no boundary of 1 to 70 characters";
    assert_eq!(reply.json(), malformed(detail, json!({})));
    let (_, reply) = replay(TYPE, "no delimiter").await;
    let place = json!({ "pointer": "#/requests/0" });
    assert_eq!(
        reply.json(),
        malformed("the close delimiter is missing", place)
    );
}
