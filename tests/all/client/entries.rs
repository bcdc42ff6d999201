//! Which requests can be in a batch, and how a server reads them.

use std::collections::BTreeMap;

use http::HeaderValue;
use http_body_util::{Full, StreamBody};
use tower::Layer;
use tower_multistatus::{ItemUrls, NdJson};

use super::*;
use crate::support::recording_router;

fn with_header(
    mut request: Request<Body>,
    name: &'static str,
    value: &'static str,
) -> Request<Body> {
    request
        .headers_mut()
        .append(name, HeaderValue::from_static(value));
    request
}

/// A POST of these bytes with this type, if it is not empty.
fn body(content_type: &'static str, bytes: impl Into<Bytes>) -> Request<Body> {
    let request = request(Method::POST, "/").map(|_| Body::from(bytes.into()));
    match content_type {
        "" => request,
        _ => with_header(request, "content-type", content_type),
    }
}

/// Whether this request is sent in a batch, beside two GETs.
async fn is_batched(layer: BatchClientLayer, request: Request<Body>) -> bool {
    let connection = Wire::default().to_server(BatchLayer::new("/batch"), echo());
    let client = layer.layer(connection);
    let sizes = sizes(&client, [get("/a"), get("/b"), request]).await;
    sizes[2].is_some()
}

