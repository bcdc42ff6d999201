//! Valid URLs of items. Items with other URLs are not dispatched.

use axum::body::Body;
use http::Request;
use serde_json::json;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{failed, gets, recorder, requests, send};

/// A batch of GETs to these URLs, sent to `api.example` by HTTP/1.
pub(crate) fn asking<S: AsRef<str>>(urls: &[S]) -> Request<Body> {
    let urls: Vec<_> = urls.iter().map(AsRef::as_ref).collect();
    requests(gets(&urls))
}

/// Asserts that the items are dispatched with these URLs.
pub(crate) async fn assert_taken(request: Request<Body>, expected: &[&str]) {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").concurrency(1);
    let reply = send(layer.layer(service), request).await;
    assert_eq!(
        reply.statuses(),
        vec![200; expected.len()],
        "of {expected:?}"
    );
    assert_eq!(log.uris(), expected);
}

/// Asserts that no item is dispatched, and all fail with `bad-target`.
pub(crate) async fn assert_refused(request: Request<Body>, count: usize) {
    let (log, service) = recorder();
    let reply = send(BatchLayer::new("/batch").layer(service), request).await;
    assert_eq!(log.uris(), Vec::<String>::new());
    let title = "the URL is not allowed in an item";
    let bad = |n: usize| failed(&n.to_string(), 400, "bad-target", title);
    assert_eq!(reply.items(), (0..count).map(bad).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_path_and_query_is_passed_verbatim() {
    let urls = [
        "/",
        "/a",
        "/a/",
        "/a//b",
        "/a?",
        "/?a",
        "/a?b=c&d=%20e",
        "/a?b=http://evil//c",
        "/a?b=../../c",
        "/a?b=%2e%2e%2fc",
        "/a?b?c",
        "/a.b",
        "/.well-known/x",
        "/...",
        "/a..",
        "/..a",
        "/a/..b/c",
        "/.a;b",
        "/a;b=..",
        "/%61",
        "/%E2%82%AC",
        "/%zz",
        "/%",
        "/100%",
        "/a%2Fb",
        "/a%20b",
        "/a%00b",
        "/a..%3f/b",
        "/a%3f../b",
        "/a?b=..%3f",
        "/a\\b",
        "/a:80",
        "/a@b",
        "/Products('a:b')",
        "/users/$1",
        "/a!$&'()*+,;=-._~",
        "/{a}|\"b\"^[c]",
        "/http://evil",
        // Only two levels of encoding are decoded, as no server decodes more.
        "/%25252e%25252e/a",
    ];
    assert_taken(asking(&urls), &urls).await;
}

#[tokio::test]
async fn a_relative_url_is_resolved_and_then_passed_verbatim() {
    let rows = [
        ("a", "/a"),
        ("a/b", "/a/b"),
        ("a//b", "/a//b"),
        ("?a", "/?a"),
        (":80", "/:80"),
        ("1:2", "/1:2"),
        ("@evil", "/@evil"),
        ("%2fevil", "/%2fevil"),
        ("a/b:c", "/a/b:c"),
        ("Products('a:b')", "/Products('a:b')"),
        ("*", "/*"),
    ];
    assert_taken(asking(&rows.map(|row| row.0)), &rows.map(|row| row.1)).await;
}

#[tokio::test]
async fn a_url_that_starts_like_another_host_is_refused() {
    let urls = [
        "//evil", "//evil/a", "//", "///a", "/\\evil", "/\\", "\\evil", "\\\\evil", "/\\/evil",
    ];
    assert_refused(asking(&urls), urls.len()).await;
}

#[tokio::test]
async fn a_dot_segment_is_refused_in_any_spelling() {
    let urls = [
        "/.",
        "/..",
        "/./a",
        "/../a",
        "/a/.",
        "/a/..",
        "/a/./b",
        "/a/../b",
        "/a/..?b",
        ".",
        "..",
        "./a",
        "../a",
        "a/../b",
        // Encoded once, partly, twice.
        "/%2e/a",
        "/%2e%2e/a",
        "/%2E%2E/a",
        "/.%2e/a",
        "/%2e./a",
        "/a/%2e%2e",
        "/%252e%252e/a",
        "/%252E/a",
        "/.%252e/a",
        "/%2e%252e/a",
        "/%25%32%65/a",
        "/%2%65%2%65/a",
        // Between slashes of another kind, or encoded ones.
        "/a\\..\\b",
        "/a/..\\b",
        "/a\\../b",
        "/a%2f..%2fb",
        "/a%2F%2e%2e%2Fb",
        "/a%252f..%252fb",
        "/a%5c..%5cb",
        "/a%5C..",
        "/a%255c..%255cb",
        "/%2e%2e%2fa",
        // Before a parameter.
        "/..;x/a",
        "/..;/a",
        "/.;x",
        "/a/..;x=y/b",
        "/%2e%2e;x/a",
        "/..%3bx/a",
        "/..%253bx/a",
        // Before what ends the path once it is decoded.
        "/a/..%3f/b",
        "/..%3Fx",
        "/.%3f",
        "/%2e%2e%3f",
        "/a/..%253f/b",
        "/a/..%23/b",
        "/..%2523",
        "/a/..%00/b",
        "/..%2500",
    ];
    assert_refused(asking(&urls), urls.len()).await;
}

#[tokio::test]
async fn a_fragment_and_characters_that_are_not_visible_ascii_are_refused() {
    let urls = [
        "",
        " ",
        "#",
        "#a",
        "/#",
        "/a#b",
        "/a?b#c",
        "/a b",
        " /a",
        "/a ",
        "/a?b c",
        "/a<b",
        "/a>b",
        "/a`b",
        "/a?b<c",
        "/a?b>c",
        "/a?b\"c",
        "/é",
        "/a?é",
        "/€",
        "/a\u{7f}",
        "/a\u{80}",
        "/\u{202e}a",
        "/\u{ff0f}evil",
        "/a\u{feff}",
        "/\u{2024}\u{2024}/a",
        "é",
        "\u{0}",
    ];
    assert_refused(asking(&urls), urls.len()).await;
    let controls: Vec<_> = (0..0x20_u8)
        .map(|byte| format!("/a{}b", char::from(byte)))
        .collect();
    assert_refused(asking(&controls), controls.len()).await;
    let controls: Vec<_> = (0..0x20_u8)
        .map(|byte| format!("{}/a", char::from(byte)))
        .collect();
    assert_refused(asking(&controls), controls.len()).await;
}

#[tokio::test]
async fn a_url_of_eight_kibibytes_is_taken_and_one_byte_more_is_refused() {
    let long = |length: usize| format!("/{}", "a".repeat(length - 1));
    assert_taken(asking(&[long(8192)]), &[&long(8192)]).await;
    assert_refused(asking(&[long(8193), long(100_000)]), 2).await;
    let long = |length: usize| format!("/?{}", "a".repeat(length - 2));
    assert_taken(asking(&[long(8192)]), &[&long(8192)]).await;
    assert_refused(asking(&[long(8193)]), 1).await;
}

#[tokio::test]
async fn a_url_of_one_space_is_encoded_as_any_other() {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/v1/batch").encode_urls(true);
    let items = json!([{ "id": "a", "method": "GET", "url": " " }]);
    let mut request = requests(items);
    *request.uri_mut() = http::Uri::from_static("/v1/batch");
    let reply = send(layer.layer(service), request).await;
    assert_eq!(
        (reply.statuses(), log.uris()),
        (vec![200], vec!["/v1/%20".to_owned()])
    );
}
