//! Absolute URLs: those of the outer request's own origin, and all others.

use axum::body::Body;
use http::Request;

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
        // User information, to be taken for the host or to hide it.
        "http://user@api.example/a",
        "http://user:pw@api.example/a",
        "http://api.example@evil/a",
        "http://api.example:80@evil/a",
        "http://@api.example/a",
        "http://api.example%40evil/a",
        "http://api.example\\@evil/a",
        "http://evil\\@api.example/a",
        // No host, or no URL of the web.
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
        // Of the own origin, with a path that is bad all the same.
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

/// An outer request with its origin in its URI, as HTTP/2 has it.
fn asking_at(origin: &str, urls: &[&str]) -> Request<Body> {
    let mut request = asking(urls);
    request.headers_mut().remove("host");
    *request.uri_mut() = format!("{origin}/batch").parse().expect("a URI");
    request
}

#[tokio::test]
async fn an_origin_that_is_known_with_its_scheme_is_compared_with_it() {
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
async fn the_authority_of_the_uri_counts_and_not_a_host_beside_it() {
    let urls = ["https://other.example/a"];
    let mut request = asking_at("https://api.example", &urls);
    let host = http::HeaderValue::from_static("other.example");
    request.headers_mut().insert("host", host);
    assert_refused(request, 1).await;
}

#[tokio::test]
async fn an_outer_request_of_no_known_origin_has_no_absolute_urls() {
    let mut request = asking(&["http://api.example/a", "http:///a"]);
    request.headers_mut().remove("host");
    assert_refused(request, 2).await;
    let mut request = asking(&["http:///a", "http://:80/a"]);
    request
        .headers_mut()
        .insert("host", http::HeaderValue::from_static(""));
    assert_refused(request, 2).await;
}
