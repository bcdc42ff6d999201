//! How responses are written to a multipart envelope, whatever the inner service sends.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, Multipart, RequestBody};

use super::envelope;
use super::responses_of;
use crate::support::{Reply, response, run, send};

type Inner = Response<Full<Bytes>>;

/// The reply to GETs of `/0`, `/1` and so on with these responses.
async fn batch_with(layer: BatchLayer, inner: Vec<Inner>) -> Reply {
    let parts = (0..inner.len()).map(|index| {
        format!("--b\r\nContent-Type: application/http\r\nContent-ID: <i {index}>\r\n\r\nGET /{index} HTTP/1.1\r\n\r\n")
    });
    let body = parts.collect::<String>() + "--b--";
    let service = service_fn(move |request: Request<RequestBody<Body>>| {
        let index: usize = request.uri().path()[1..].parse().expect("an index");
        let response = inner[index].clone();
        async { Ok::<_, Infallible>(response) }
    });
    let request = envelope("multipart/mixed; boundary=b", &[body.as_bytes()]);
    send(layer.layer(service), request).await
}

fn layer() -> BatchLayer {
    super::layer().max_total_response_bytes(1 << 24)
}

#[tokio::test]
async fn a_response_is_written_for_a_strict_client() {
    let json = response(
        200,
        &[
            ("content-type", "application/json"),
            ("etag", "\"e\""),
            ("x-a", "1"),
            ("x-a", "2"),
        ],
        "{}",
    );
    let reply = batch_with(
        layer().status(StatusCode::OK),
        vec![json, response(204, &[], "")],
    )
    .await;
    assert_eq!(reply.status, 200);
    let content_type = reply.header("content-type").expect("one");
    let boundary = content_type
        .strip_prefix("multipart/mixed; boundary=")
        .expect("nothing more");
    let digits = boundary.strip_prefix("batchresponse_").expect("the prefix");
    assert_eq!(digits.len(), 32);
    assert!(
        digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    );
    let expected = format!(
        "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <i 0>\r\n\r\n\
        HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"e\"\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\n{{}}\r\n\
        --{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <i 1>\r\n\r\n\
        HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n\r\n--{boundary}--\r\n"
    );
    assert_eq!(std::str::from_utf8(&reply.body), Ok(expected.as_str()));
    assert_eq!(
        reply.header("content-length"),
        Some(&*expected.len().to_string())
    );
    let again = batch_with(layer(), vec![]).await;
    assert_ne!(again.header("content-type"), Some(content_type));
}

#[tokio::test]
async fn google_clients_get_their_boundary_prefix_and_response_ids() {
    let google = Multipart::new()
        .boundary_prefix("batch_")
        .response_ids(true);
    let reply = batch_with(layer().format(google), vec![response(200, &[], "x")]).await;
    let content_type = reply.header("content-type").expect("one");
    assert!(content_type.starts_with("multipart/mixed; boundary=batch_"));
    assert_eq!(
        responses_of(&reply)[0].content_id.as_deref(),
        Some("<response-i 0>")
    );
}

#[tokio::test]
async fn a_status_without_a_reason_has_one() {
    let reply = batch_with(
        layer(),
        vec![response(599, &[], ""), response(418, &[], "")],
    )
    .await;
    let lines: Vec<_> = responses_of(&reply)
        .into_iter()
        .map(|response| (response.status, response.reason))
        .collect();
    assert_eq!(
        lines,
        [
            (599, "Unknown".to_owned()),
            (418, "I'm a teapot".to_owned())
        ]
    );
}

#[tokio::test]
async fn large_bodies_come_whole() {
    let large = vec![b'x'; 1 << 20];
    let inner = vec![
        response(200, &[], large.clone()),
        response(200, &[], "y"),
        response(200, &[], large.clone()),
    ];
    for layer in [layer(), layer().streamed(true)] {
        let reply = batch_with(layer, inner.clone()).await;
        let mut bodies: Vec<_> = responses_of(&reply)
            .into_iter()
            .map(|response| response.body)
            .collect();
        bodies.sort_by_key(Vec::len);
        assert!(bodies == [b"y".to_vec(), large.clone(), large.clone()]);
    }
}

