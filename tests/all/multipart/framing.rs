//! Where parts and bodies start and end.

use tower::Layer;

use super::{envelope, is_refused, layer, only, parts, replay, statuses};
use crate::support::{recorder, send};

#[tokio::test]
async fn boundaries_may_be_quoted_long_and_have_equals_signs() {
    let longest = "x".repeat(70);
    let quoted = format!("multipart/mixed; boundary=\"{longest}\"");
    let cases = [
        ("multipart/mixed; boundary=b", "b"),
        ("Multipart/Batch;BOUNDARY=b", "b"),
        ("multipart/mixed;; boundary=b;", "b"),
        ("multipart/mixed; charset=UTF-8;boundary=b", "b"),
        ("multipart/mixed; boundary===b==", "==b=="),
        ("multipart/mixed; boundary=\"==b==\"", "==b=="),
        ("multipart/mixed; boundary=\"a;b c\"", "a;b c"),
        (&*quoted, &*longest),
    ];
    for (content_type, boundary) in cases {
        let body = format!(
            "--{boundary}\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n--{boundary}--"
        );
        let (log, _) = replay(content_type, body).await;
        assert_eq!(log.uris(), ["/a"], "{content_type}");
    }
    // Each with the text that would close it if it were a valid boundary.
    let too_long = (format!("boundary={longest}x"), format!("--{longest}x--"));
    let refused = [
        ("", "----"),
        ("boundary", "----"),
        ("boundary=", "----"),
        ("boundary=\"\"", "----"),
        ("boundary=b; boundary=b", "--b--"),
        ("boundary=\"b \"", "--b --"),
        ("boundary=\"b", "--\"b--"),
        ("boundary=\"b\\\\\"", "--b\\--"),
        (&*too_long.0, &*too_long.1),
    ];
    for (parameter, body) in refused {
        is_refused(&format!("multipart/mixed; {parameter}"), body).await;
    }
}

#[tokio::test]
async fn lines_may_end_in_lf_or_crlf_and_text_around_parts_is_ignored() {
    let crlf = "preamble\r\n\r\n--b\r\nContent-Type: application/http\r\n\r\nPOST /a HTTP/1.1\r\nX-A: 1\r\n\r\nbody\r\n\
        --b  \t\r\nContent-Type: application/http\r\n\r\nGET /b HTTP/1.1\r\n\r\n--b--  \r\nepilogue\r\n--b\r\n";
    let mixed = crlf
        .replace("http\r\n", "http\n")
        .replace("body\r\n", "body\n");
    for body in [crlf.to_owned(), crlf.replace("\r\n", "\n"), mixed] {
        let (log, _) = replay("multipart/mixed; boundary=b", &body).await;
        let all = log.all();
        assert_eq!(log.uris(), ["/a", "/b"], "{body:?}");
        assert_eq!(
            (&all[0].body[..], &all[1].body[..]),
            (&b"body"[..], &b""[..])
        );
        assert_eq!(all[0].headers["x-a"], "1");
    }
}

#[tokio::test]
async fn an_empty_batch_gets_an_empty_envelope() {
    for body in [
        "--b--",
        "--b--\r\n",
        "\r\n--b-- \n",
        "preamble\r\n--b--\r\nepilogue",
    ] {
        let (_, reply) = replay("multipart/mixed; boundary=b", body).await;
        assert_eq!(statuses(&reply), [] as [u16; 0], "{body:?}");
    }
}

