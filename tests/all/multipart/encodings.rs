//! Transfer encodings of parts, and limits of their headers.

use tower::Layer;
use tower_multistatus::ChangeSets;

use super::responses_of;
use super::{envelope, is_refused, layer, replay, statuses};
use crate::model::parts::{ItemResponse, Part, parse};
use crate::support::{problem, recorder, send};

const TYPE: &str = "multipart/mixed; boundary=b";

/// A part with these further headers and this text.
fn part(headers: &str, text: &str) -> String {
    format!("--b\r\nContent-Type: application/http\r\n{headers}\r\n{text}\r\n")
}

fn encoded(encoding: &str) -> String {
    part(
        &format!("Content-ID: <e>\r\nContent-Transfer-Encoding:{encoding}\r\n"),
        "GET /a HTTP/1.1\r\n",
    )
}

fn is_unsupported(response: &ItemResponse) {
    let title = "the item's encoding is not supported";
    let expected = problem(400, "unsupported-encoding", title);
    assert_eq!(response.status, 400);
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&response.body).expect("JSON"),
        expected
    );
}

#[tokio::test]
async fn a_part_may_have_an_identity_transfer_encoding() {
    for encoding in [
        " binary",
        "8bit",
        " 7bit",
        " BINARY ",
        "\t8BIT\t",
        " 7Bit; a=b",
        " binary ;",
        "\r\n binary",
        " binary\r\nContent-Transfer-Encoding: 8bit",
    ] {
        let (log, reply) = replay(TYPE, encoded(encoding) + "--b--").await;
        assert_eq!(statuses(&reply), [200], "{encoding:?}");
        assert_eq!(log.uris(), ["/a"], "{encoding:?}");
    }
}

#[tokio::test]
async fn a_part_in_another_encoding_fails_and_the_others_run() {
    for encoding in [
        " base64",
        " BASE64",
        " quoted-printable",
        " x-gzip",
        "",
        " binary, base64",
        " binary base64",
        " \"binary\"",
        " 7bit\r\nContent-Transfer-Encoding: base64",
        " base64\r\nContent-Transfer-Encoding: 7bit",
    ] {
        let body = encoded(encoding) + &part("", "GET /b HTTP/1.1\r\n") + "--b--";
        let (log, reply) = replay(TYPE, body).await;
        let responses = responses_of(&reply);
        let [bad, good] = &responses[..] else {
            panic!("two")
        };
        is_unsupported(bad);
        assert_eq!(bad.content_id.as_deref(), Some("<e>"), "{encoding:?}");
        assert_eq!(good.status, 200, "{encoding:?}");
        assert_eq!(log.uris(), ["/b"], "{encoding:?}");
    }
}

#[tokio::test]
async fn the_text_of_an_encoded_part_is_not_read() {
    // If it were read, it would have two `Content-ID`s.
    let text = "GET /a HTTP/1.1\r\nContent-ID: 1\r\nContent-ID: 1\r\n";
    let body = part("Content-Transfer-Encoding: base64\r\n", text) + "--b--";
    let (_, reply) = replay(TYPE, body).await;
    assert_eq!(statuses(&reply), [400]);
}

#[tokio::test]
async fn an_encoded_member_fails_its_change_set() {
    let member = encoded(" base64").replace("--b\r\n", "--c\r\n");
    let change_set = format!("Content-Type: multipart/mixed; boundary=c\r\n\r\n{member}--c--\r\n");
    let body = format!("--b\r\n{change_set}--b--");
    let (log, inner) = recorder();
    let layer = layer().change_sets(ChangeSets::best_effort());
    let reply = send(layer.layer(inner), envelope(TYPE, &[body.as_bytes()])).await;
    let parts = parse(reply.header("content-type").expect("one"), &reply.body);
    let [Part::Response(response)] = &parts[..] else {
        panic!("one response")
    };
    is_unsupported(response);
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn an_encoded_change_set_is_refused() {
    for (encoding, is_read) in [("binary", true), ("7bit", true), ("base64", false)] {
        let member = "--c\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n";
        let change_set = format!(
            "Content-Type: multipart/mixed; boundary=c\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{member}--c--"
        );
        let body = format!("--b\r\n{change_set}\r\n--b--");
        if is_read {
            let decoded = super::decode(TYPE, &[body.as_bytes()]);
            assert!(decoded.is_ok(), "{encoding}");
        } else {
            is_refused(TYPE, body).await;
        }
    }
}

/// Header lines that fill the header block of a part up to this number of bytes.
fn filled(bytes: usize) -> String {
    let rest = bytes - "Content-Type: application/http\r\nX: \r\n\r\n".len();
    format!("X: {}\r\n", "x".repeat(rest))
}

#[tokio::test]
async fn the_headers_of_a_part_have_16_kib_at_most() {
    let of = |bytes: usize| part(&filled(bytes), "GET /a HTTP/1.1\r\n") + "--b--";
    assert_eq!(statuses(&replay(TYPE, of(16 << 10)).await.1), [200]);
    is_refused(TYPE, of((16 << 10) + 1)).await;
    let short_lines = "X: 1234567890\r\n Y: folded\r\n".repeat(1000);
    is_refused(TYPE, part(&short_lines, "GET /a HTTP/1.1\r\n") + "--b--").await;
}

#[tokio::test]
async fn the_headers_of_a_member_have_16_kib_at_most() {
    let of = |bytes: usize| {
        let member = part(&filled(bytes), "GET /a HTTP/1.1\r\n").replace("--b\r\n", "--c\r\n");
        format!("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{member}--c--\r\n--b--")
    };
    let found = super::decode(TYPE, &[of(16 << 10).as_bytes()]);
    assert_eq!(found.expect("an item").len(), 1);
    is_refused(TYPE, of((16 << 10) + 1)).await;
}
