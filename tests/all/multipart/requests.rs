//! The syntax of the request in a part.

use tower_multistatus::{Format, Limits, Multipart, Subrequest};

use super::responses_of;
use super::{decode, envelope, only, parts, replay};

#[tokio::test]
async fn items_arrive_as_they_were_written() {
    let body = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <x 1>\r\n\r\n\
        PUT /things/1?a=b HTTP/1.1\r\nX-A: 1\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello\r\n\
        --b\r\ncontent-type:application/http;msgtype=request\r\n\r\ndelete /things/2\r\n\r\n--b--\r\n";
    let (log, reply) = replay("multipart/mixed; boundary=b", body).await;
    let [put, delete] = &log.all()[..] else {
        panic!("two")
    };
    assert_eq!(
        (put.method.as_str(), put.uri.as_str()),
        ("PUT", "/things/1?a=b")
    );
    assert_eq!(put.headers["x-a"], "1");
    assert_eq!(put.headers["content-type"], "text/plain");
    assert_eq!(put.headers["content-length"], "5");
    assert_eq!(put.body, "hello");
    assert_eq!(
        (delete.method.as_str(), delete.uri.as_str()),
        ("DELETE", "/things/2")
    );
    assert_eq!(delete.body, "");
    let responses = responses_of(&reply);
    assert_eq!(responses[0].content_id.as_deref(), Some("<x 1>"));
    assert_eq!(responses[1].content_id, None);
}

