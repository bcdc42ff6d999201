//! NDJSON: one line is one line for every parser, and a truncated stream can be recognized.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt};
use tower_multistatus::BatchLayer;

use crate::probe::Probe;
use crate::support::{gets, requests, send};

/// Characters that some parsers treat as the end of a line.
const BREAKS: [char; 7] = [
    '\n', '\r', '\u{B}', '\u{C}', '\u{85}', '\u{2028}', '\u{2029}',
];

async fn response(inner: Router, items: Value) -> String {
    let mut request = requests(items);
    let accept = "application/x-ndjson".parse().expect("a value");
    request.headers_mut().insert("accept", accept);
    let reply = send(BatchLayer::new("/batch").layer(inner), request).await;
    String::from_utf8(reply.body.into()).expect("UTF-8")
}

#[tokio::test]
async fn no_response_has_a_line_break_for_any_parser() {
    const PRETTY: &str =
        "{\r\n  \"a\": \"x\u{2028}\u{2029}\u{85}\u{e9}\u{2030}\\n\",\n\n\t\"b\": [\r1,\n2 ]\n}\n";
    const TEXT: &str = "one\ntwo\r\n\u{2028}\u{2029}\u{85}\u{B}\u{C}\"\\end";
    let json = || async { ([(CONTENT_TYPE, "application/json")], PRETTY) };
    let inner = Router::new()
        .route("/json", get(json))
        .route("/text", get(async || TEXT));
    let id = "i\u{2028}\u{2029}d";
    let items = json!([
        { "id": id, "method": "GET", "url": "/json" },
        { "id": "t", "method": "GET", "url": "/text" },
    ]);
    let response = response(inner, items).await;
    let lines: Vec<_> = response.split_inclusive(BREAKS).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.ends_with('\n')));
    let parsed: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let body = json!({ "a": "x\u{2028}\u{2029}\u{85}\u{e9}\u{2030}\n", "b": [1, 2] });
    assert_eq!((&parsed[0]["id"], &parsed[0]["body"]), (&json!(id), &body));
    assert_eq!(parsed[1]["body"], TEXT);
}

#[tokio::test]
async fn each_kind_of_line_break_is_removed_from_json() {
    for broken in ["[1,\r2]", "[1,\n2]", "[\"\u{2028}\"]", "[\"\u{85}\"]"] {
        let json = async move || ([(CONTENT_TYPE, "application/json")], broken);
        let inner = Router::new().route("/", get(json));
        let items = json!([{ "id": "a", "method": "GET", "url": "/" }]);
        let response = response(inner, items).await;
        assert_eq!(response.split_inclusive(BREAKS).count(), 2, "{response:?}");
    }
}

#[tokio::test]
async fn only_a_complete_response_ends_with_its_summary() {
    let inner = Router::new().route("/summary", get(async || "{\"summary\":{}}\n"));
    let response = response(inner, gets(&["/summary", "/nowhere", "/summary"])).await;
    let ends_well = |text: &str| {
        let last = text.strip_suffix('\n').and_then(|text| text.lines().last());
        let last = last.and_then(|line| serde_json::from_str::<Value>(line).ok());
        last.is_some_and(|line| line.get("summary").is_some())
    };
    assert!(ends_well(&response));
    for cut in (0..response.len()).filter(|cut| response.is_char_boundary(*cut)) {
        assert!(!ends_well(&response[..cut]), "cut at {cut}");
    }
}

/// The next chunk of a chunked body (RFC 9112 §7.1).
async fn chunk(connection: &mut BufReader<TcpStream>) -> String {
    let mut size = String::new();
    connection.read_line(&mut size).await.expect("a size");
    let size = usize::from_str_radix(size.trim(), 16).expect("a size");
    let mut chunk = vec![0; size + 2];
    tokio::io::AsyncReadExt::read_exact(connection, &mut chunk)
        .await
        .expect("a chunk");
    chunk.truncate(size);
    String::from_utf8(chunk).expect("UTF-8")
}

#[tokio::test]
async fn over_http_1_each_line_is_a_chunk_that_is_sent_at_once() {
    let exchange = async {
        let (book, probe) = Probe::new();
        let service = BatchLayer::new("/batch").layer(probe);
        let service = ServiceExt::<Request<Body>>::map_err(service, |_| -> Infallible {
            unreachable!("only requests that are no batch may fail")
        });
        let app = Router::new().fallback_service(service);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(axum::serve(listener, app).into_future());

        let body = json!({ "requests": gets(&["/gate", "/ok"]) }).to_string();
        let request = format!(
            "POST /batch HTTP/1.1\r\nhost: x\r\naccept: application/x-ndjson\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection =
            BufReader::new(TcpStream::connect(address).await.expect("a connection"));
        connection
            .write_all(request.as_bytes())
            .await
            .expect("sent");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            connection.read_line(&mut head).await.expect("a line");
        }
        assert!(head.starts_with("HTTP/1.1 207 Multi-Status\r\n"), "{head}");
        assert!(
            head.contains("\r\ntransfer-encoding: chunked\r\n"),
            "{head}"
        );
        assert!(head.contains("\r\nincremental: ?1\r\n"), "{head}");
        assert!(
            chunk(&mut connection)
                .await
                .starts_with("{\"id\":\"1\",\"status\":200,")
        );
        assert_eq!(book.in_flight(), 1, "the other item is still on its way");
        book.open_gate();
        let rest = chunk(&mut connection).await;
        let rest: Vec<_> = rest.lines().collect();
        assert!(rest[0].starts_with("{\"id\":\"0\",\"status\":200,"));
        assert_eq!(
            rest[1..],
            [r#"{"summary":{"total":2,"succeeded":2,"failed":0}}"#]
        );
        assert_eq!(chunk(&mut connection).await, "");
        serving.abort();
    };
    let bound = std::time::Duration::from_secs(20);
    tokio::time::timeout(bound, exchange)
        .await
        .expect("in time");
}