#[tokio::test]
async fn a_response_that_does_not_fit_leaves_a_complete_envelope() {
    let inner = vec![
        response(200, &[], vec![b'x'; 300]),
        response(200, &[], vec![b'x'; 9000]),
        response(200, &[], "z"),
    ];
    let reply = batch_with(layer().concurrency(1).max_total_response_bytes(2000), inner).await;
    let statuses: Vec<_> = responses_of(&reply)
        .iter()
        .map(|response| response.status)
        .collect();
    assert_eq!(statuses, [200, 507, 507]);
}

#[tokio::test]
async fn content_length_is_written_once_with_the_length_of_the_body() {
    let inner = vec![
        response(200, &[("content-length", "5")], "hello"),
        response(304, &[("content-length", "5")], ""),
    ];
    let reply = batch_with(layer(), inner).await;
    let bodies: Vec<_> = responses_of(&reply)
        .into_iter()
        .map(|response| (response.headers, response.body))
        .collect();
    assert_eq!(bodies, [(vec![], b"hello".to_vec()), (vec![], vec![])]);
}

#[test]
fn a_boundary_prefix_that_needs_quotes_panics() {
    for prefix in ["a b", "a\"", "a=", "a:", "\u{e9}", &"x".repeat(39)] {
        let set = std::panic::catch_unwind(|| Multipart::new().boundary_prefix(prefix));
        assert!(set.is_err(), "{prefix:?}");
    }
    let _ = Multipart::new()
        .boundary_prefix(&"x".repeat(38))
        .boundary_prefix("");
}

fn any_response() -> impl Strategy<Value = Inner> {
    let line_ends = prop::collection::vec(prop::sample::select(b"\r\n-b: x".to_vec()), 0..60);
    let body = prop_oneof![any::<Vec<u8>>(), line_ends, Just(b"\r\n--b--\r\n".to_vec())];
    let name = "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}";
    let value = prop::collection::vec(prop_oneof![Just(b'\t'), 0x20_u8..0x7F, 0x80_u8..], 0..20);
    let headers = prop::collection::vec((name, value), 0..4);
    (200_u16..1000, headers, body).prop_map(|(status, headers, body)| {
        let mut response = response(status, &[], body);
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            let value = HeaderValue::from_bytes(&value).expect("a value");
            response.headers_mut().append(name, value);
        }
        response
    })
}

proptest! {
    #[test]
    fn any_response_can_be_read_back(
        inner in prop::collection::vec(any_response(), 0..4),
        streamed: bool,
    ) {
        let layer = layer().streamed(streamed).concurrency(1);
        let reply = run(batch_with(layer, inner.clone()));
        let responses = responses_of(&reply);
        prop_assert_eq!(responses.len(), inner.len());
        for (index, (response, inner)) in responses.iter().zip(&inner).enumerate() {
            prop_assert_eq!(response.content_id.clone(), Some(format!("<i {index}>")));
            prop_assert_eq!(response.status, inner.status().as_u16());
            let has_body = !matches!(response.status, 204 | 205 | 304);
            let body = run(inner.body().clone().collect()).expect("a body");
            let expected = if has_body { body.to_bytes() } else { Bytes::new() };
            prop_assert_eq!(&response.body[..], &expected[..]);
            let (mut found, mut sent) = (response.headers.clone(), Vec::new());
            for (name, value) in inner.headers() {
                sent.push((name.as_str().to_owned(), value.as_bytes().to_vec()));
            }
            // Hop-by-hop names are removed, and names have their usual spelling: other tests check
            // that.
            found.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
            let is_hop = |name: &str| ["te", "upgrade", "trailer"].contains(&name);
            sent.retain(|header| found.contains(header) || !is_hop(&header.0));
            found.sort();
            sent.sort();
            prop_assert_eq!(found, sent);
        }
    }
}
