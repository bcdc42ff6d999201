//! Envelopes in chunks, truncated, or damaged.

use proptest::prelude::*;
use tower::Layer;
use tower_multistatus::{Error, Subrequest};

use super::{decode, envelope, layer};
use crate::support::{recorder, send};

const SMALL: &str = "pre\r\n--b\r\nContent-Type: application/http\r\nContent-ID: <x>\r\n\r\nPOST /a?b c HTTP/1.1\r\n\
    X-A: 1\r\n 2\r\n\r\n{}\r\n--bb\r\n--b \r\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Type: application/http\n\n\
    GET /b\nContent-ID: 2\n\n--bb\r\nContent-Type: application/http\r\n\r\nPUT /c HTTP/1.1\r\n\r\nx\r\n\r\n--bb--\r\n\r\n--b--\r\n";

#[test]
fn every_split_into_chunks_gives_the_same_items() {
    let content_type = "multipart/mixed; boundary=b";
    let expected = decode(content_type, &[SMALL.as_bytes()]).expect("items");
    assert_eq!(expected.len(), 3);
    let expected = format!("{expected:?}");
    for cut in 0..=SMALL.len() {
        let (left, right) = SMALL.as_bytes().split_at(cut);
        let found = decode(content_type, &[left, right]).expect("items");
        assert_eq!(format!("{found:?}"), expected, "{cut}");
    }
    let bytes: Vec<_> = SMALL.as_bytes().chunks(1).collect();
    assert_eq!(
        format!("{:?}", decode(content_type, &bytes).expect("items")),
        expected
    );
}

#[test]
fn a_cut_anywhere_before_the_end_is_refused() {
    let whole = SMALL.trim_end().len();
    for cut in 0..whole {
        let cut_short = &SMALL.as_bytes()[..cut];
        assert!(
            decode("multipart/mixed; boundary=b", &[cut_short]).is_err(),
            "{cut}"
        );
    }
}

#[tokio::test]
async fn frames_of_any_size_are_one_envelope() {
    let body = format!(
        "--b\r\nContent-Type: application/http\r\n\r\nPOST /a HTTP/1.1\r\n\r\n{}\r\n--b--",
        "0123456789\r\n".repeat(500)
    );
    for size in [1, 3, 1000] {
        let (log, inner) = recorder();
        let chunks: Vec<_> = body.as_bytes().chunks(size).collect();
        send(
            layer().layer(inner),
            envelope("multipart/mixed; boundary=b", &chunks),
        )
        .await;
        assert_eq!(log.only().body, "0123456789\r\n".repeat(500));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, cut: prop::sample::Index) {
        let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
        let _ = decode("multipart/mixed; boundary=b", &[left, right]);
    }

    #[test]
    fn a_damaged_envelope_has_the_same_result_in_chunks(
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\r\n-b: \t\0x\xEB".to_vec())), 1..4),
        removed: bool,
        cut: prop::sample::Index,
    ) {
        let mut bytes = SMALL.as_bytes().to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            if removed {
                bytes.remove(at);
            } else {
                bytes[at] = byte;
            }
        }
        let show = |found: Result<Vec<Subrequest>, Error>| found.map(|found| format!("{found:?}"));
        let whole = show(decode("multipart/mixed; boundary=b", &[&bytes]));
        let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
        prop_assert_eq!(show(decode("multipart/mixed; boundary=b", &[left, right])), whole);
    }
}
