//! Which headers of an item's response are in the envelope, and which on the outer response.

use std::convert::Infallible;
use std::future::ready;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};
use tower_multistatus::{BatchLayer, SetCookie};

use crate::support::{
    Headers, Reply, batch, gets, header_map, recorded, requests, responding, responding_with,
    response_to, send,
};

/// The headers of an item in the envelope, for these headers of its response.
async fn kept_headers(headers: Headers) -> Value {
    let service = BatchLayer::new("/batch").layer(responding(200, headers, "{}"));
    response_to(service, json!({})).await["headers"].clone()
}

#[tokio::test]
async fn headers_about_the_connection_or_the_browser_are_removed_from_responses() {
    let headers = &[
        ("connection", "close, X-Named"),
        ("connection", "x-named-too"),
        ("x-named", "x"),
        ("x-named-too", "x"),
        ("keep-alive", "timeout=5"),
        ("te", "x"),
        ("trailer", "x"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("http2-settings", "x"),
        ("proxy-authenticate", "x"),
        ("proxy-x", "x"),
        ("content-length", "2"),
        ("set-cookie", "a=b"),
        ("access-control-allow-origin", "*"),
        ("access-control-x", "x"),
        ("x-fine", "1"),
        ("etag", "\"a\""),
        ("cache-control", "max-age=5"),
    ];
    assert_eq!(
        kept_headers(headers).await,
        json!({ "X-Fine": "1", "ETag": "\"a\"", "Cache-Control": "max-age=5" })
    );
}

#[tokio::test]
async fn a_connection_header_that_is_not_text_removes_what_it_names() {
    let service = responding_with(|_| {
        let mut response = Response::new(Bytes::new());
        let connection = HeaderValue::from_bytes(b"x-named, \xFF, x-named-too");
        let connection = connection.expect("a value");
        let headers = response.headers_mut();
        headers.insert("connection", connection);
        headers.insert("x-named", HeaderValue::from_static("1"));
        headers.insert("x-named-too", HeaderValue::from_static("1"));
        response
    });
    let service = BatchLayer::new("/batch").layer(service);
    assert_eq!(response_to(service, json!({})).await["headers"], json!({}));
}

#[tokio::test]
async fn no_header_of_an_item_is_added_to_the_outer_response() {
    let headers = &[
        ("x-a", "1"),
        ("etag", "\"a\""),
        ("location", "/a"),
        ("content-type", "text/html"),
        ("cache-control", "public"),
        ("content-encoding", "gzip"),
        ("www-authenticate", "Basic"),
        ("x-content-type-options", "sniff"),
        ("vary", "*"),
        ("set-cookie", "a=b"),
        ("retry-after", "5"),
        ("access-control-allow-origin", "*"),
    ];
    let items = json!([{ "id": "a", "method": "GET", "url": "/" }]);
    let reply = batch(
        BatchLayer::new("/batch"),
        responding(200, headers, "{}"),
        items,
    )
    .await;
    let mut expected = header_map(&[
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ]);
    expected.insert("content-length", HeaderValue::from(reply.body.len()));
    assert_eq!(reply.headers, expected);
}

#[tokio::test]
async fn trailers_of_an_item_are_dropped() {
    let router = Router::new().fallback(async || {
        let trailers = header_map(&[("x-checksum", "1"), ("etag", "\"late\"")]);
        let body = Full::from("{}").with_trailers(ready(Some(Ok::<_, Infallible>(trailers))));
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("trailer", "x-checksum, etag");
        response.body(Body::new(body)).expect("a response")
    });
    for streamed in [false, true] {
        let service = BatchLayer::new("/batch")
            .streamed(streamed)
            .layer(router.clone());
        let response = service.oneshot(requests(gets(&["/"]))).await;
        let (head, body) = response.expect("a response").into_parts();
        let body = body.collect().await.expect("a body");
        assert_eq!(body.trailers(), None);
        let body = body.to_bytes();
        let reply = Reply {
            status: head.status,
            headers: head.headers,
            body,
        };
        assert_eq!(reply.items(), [recorded("0")]);
        assert!(!reply.headers.contains_key("trailer"));
    }
}

/// The reply to two items that set two cookies each.
async fn cookies(layer: BatchLayer) -> Reply {
    let router = responding(
        200,
        &[("set-cookie", "a=b, c; Path=/"), ("set-cookie", "d=e")],
        "{}",
    );
    let items = json!([
        { "id": "1", "method": "GET", "url": "/" },
        { "id": "2", "method": "GET", "url": "/" },
    ]);
    batch(layer, router, items).await
}

#[tokio::test]
async fn cookies_of_items_are_dropped_kept_or_hoisted() {
    let both = json!({ "Set-Cookie": ["a=b, c; Path=/", "d=e"] });
    let hoisted = &["a=b, c; Path=/", "d=e"][..];
    let layer = || BatchLayer::new("/batch");
    for (layer, of_item, of_outer) in [
        (layer(), json!({}), &[][..]),
        (layer().set_cookie(SetCookie::discard()), json!({}), &[]),
        (layer().set_cookie(SetCookie::keep()), both, &[]),
        (layer().set_cookie(SetCookie::hoist()), json!({}), hoisted),
        // The head of a stream is sent before any item has run.
        (
            layer().set_cookie(SetCookie::hoist()).streamed(true),
            json!({}),
            &[],
        ),
    ] {
        let reply = cookies(layer).await;
        for id in ["1", "2"] {
            assert_eq!(reply.item(id)["headers"], of_item);
        }
        let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, of_outer);
    }
}

