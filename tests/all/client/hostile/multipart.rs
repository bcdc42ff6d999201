//! Responses in multipart.

use tower_multistatus::Multipart;

use super::*;

const TYPE: &str = "multipart/mixed; boundary=b";

fn part(id: &str, response: &str) -> String {
    format!("--b\r\nContent-Type: application/http\r\n{id}\r\n{response}\r\n")
}

fn one(format: &Multipart, id: &str, response: &str) -> Found {
    let envelope = part(id, response) + "--b--\r\n";
    let (found, read) = found(format, TYPE, envelope.as_bytes());
    assert_eq!(read, Ok(()), "{envelope}");
    found
}

#[test]
fn a_part_is_a_response_with_the_id_of_its_part() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nA: b\r\n\r\nx\r\n";
    let body = |found: &Found| found[0].1.as_ref().unwrap().1.clone();
    for (id, expected) in [
        ("Content-ID: 1\r\n", "1"),
        ("content-id: <1>\r\n", "1"),
        ("Content-ID: <a%20b>\r\n", "a b"),
        ("Content-ID: a%20b\r\n", "a%20b"),
    ] {
        let found = one(&Multipart::new(), id, ok);
        assert_eq!(
            (&found[0].0[..], &body(&found)[..]),
            (expected, &b"x\r\n"[..])
        );
    }
    let inner = "HTTP/1.1 200 OK\r\nContent-ID: 7\r\n\r\n";
    assert_eq!(one(&Multipart::new(), "", inner)[0].0, "7");
    assert_eq!(one(&Multipart::new(), "", ok), []);
    let google = Multipart::new().response_ids(true);
    assert_eq!(one(&google, "Content-ID: <response-1>\r\n", ok)[0].0, "1");
    assert_eq!(one(&google, "Content-ID: response-1\r\n", ok)[0].0, "1");
    // An id without the mark may be that of another request.
    assert_eq!(one(&google, "Content-ID: 1\r\n", ok), []);
}

#[test]
fn an_invalid_response_is_unreadable() {
    for response in [
        "",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let found = one(&Multipart::new(), "Content-ID: 1\r\n", response);
        assert_eq!(found, [("1".to_owned(), None)], "{response}");
    }
    let encoded = "Content-ID: 1\r\nContent-Transfer-Encoding: base64\r\n";
    let found = one(&Multipart::new(), encoded, "HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(found, [("1".to_owned(), None)]);
}

#[test]
fn limits_of_parts_and_bytes_hold() {
    let ok = "HTTP/1.1 200 OK\r\n\r\n";
    let limits = Limits::default();
    for (count, is_ok) in [(limits.max_items(), true), (limits.max_items() + 1, false)] {
        let parts = (0..count).map(|id| part(&format!("Content-ID: {id}\r\n"), ok));
        let envelope = parts.collect::<String>() + "--b--";
        let (_, read) = found_in(&Multipart::new(), TYPE, envelope.as_bytes(), 999);
        let too_many = (!is_ok).then_some(ErrorKind::TooManyItems);
        assert_eq!(read.err().map(|error| error.kind()), too_many);
    }
    // An endless part, and parts that are held because nothing says whose they are.
    let chunk = Bytes::from(vec![b' '; 1 << 20]);
    let by_position = Multipart::new().match_by_position(true);
    let text = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    for (format, is_one_part) in [
        (Multipart::new(), true),
        (by_position.clone(), true),
        (by_position, false),
    ] {
        let mut decoder = decoder(&format, TYPE);
        let mut found = Vec::new();
        let mut push = |chunk: &Bytes| decoder.push(chunk.clone(), &mut found);
        let begin = text("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
        push(&begin).expect("the start of a part");
        let mut accepted = 0;
        while accepted < 20 && push(&chunk).is_ok() {
            accepted += 1;
            if !is_one_part && (push(&text("\r\n")).is_err() || push(&begin).is_err()) {
                break;
            }
        }
        // What begins a part counts too.
        let mebibytes = limits.max_total_response_bytes() >> 20;
        assert!(
            (mebibytes - 1..=mebibytes).contains(&accepted),
            "{accepted}"
        );
    }
}

#[test]
fn an_envelope_without_its_end_or_with_other_parts_is_an_error() {
    let ok = part("Content-ID: 1\r\n", "HTTP/1.1 200 OK\r\n\r\n");
    for (envelope, count) in [
        (ok.clone(), 0),
        (format!("{ok}--b\r\n"), 1),
        (
            format!("{ok}--b\r\nContent-Type: text/plain\r\n\r\n\r\n--b--"),
            1,
        ),
        (format!("{ok}--b\r\n\r\n\r\n--b--"), 1),
        (
            format!("{ok}--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--"),
            1,
        ),
    ] {
        let (found, read) = found(&Multipart::new(), TYPE, envelope.as_bytes());
        assert_eq!((found.len(), read.is_err()), (count, true), "{envelope}");
    }
    for content_type in ["multipart/mixed", "multipart/mixed; boundary=a; boundary=b"] {
        let head = head(content_type);
        let decoder = Multipart::new().response_decoder(&head, &Limits::default());
        assert!(decoder.expect("a decoder").is_err());
    }
}