#[tokio::test(start_paused = true)]
async fn what_a_batch_cannot_transport_exactly_is_sent_alone() {
    let streamed = |chunk: &'static str| {
        let frames = futures_util::stream::iter([Ok::<_, BoxError>(http_body::Frame::data(
            Bytes::from(chunk),
        ))]);
        body("text/plain", "").map(|_| Body::new(StreamBody::new(frames)))
    };
    let trailers = body("text/plain", "").map(|_| {
        let trailers = async { Some(Ok(HeaderMap::new())) };
        Body::new(Full::new(Bytes::from("x")).with_trailers(trailers))
    });
    let alone = [
        request(Method::CONNECT, "/"),
        request(Method::TRACE, "/"),
        request(Method::from_bytes(b"PROPFIND").unwrap(), "/"),
        request(Method::OPTIONS, "*"),
        get("/a/../b"),
        get("/%2e%2e/b"),
        get("//a"),
        get("/caf\u{e9}"),
        post("/batch", "{}"),
        with_header(get("/"), "upgrade", "websocket"),
        with_header(get("/"), "connection", "upgrade"),
        with_header(get("/"), "expect", "100-continue"),
        with_header(get("/"), "te", "trailers"),
        with_header(get("/"), "transfer-encoding", "chunked"),
        with_header(get("/"), "max-forwards", "1"),
        with_header(get("/"), "x_underscore", "1"),
        with_header(get("/"), "accept", "text/html, Text/Event-Stream;q=0.5"),
        // 257 KiB.
        body("text/plain", vec![b'x'; 257 << 10]),
        streamed("x"),
        trailers,
        // A server would add a type, drop the white space, or take it for no body.
        body("", "x"),
        body("application/json", " {}"),
        body("application/json", "{}\n"),
        body("application/json", "null"),
        body("application/json", "{"),
        body("application/json", "1e999"),
        body("text/plain", b"\xff".to_vec()),
    ];
    for request in alone {
        let shown = format!("{request:?}");
        assert!(!is_batched(layer(), request).await, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_value_that_is_not_utf_8_is_sent_alone() {
    let mut latin1 = get("/");
    let value = HeaderValue::from_bytes(b"\xe9").unwrap();
    latin1.headers_mut().insert("accept", value);
    assert!(!is_batched(layer(), latin1).await);
}

#[tokio::test(start_paused = true)]
async fn more_headers_than_an_item_may_have_are_sent_alone() {
    for (count, expected) in [(64, true), (65, false)] {
        let request = (0..count).fold(get("/"), |request, _| with_header(request, "accept", "a/b"));
        assert_eq!(is_batched(layer(), request).await, expected);
    }
    let long = HeaderValue::try_from("x".repeat(17 << 10)).unwrap();
    let mut request = get("/");
    request.headers_mut().insert("accept", long);
    assert!(!is_batched(layer(), request).await);
}

#[tokio::test(start_paused = true)]
async fn a_request_of_the_batch_path_that_is_not_a_batch_can_be_an_item() {
    assert!(is_batched(layer(), get("/batch")).await);
}

/// Requests that a batch can transport.
fn requests() -> Vec<Request<Body>> {
    let bytes: Vec<u8> = (0..=255).collect();
    let mut all = vec![
        get("/a?b=c&d=%20'{}|"),
        request(Method::HEAD, "/h"),
        request(Method::DELETE, "/d"),
        request(Method::OPTIONS, "/o"),
        with_header(with_header(get("/"), "accept", "a/b"), "accept", "c/d"),
        with_header(get("/"), "accept-language", "tab\there, \"quoted\" \\"),
        body("application/json", ""),
        body(
            "application/json",
            r#"{"a":[1,"\u00e9\ud83d\ude00 é"],"a":-1.5e3}"#,
        ),
        body("application/ld+json; charset=utf-8", "[ 1 , 2 ]"),
        body("application/json", "\"text\""),
        body("text/plain", "a \"text\" \\ \u{1} \u{2028} \r\n é 😀"),
        body("text/html", ""),
        body("application/x-www-form-urlencoded", "a=b&c=d"),
        body("application/atom+xml", "<a>&amp;</a>"),
        body("application/octet-stream", bytes.clone()),
        body("image/png", b"\r\n--b\r\n".to_vec()),
        body("multipart/form-data; boundary=x", "--x--"),
        body("text/plain", vec![b'\n'; 10_000]),
    ];
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let mut request = body("text/plain", "x");
        *request.method_mut() = method;
        all.push(request);
    }
    let utf8 = HeaderValue::from_bytes("é😀".as_bytes()).unwrap();
    let mut request = get("/utf-8");
    request.headers_mut().insert("accept-language", utf8);
    all.push(request);
    all
}

/// Method, URI, headers and body of a request.
type Read = (Method, String, BTreeMap<String, Bytes>, Bytes);

async fn read_request(request: Request<Body>) -> Read {
    let (parts, body) = request.into_parts();
    let mut headers = BTreeMap::<_, Bytes>::new();
    for (name, value) in &parts.headers {
        let value = match headers.remove(name.as_str()) {
            Some(before) => [&before[..], b", ", value.as_bytes()].concat().into(),
            None => Bytes::copy_from_slice(value.as_bytes()),
        };
        headers.insert(name.to_string(), value);
    }
    let body = body.collect().await.expect("a body").to_bytes();
    (parts.method, parts.uri.to_string(), headers, body)
}

/// Asserts that a server reads each request exactly as it was made, except that the values of a
/// header are joined.
async fn assert_transported(layer: BatchClientLayer, server: BatchLayer) {
    let wire = Wire::default();
    let (log, api) = recording_router();
    let client = layer.layer(wire.to_server(server, api));
    let sizes = sizes(&client, requests()).await;
    assert!(sizes.iter().all(Option::is_some), "{sizes:?}");
    assert_eq!(wire.lines(), ["POST /batch"]);
    let mut received = Vec::new();
    for request in log.all() {
        let mut read = Request::new(Body::from(request.body));
        *read.method_mut() = request.method;
        *read.uri_mut() = request.uri.parse().unwrap();
        *read.headers_mut() = request.headers;
        let mut read = read_request(read).await;
        read.2.remove("content-length");
        received.push(read);
    }
    let expected = join_all(requests().into_iter().map(read_request)).await;
    assert_eq!(received.len(), expected.len());
    for (received, expected) in received.iter().zip(&expected) {
        assert_eq!(received, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_reads_each_request_as_it_was_made() {
    let server = || BatchLayer::new("/batch").concurrency(1);
    assert_transported(layer(), server()).await;
    assert_transported(layer().format(NdJson::new()), server()).await;
    #[cfg(feature = "multipart")]
    {
        let multipart = tower_multistatus::Multipart::new;
        let server = server().format(multipart());
        // A body of line ends only is none in multipart.
        let client = layer().format(multipart());
        let connection = Wire::default().to_server(server.clone(), echo());
        let client_of_two = client.clone().layer(connection);
        let blank = body("text/plain", "\r\n");
        let blank = super::sizes(&client_of_two, [get("/a"), get("/b"), blank]).await;
        assert_eq!(blank, [Some(2), Some(2), None]);
        assert_transported_in_multipart(client, server).await;
    }
}

#[cfg(feature = "multipart")]
async fn assert_transported_in_multipart(layer: BatchClientLayer, server: BatchLayer) {
    let wire = Wire::default();
    let (log, api) = recording_router();
    let client = layer.layer(wire.to_server(server, api));
    let is_blank = |request: &Read| request.3.iter().all(|byte| *byte == b'\n');
    let mut expected = Vec::new();
    let mut sent = Vec::new();
    for (request, same) in requests().into_iter().zip(requests()) {
        let read = read_request(same).await;
        if read.3.is_empty() || !is_blank(&read) {
            expected.push((read.0, read.1, read.3));
            sent.push(request);
        }
    }
    let sizes = sizes(&client, sent).await;
    assert!(sizes.iter().all(Option::is_some), "{sizes:?}");
    let received = log.all().into_iter();
    let received: Vec<_> = received
        .map(|read| (read.method, read.uri, read.body))
        .collect();
    assert_eq!(received, expected);
    // Servers that read an item as a message of its own need the length of its body.
    let bodies = expected.iter().map(|(.., body)| body.len());
    let lengths: Vec<_> = bodies.filter(|length| *length > 0).collect();
    let sent = wire
        .all()
        .iter()
        .map(|sent| sent.body.clone())
        .collect::<Vec<_>>()
        .concat();
    let text = String::from_utf8_lossy(&sent).into_owned();
    let written = text
        .lines()
        .filter_map(|line| line.strip_prefix("Content-Length: "));
    let written: Vec<usize> = written
        .map(|length| length.parse().expect("a length"))
        .collect();
    assert_eq!(written, lengths);
}

#[tokio::test(start_paused = true)]
async fn urls_are_written_as_the_server_reads_them() {
    for (urls, path, expected) in [
        (ItemUrls::from_root(), "/v1/me?a", Some("/v1/me?a")),
        (ItemUrls::from_root(), "/v2/me", Some("/v2/me")),
        (ItemUrls::from_folder(), "/v1/me?a", Some("/me?a")),
        (ItemUrls::from_folder(), "/v1/", Some("/")),
        (ItemUrls::from_folder(), "/v10/me", None),
        (ItemUrls::from_folder(), "/v1", None),
        (ItemUrls::from_folder(), "/v2/me", None),
        (
            ItemUrls::relative(),
            "/v1/People('a:b')?a",
            Some("People('a:b')?a"),
        ),
        (ItemUrls::relative(), "/v1/", None),
        (ItemUrls::relative(), "/v1/a:b", None),
        (ItemUrls::relative(), "/v1//x.example/me", None),
        (ItemUrls::relative(), "/v2/me", None),
    ] {
        let wire = Wire::default();
        let connection = wire.to(async |sent: Sent| match sent.method {
            Method::POST => responses(&echoed(&sent)),
            _ => Ok(Response::new(Body::empty())),
        });
        let layer = BatchClientLayer::new("/v1/batch").item_urls(urls);
        let client = layer.layer(connection);
        sizes(&client, [get(path), get(path)]).await;
        let first = wire.all().remove(0);
        match expected {
            Some(url) => assert_eq!(first.items()[0]["url"], url, "{path}"),
            None => assert_eq!(first.method, Method::GET, "{path}"),
        }
    }
}