/// The cookies of the outer response if each item sets one of these, one after the other.
async fn hoisted(cookies: &'static [&'static str]) -> Vec<HeaderValue> {
    let layer = BatchLayer::new("/batch")
        .set_cookie(SetCookie::hoist())
        .concurrency(1);
    let service = responding_with(move |request| {
        let at: usize = request.uri().path()[1..].parse().expect("a number");
        let response = Response::builder().header("set-cookie", cookies[at]);
        response.body(Bytes::new()).expect("a response")
    });
    let paths: Vec<_> = (0..cookies.len()).map(|at| format!("/{at}")).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let reply = send(layer.layer(service), requests(gets(&paths))).await;
    assert_eq!(reply.statuses(), vec![200; cookies.len()]);
    let cookies = reply.headers.get_all("set-cookie");
    cookies.iter().cloned().collect()
}

#[tokio::test]
async fn the_last_hoisted_cookie_with_a_name_path_and_domain_wins() {
    for (cookies, expected) in [
        // Two items that both start a session.
        (
            &["id=1; HttpOnly; Path=/", "id=2; HttpOnly; Path=/"][..],
            &["id=2; HttpOnly; Path=/"][..],
        ),
        (&["a=1", "b=2", "a=3"], &["b=2", "a=3"]),
        (&["a=1; Max-Age=5", "a =; Max-Age=0"], &["a =; Max-Age=0"]),
        (
            &[
                "a=1; Path=/; Domain=.Api.example",
                "a=2; domain = api.EXAMPLE ;path=/",
            ],
            &["a=2; domain = api.EXAMPLE ;path=/"],
        ),
        // The last attribute counts, and an invalid path is ignored.
        (
            &[
                "a=1; Path=/x; Path=/y",
                "a=2; Path=/y",
                "a=3; Path=x",
                "a=4; Path",
                "a=5",
            ],
            &["a=2; Path=/y", "a=5"],
        ),
        // Cookies without a name.
        (&["1", "=2", "x; Path=/"], &["=2", "x; Path=/"]),
    ] {
        assert_eq!(hoisted(cookies).await, expected);
    }
}

#[tokio::test]
async fn hoisted_cookies_that_differ_to_a_client_are_all_set() {
    let apart = &[
        "a=1",
        "A=1",
        "a=1; Path=/",
        "a=1; Path=/x",
        "a=1; Path=/X",
        "a=1; Domain=api.example",
        "a=1; Domain=example",
        "a=1; Path=/; Domain=example",
        "a=1; Partitioned",
        "b=a=1",
    ];
    assert_eq!(hoisted(apart).await, apart);
}

#[tokio::test]
async fn a_single_kept_cookie_is_an_array() {
    let layer = BatchLayer::new("/batch").set_cookie(SetCookie::keep());
    let service = layer.layer(responding(200, &[("set-cookie", "a=b")], "{}"));
    assert_eq!(
        response_to(service, json!({})).await["headers"],
        json!({ "Set-Cookie": ["a=b"] })
    );
}
