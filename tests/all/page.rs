//! The page: which requests get it, and its headers.

use axum::body::Body;
use http::Request;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{Reply, api, gets, requests, send};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn layer() -> BatchLayer {
    BatchLayer::new("/batch").page(true)
}

async fn reply(layer: BatchLayer, method: &str, accept: &str) -> Reply {
    let request = Request::builder().method(method).uri("/batch");
    let request = request.header("accept", accept).body(Body::empty());
    send(layer.layer(api()), request.expect("a request")).await
}

/// A directive without the digits of its hash. A unit test of the page compares these.
fn without_hash(directive: &str) -> String {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    match directive.split_once("sha256-") {
        Some((start, hash)) => format!("{start}sha256-{}", hash.trim_start_matches(is_digit)),
        None => directive.to_owned(),
    }
}

#[tokio::test]
async fn a_browser_gets_the_page_with_a_strict_policy() {
    let page = reply(layer(), "GET", BROWSER).await;
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with(b"<!doctype html>"));
    let policy = page.header("content-security-policy").expect("a policy");
    let directives: Vec<_> = policy.split("; ").map(without_hash).collect();
    assert_eq!(
        directives,
        [
            "default-src 'none'",
            "script-src 'sha256-'",
            "style-src 'sha256-'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    );
    let length = page.body.len().to_string();
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("content-length", &*length),
        ("cache-control", "no-store"),
        ("vary", "accept"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    let head = reply(layer(), "HEAD", BROWSER).await;
    assert_eq!((head.headers, head.body.len()), (page.headers, 0));
}

#[tokio::test]
async fn without_the_setting_there_is_no_page() {
    assert_eq!(
        reply(BatchLayer::new("/batch"), "GET", BROWSER)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_program_gets_what_it_gets_without_the_page() {
    for accept in [
        "*/*",
        "application/json",
        "text/*",
        "text/html;q=0",
        "text/htmlx",
    ] {
        assert_eq!(reply(layer(), "GET", accept).await.status, 404, "{accept}");
        let description = reply(layer().describe(true), "GET", accept).await;
        let content_type = description.header("content-type");
        assert_eq!(content_type, Some("application/json"), "{accept}");
    }
    let page = reply(
        layer().describe(true),
        "GET",
        "application/json, TEXT/HTML;q=0.1",
    )
    .await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let batch = send(layer().layer(api()), requests(gets(&["/users/1"]))).await;
    assert_eq!(batch.statuses(), [200]);
}

#[tokio::test]
async fn an_exclusive_path_allows_get_if_it_has_a_page() {
    let exclusive = || layer().exclusive(true);
    assert_eq!(reply(exclusive(), "GET", BROWSER).await.status, 200);
    let refused = reply(exclusive(), "GET", "*/*").await;
    assert_eq!(refused.status, 405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD, POST"));
}