#[tokio::test]
async fn request_lines_are_read_leniently() {
    let cases = [
        ("GET /a HTTP/1.1", "/a"),
        ("\r\n\n\r\nGET /a HTTP/2\r\n", "/a"),
        ("get /a", "/a"),
        ("GET /a?", "/a?"),
        ("GET  /a  HTTP/1.1  ", "/a"),
        ("GET /a b/c?d=e f HTTP/1.1", "/a%20b/c?d=e%20f"),
        ("GET /a b", "/a%20b"),
        ("GET /Zo\u{eb}%20x HTTP/1.0", "/Zo%C3%AB%20x"),
        ("GET relative/x HTTP/1.1", "/v1/relative/x"),
        ("GET http://api.example/x HTTP/1.1\r\nHost: elsewhere", "/x"),
    ];
    for (request, uri) in cases {
        assert_eq!(only(request).await.uri, uri, "{request:?}");
    }
    for (target, uri) in [(&b"/\xEB"[..], "/%EB"), (b"\xEB", "/v1/%EB")] {
        let head = b"--b\nContent-Type: application/http\n\nGET ";
        let latin1 = [head, target, b" HTTP/1.1\n--b--"].concat();
        let (log, _) = replay("multipart/mixed; boundary=b", latin1).await;
        assert_eq!(log.uris(), [uri]);
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_parsed_fails_and_the_others_run() {
    let bad = [
        "",
        "\r\n",
        "GET",
        "GET HTTP/1.1",
        " HTTP/1.1",
        "G\u{eb}T /a HTTP/1.1",
        "GET /a\tb HTTP/1.1",
        "GET /a\0 HTTP/1.1",
        "GET http://elsewhere/a HTTP/1.1",
        "GET /a HTTP/1.1\r\nno header",
        "GET /a HTTP/1.1\r\nX : 1",
        "GET /a HTTP/1.1\r\n folded: 1",
        "GET /a HTTP/1.1\r\nX: a\rb",
        "GET /a HTTP/1.1\r\nTransfer-Encoding: chunked",
        "GET /a HTTP/1.1\r\nHost: a\r\nhost: a",
        "GET /a HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1",
        "GET /a HTTP/1.1\r\nContent-Length: +1",
        "GET /a HTTP/1.1\r\nContent-Length: 1, 1",
        "GET /a HTTP/1.1\r\nContent-Length:",
        "GET /a HTTP/1.1\r\nContent-Type: a/b\r\nContent-Type: a/b",
    ];
    for request in bad {
        let (received, statuses) = parts(&[request, "GET /good HTTP/1.1"]).await;
        assert_eq!(statuses, [400, 200], "{request:?}");
        assert_eq!(received.len(), 1, "{request:?}");
    }
    let many = format!("GET /a HTTP/1.1\r\n{}", "X: 1\r\n".repeat(10_000));
    assert_eq!(parts(&[&many, "GET /b"]).await.1, [400, 200]);
    assert_eq!(
        parts(&["TRACE /a", "MERGE /a", "GET /b"]).await.1,
        [405, 405, 200]
    );
}

#[tokio::test]
async fn headers_are_read_leniently() {
    let received = only("GET /a HTTP/1.1\r\nx-tight:1\nX-Spaced: \t 2 \t\r\n123: three\r\nX-Folded: a\r\n\t b\r\n  c").await;
    assert_eq!(received.headers["x-tight"], "1");
    assert_eq!(received.headers["x-spaced"], "2");
    assert_eq!(received.headers["123"], "three");
    assert_eq!(received.headers["x-folded"], "a b c");
    assert_eq!(received.headers["host"], "api.example");
}

#[tokio::test]
async fn ids_come_from_the_part_or_the_request_in_it_or_the_position() {
    let body = "--b\nContent-Type: application/http\n\nGET /1\n\
        --b\nContent-Type: application/http\nContent-ID: <a +\n b>\n\nGET /2\n\
        --b\nContent-Type: application/http\n\nGET /3\nContent-Id: <1>\n\
        --b\nContent-Type: application/http\nContent-ID: 4\n\nGET /4\nContent-ID: 5\n\
        --b\nContent-Type: application/http\nContent-ID: <>\n\nGET /5\n--b--";
    let (log, reply) = replay("multipart/mixed; boundary=b", body).await;
    let all = log.all();
    assert!(!all[2].headers.contains_key("content-id"));
    assert_eq!(all[3].headers["content-id"], "5");
    let responses = responses_of(&reply);
    let ids: Vec<_> = responses
        .iter()
        .map(|response| response.content_id.as_deref())
        .collect();
    assert_eq!(ids, [None, Some("<a + b>"), Some("<1>"), Some("4"), None]);
    // The third item has the position of the first as its id.
    let found = decode("multipart/mixed; boundary=b", &[body.as_bytes()]).expect("items");
    let ids: Vec<_> = found.iter().map(Subrequest::id).collect();
    assert_eq!(ids, ["1.1", "a + b", "1", "4", "5"]);
}

#[tokio::test]
async fn duplicate_content_ids_refuse_the_batch() {
    let part =
        |id: &str| format!("--b\nContent-Type: application/http\nContent-ID: {id}\n\nGET /a\n");
    let body = [part("1"), part("<1>"), "--b--".to_owned()].concat();
    let (log, reply) = replay("multipart/mixed; boundary=b", body).await;
    assert_eq!(reply.json()["code"], "duplicate-id");
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn a_multipart_envelope_with_too_many_items_is_refused() {
    let part = "--b\nContent-Type: application/http\n\nGET /a\n";
    for (count, status) in [(100, 207), (101, 413)] {
        let (log, reply) =
            replay("multipart/mixed; boundary=b", part.repeat(count) + "--b--").await;
        assert_eq!(reply.status, status);
        assert_eq!(log.len(), if status == 207 { count } else { 0 });
    }
    // The rest is not read.
    let (outer, _) = envelope("multipart/mixed; boundary=b", &[]).into_parts();
    let decoder = Multipart::new()
        .decoder(&outer, &Limits::default())
        .expect("a decoder");
    let pushed = decoder
        .expect("one")
        .push(part.repeat(102).into(), &mut Vec::new());
    assert_eq!(
        pushed.expect_err("too many").kind().code(),
        "too-many-items"
    );
}
