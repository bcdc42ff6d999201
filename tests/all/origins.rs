//! Absolute URLs with the origin of the outer request, and with other origins.

use axum::body::Body;
use http::{HeaderValue, Request};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{gets, recorder, requests, send};
use crate::targets::{asking, assert_refused, assert_taken};

#[tokio::test]
async fn an_absolute_url_of_the_own_origin_is_reduced_to_its_path() {
    let rows = [
        ("http://api.example/a?b", "/a?b"),
        ("https://api.example/a", "/a"),
        ("HTTP://API.Example/A", "/A"),
        ("http://api.example:80/a", "/a"),
        ("https://api.example:443/a", "/a"),
        ("http://api.example", "/"),
        ("http://api.example/", "/"),
        ("http://api.example?a", "/?a"),
        (
            "http://api.example/a?b=http://evil/../",
            "/a?b=http://evil/../",
        ),
    ];
    assert_taken(asking(&rows.map(|row| row.0)), &rows.map(|row| row.1)).await;
}

#[tokio::test]
async fn an_absolute_url_of_another_origin_is_refused() {
    let urls = [
        "http://evil/a",
        "https://evil/a",
        "http://api.example.evil/a",
        "http://evil.api.example/a",
        "http://api.exampl/a",
        "http://api.example:8080/a",
        "http://api.example:/a",
        "http://api.example:443/a",
        "https://api.example:80/a",
        "http://api.example:080/a",
        "http://api.example./a",
        // User information that looks like the host or hides it.
        "http://user@api.example/a",
        "http://user:pw@api.example/a",
        "http://api.example@evil/a",
        "http://api.example:80@evil/a",
        "http://@api.example/a",
        "http://api.example%40evil/a",
        "http://api.example\\@evil/a",
        "http://evil\\@api.example/a",
        // No host, or another scheme.
        "http:",
        "http:/",
        "http://",
        "http:///a",
        "http:a",
        "http:/a",
        "http:80",
        "http:\\\\api.example/a",
        "ftp://api.example/a",
        "ws://api.example/a",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "javascript:x",
        "JavaScript:x",
        "data:,x",
        "mailto:a@b",
        "urn:x",
        "localhost:80/a",
        "a:b",
        "a+b.c-d:e",
        // The own origin with an invalid path.
        "http://api.example//evil",
        "http://api.example/\\evil",
        "http://api.example\\evil",
        "http://api.example/a/../b",
        "http://api.example/%2e%2e/b",
        "http://api.example/..;x",
        "http://api.example/a#b",
        "http://api.example/a b",
    ];
    assert_refused(asking(&urls), urls.len()).await;
}

/// An outer request with the origin in its URI, as in HTTP/2.
fn asking_at(origin: &str, urls: &[&str]) -> Request<Body> {
    let mut request = asking(urls);
    request.headers_mut().remove("host");
    *request.uri_mut() = format!("{origin}/batch").parse().expect("a URI");
    request
}

#[tokio::test]
async fn an_origin_with_a_known_scheme_is_compared_with_its_scheme() {
    let urls = [
        "https://api.example/a",
        "https://api.example:443/a",
        "HTTPS://api.example/a",
    ];
    for origin in ["https://api.example", "https://api.example:443"] {
        assert_taken(asking_at(origin, &urls), &["/a"; 3]).await;
        let urls = [
            "http://api.example/a",
            "http://api.example:443/a",
            "https://api.example:80/a",
        ];
        assert_refused(asking_at(origin, &urls), 3).await;
    }
    assert_taken(
        asking_at("http://[::1]:8080", &["http://[::1]:8080/a"]),
        &["/a"],
    )
    .await;
    assert_refused(
        asking_at(
            "http://[::1]:8080",
            &["http://[::1]/a", "http://[::1]:80/a"],
        ),
        2,
    )
    .await;
}

#[tokio::test]
async fn the_authority_of_the_uri_wins_over_the_host_header() {
    let urls = ["https://other.example/a"];
    let mut request = asking_at("https://api.example", &urls);
    let host = http::HeaderValue::from_static("other.example");
    request.headers_mut().insert("host", host);
    assert_refused(request, 1).await;
}

#[tokio::test]
async fn an_outer_request_without_a_known_origin_refuses_absolute_urls() {
    let mut request = asking(&["http://api.example/a", "http:///a"]);
    request.headers_mut().remove("host");
    assert_refused(request, 2).await;
    let mut request = asking(&["http:///a", "http://:80/a"]);
    request
        .headers_mut()
        .insert("host", http::HeaderValue::from_static(""));
    assert_refused(request, 2).await;
}

/// Settings for a service behind a proxy that terminates TLS and rewrites `Host` to `api.example`.
fn public() -> BatchLayer {
    BatchLayer::new("/batch")
        .public_origin("https://api.example.com")
        .public_origin("http://localhost:8080")
}

async fn status_and_uris(layer: BatchLayer, url: &str, forwarded: bool) -> (u64, Vec<String>) {
    let (log, service) = recorder();
    let mut request = requests(gets(&[url]));
    if forwarded {
        for (name, value) in [
            ("x-forwarded-host", "other.example"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "host=other.example;proto=https"),
        ] {
            let value = HeaderValue::from_static(value);
            request.headers_mut().insert(name, value);
        }
    }
    let reply = send(layer.layer(service), request).await;
    (reply.statuses()[0], log.uris())
}

#[tokio::test]
async fn an_absolute_url_may_have_a_public_origin() {
    for (url, path) in [
        ("https://api.example.com/a?b", "/a?b"),
        ("HTTPS://API.example.com:443/a", "/a"),
        ("http://localhost:8080/a", "/a"),
        // The origin of the request is still accepted.
        ("http://api.example/a", "/a"),
    ] {
        let expected = (200, vec![path.to_owned()]);
        assert_eq!(
            status_and_uris(public(), url, false).await,
            expected,
            "{url}"
        );
    }
    for url in [
        "http://api.example.com/a",
        "https://api.example.com:80/a",
        "https://localhost:8080/a",
        "http://localhost/a",
        "https://user@api.example.com/a",
        "https://api.example.com.evil/a",
        "https://other.example/a",
        "https://api.example.com//evil",
        "https://api.example.com/../a",
    ] {
        assert_eq!(
            status_and_uris(public(), url, true).await,
            (400, vec![]),
            "{url}"
        );
    }
}

#[test]
fn an_invalid_public_origin_panics() {
    for origin in [
        "api.example.com",
        "https://",
        "https://api.example.com/",
        "https://api.example.com/v1",
        "https://api.example.com?a",
        "https://user@api.example.com",
        "ftp://api.example.com",
        "//api.example.com",
        "",
    ] {
        let set = || BatchLayer::new("/batch").public_origin(origin);
        assert!(std::panic::catch_unwind(set).is_err(), "{origin}");
    }
}