#[tokio::test]
async fn an_incomplete_multipart_envelope_is_refused() {
    let good = "--b\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n";
    let many_headers = format!(
        "Content-Type: application/http\r\n{}",
        "X: 1\r\n".repeat(10_000)
    );
    let bad_parts = [
        "",
        "\r\n",
        "\r\nGET /a HTTP/1.1\r\n",
        "Content-Type: text/plain\r\n\r\nGET /a HTTP/1.1\r\n",
        "Content-Type: application/http2\r\n\r\nGET /a HTTP/1.1\r\n",
        "Content-Type: multipart/mixed\r\n\r\n--c--\r\n",
        "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n",
        "Content-Type: application/http\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n",
        "Content-Type: application/http\r\nContent-ID: 1\r\nContent-ID: 1\r\n\r\nGET /a HTTP/1.1\r\n",
        "Content-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\nContent-ID: 1\r\nContent-ID: 2\r\n",
        "Content-Type: application/http\r\nContent-ID: \u{85}\r\n\r\nGET /a HTTP/1.1\r\n",
        "Content-Type: application/http\r\nno header\r\n\r\nGET /a HTTP/1.1\r\n",
        &many_headers,
    ];
    for part in bad_parts {
        is_refused(
            "multipart/mixed; boundary=b",
            format!("{good}--b\r\n{part}\r\n--b--"),
        )
        .await;
    }
    let cut_short = [
        "",
        "\r\n",
        good,
        "--b",
        "--bb--",
        "-b--",
        "GET /a HTTP/1.1",
        &good.replace('b', "bb"),
    ];
    for body in cut_short {
        is_refused("multipart/mixed; boundary=b", body).await;
    }
    let at_the_end = format!("{good}--b-");
    is_refused("multipart/mixed; boundary=b", at_the_end).await;
}

#[tokio::test]
async fn only_the_exact_delimiter_ends_a_body() {
    let near = "\r\n--bb\r\n--b-\r\n -b\r\n--b x\r\n --b\r\n--b--x\r\nx--b--\r\n--\r\n";
    let received = only(&format!("POST /a HTTP/1.1\r\n\r\n{near}")).await;
    assert_eq!(received.body, near);
}

#[tokio::test]
async fn bodies_are_kept_byte_for_byte() {
    let binary: Vec<u8> = (0..=255).chain(*b"\r\n\0\r\n\n\r\r\n").collect();
    let body = [
        b"--b\r\nContent-Type: application/http\r\n\r\nPUT /a HTTP/1.1\r\n\r\n",
        &binary[..],
        b"\r\n--b--",
    ]
    .concat();
    let (log, _) = replay("multipart/mixed; boundary=b", body).await;
    assert_eq!(log.only().body, binary);
}

#[tokio::test]
async fn a_body_of_line_ends_is_empty() {
    for ends in ["", "\r\n", "\n", "\r\n\r\n\n\r\n"] {
        let received = only(&format!("GET /a HTTP/1.1\r\n\r\n{ends}")).await;
        assert_eq!(received.body, "", "{ends:?}");
    }
    let received = only("POST /a HTTP/1.1\r\n\r\n\r\n{}\r\n\r\n").await;
    assert_eq!(received.body, "\r\n{}\r\n\r\n");
}

#[tokio::test]
async fn the_delimiter_ends_a_part_whatever_its_content_length() {
    // A length in UTF-16 units, and one that would end in the next part.
    let received =
        only("POST /a HTTP/1.1\r\nContent-Length: 14\r\n\r\n{\"name\":\"Zo\u{eb}\"}").await;
    assert_eq!(received.body, "{\"name\":\"Zo\u{eb}\"}");
    assert_eq!(received.headers["content-length"], "15");
    let (received, _) = parts(&[
        "POST /a HTTP/1.1\r\nContent-Length: 5000\r\n\r\nx",
        "GET /b",
    ])
    .await;
    assert_eq!(
        (&received[0].body[..], received[1].uri.as_str()),
        (&b"x"[..], "/b")
    );
    // A second request in a part is the body of the first one.
    let received = only("POST /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nX: 1\r\n").await;
    assert_eq!(received.body, "GET /b HTTP/1.1\r\nX: 1\r\n");
    let received = only("GET /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n\r\nGET /b HTTP/1.1").await;
    assert_eq!(received.uri, "/a");
    assert_eq!(received.body, "\r\nGET /b HTTP/1.1");
}

#[tokio::test]
async fn nothing_runs_before_the_whole_envelope_is_read_even_if_the_response_is_streamed() {
    let part = "--b\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n";
    let (log, inner) = recorder();
    let service = layer().streamed(true).layer(inner);
    let chunks = [part, part, "--b"].map(str::as_bytes);
    let request = envelope("multipart/mixed; boundary=b", &chunks);
    let reply = send(service, request).await;
    assert_eq!((reply.status.as_u16(), log.len()), (400, 0));
}
