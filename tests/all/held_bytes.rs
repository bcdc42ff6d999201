//! Every held byte counts toward a limit: headers, cookies and error documents of the layer too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, SetCookie};

use crate::support::{Reply, failed, gets, numbered_gets, requests, responding_with, send};

/// The default of `max_total_response_bytes`.
const TOTAL: usize = 8 << 20;

/// An empty response with a header `x-a` of this number of bytes.
fn with_field(value: usize) -> Response<Bytes> {
    let value = HeaderValue::try_from("a".repeat(value)).expect("a value");
    let response = Response::builder().header("x-a", value);
    response.body(Bytes::new()).expect("a response")
}

async fn batch_of(layer: &BatchLayer, count: usize, response: Response<Bytes>) -> Reply {
    let service = layer.layer(responding_with(move |_| response.clone()));
    send(service, requests(numbered_gets(count))).await
}

#[tokio::test]
async fn the_headers_of_a_response_count_toward_its_limit() {
    let layer = BatchLayer::new("/batch").max_response_bytes(1000);
    // A field counts as its name, its value and 32 bytes, as in HPACK.
    let fits = 1000 - "x-a".len() - 32;
    let reply = batch_of(&layer, 1, with_field(fits)).await;
    assert_eq!(reply.statuses(), [200]);

    let too_large = failed("0", 502, "response-too-large", "the response is too large");
    let reply = batch_of(&layer, 1, with_field(fits + 1)).await;
    assert_eq!(reply.item("0"), too_large);

    // Headers and body count together.
    let response = with_field(fits - 10).map(|_| Bytes::from_static(b"0123456789"));
    assert_eq!(batch_of(&layer, 1, response).await.statuses(), [200]);
    let response = with_field(fits - 9).map(|_| Bytes::from_static(b"0123456789"));
    assert_eq!(batch_of(&layer, 1, response).await.items(), [too_large]);
}

#[tokio::test(start_paused = true)]
async fn buffered_headers_count_toward_the_total_limit() {
    // The first item finishes last, so that all others are held.
    let calls = Arc::<AtomicUsize>::default();
    let service = tower::service_fn({
        let calls = Arc::clone(&calls);
        move |request: http::Request<tower_multistatus::RequestBody<axum::body::Body>>| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move {
                if request.uri().path() == "/0" {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Ok::<_, std::convert::Infallible>(
                    with_field(1 << 19).map(http_body_util::Full::new),
                )
            }
        }
    });
    let reply = send(
        BatchLayer::new("/batch").layer(service),
        requests(numbered_gets(51)),
    )
    .await;
    assert!(reply.body.len() <= TOTAL, "{}", reply.body.len());
    // 15 responses of half a mebibyte fit. After the one that does not, no item is dispatched.
    let mut expected = vec![507];
    expected.extend([200; 15]);
    expected.extend([507; 35]);
    assert_eq!(reply.statuses(), expected);
    assert_eq!(calls.load(Ordering::SeqCst), 17);
}

#[tokio::test]
async fn hoisted_cookies_count_toward_the_total_limit() {
    let layer = BatchLayer::new("/batch")
        .concurrency(1)
        .max_total_response_bytes(100_000)
        .set_cookie(SetCookie::hoist());
    let service = layer.layer(responding_with(|request| {
        let mut response = Response::new(Bytes::new());
        for at in 0..500 {
            let cookie = format!("c{at}{}=1", request.uri().path().replace('/', "-"));
            let cookie = HeaderValue::try_from(cookie).expect("a value");
            response.headers_mut().append("set-cookie", cookie);
        }
        response
    }));
    let reply = send(service, requests(numbered_gets(100))).await;
    let cookies = reply.headers.get_all("set-cookie").iter();
    let cookies: usize = cookies
        .map(|cookie| "set-cookie".len() + cookie.len() + 32)
        .sum();
    assert!(cookies > 70_000, "{cookies}");
    assert!(
        cookies + reply.body.len() <= 100_000,
        "{cookies} + {}",
        reply.body.len()
    );
    assert_eq!(reply.statuses()[..3], [200, 200, 200]);
    assert_eq!(reply.statuses()[99], 507);
}

/// Responses for tests of the total limit: small, large, and made by the layer.
fn kinds() -> Vec<(BatchLayer, Response<Bytes>)> {
    let layer = || {
        let layer = BatchLayer::new("/batch").max_items(500);
        layer.max_total_response_bytes(64 << 20)
    };
    let problem = layer().filter(|_| Err(StatusCode::FORBIDDEN));
    let body = |length| Response::new(Bytes::from(vec![0; length]));
    vec![
        (layer(), body(0)),
        (layer(), body(1)),
        (layer(), body(999)),
        (layer().concurrency(1), body(5000)),
        (layer(), with_field(500)),
        (problem, body(0)),
    ]
}

#[tokio::test]
async fn a_buffered_envelope_is_never_larger_than_its_limit() {
    for (layer, response) in kinds() {
        for count in [1, 10, 500] {
            let whole = batch_of(&layer, count, response.clone()).await;
            assert_eq!(whole.items().len(), count);
            // An empty response with a short id takes at most 72 bytes.
            let least = 128 + 72 * count;
            for max in [least, whole.body.len() / 2, whole.body.len() - 1] {
                let max = max.max(least);
                let layer = layer.clone().max_total_response_bytes(max);
                let reply = batch_of(&layer, count, response.clone()).await;
                assert!(
                    reply.body.len() <= max,
                    "{count}: {} of {max}",
                    reply.body.len()
                );
                assert_eq!(reply.items().len(), count);
            }
            let roomy = whole.body.len() + least;
            let layer = layer.clone().max_total_response_bytes(roomy);
            let reply = batch_of(&layer, count, response.clone()).await;
            assert_eq!(reply.statuses(), whole.statuses());
        }
    }
}

#[tokio::test]
async fn an_item_without_room_for_an_error_document_has_only_its_status() {
    let layer = BatchLayer::new("/batch").max_total_response_bytes(1);
    let reply = batch_of(&layer, 2, with_field(1)).await;
    let stripped = |id| json!({ "id": id, "status": 507, "headers": {}, "body": null });
    assert_eq!(reply.items(), [stripped("0"), stripped("1")]);
}

#[tokio::test]
async fn an_outer_request_of_more_than_a_thousand_fields_is_refused() {
    for (count, status) in [(1000, 207), (1001, 431), (24_500, 431), (32_000, 431)] {
        for is_one_name in [true, false] {
            let mut request = requests(gets(&["/"]));
            // The request has two fields already.
            for at in 2..count {
                let name = if is_one_name {
                    HeaderName::from_static("x-many")
                } else {
                    HeaderName::try_from(format!("x-{at}")).expect("a name")
                };
                let Ok(_) = request
                    .headers_mut()
                    .try_append(name, HeaderValue::from_static("a"))
                else {
                    break;
                };
            }
            let service = responding_with(|_| Response::new(Bytes::new()));
            let reply = send(BatchLayer::new("/batch").layer(service), request).await;
            assert_eq!(reply.status.as_u16(), status, "{count}");
            if status == 431 {
                assert_eq!(reply.code(), "too-many-headers");
            }
        }
    }
}

#[tokio::test]
async fn an_inner_response_of_more_than_a_thousand_fields_is_502() {
    for (count, status) in [(1000, 200), (1001, 502), (24_500, 502)] {
        let mut response = Response::new(Bytes::new());
        for at in 0..count {
            let name = HeaderName::try_from(format!("x-{at}")).expect("a name");
            let headers = response.headers_mut();
            headers
                .try_append(name, HeaderValue::from_static("a"))
                .expect("room");
        }
        let layer = BatchLayer::new("/batch").max_response_bytes(64 << 20);
        let reply = batch_of(&layer, 1, response).await;
        assert_eq!(reply.statuses(), [status], "{count}");
    }
}

/// The value of `Accept` for each format.
const FORMATS: &[&str] = &[
    "application/json",
    "application/x-ndjson",
    #[cfg(feature = "multipart")]
    "multipart/mixed",
    #[cfg(feature = "multistatus")]
    "application/xml",
];

/// A layer with all formats, buffered.
fn all_formats() -> BatchLayer {
    let layer = BatchLayer::new("/batch").streamed(false);
    #[cfg(feature = "multipart")]
    let layer = layer.format(tower_multistatus::Multipart::new());
    #[cfg(feature = "multistatus")]
    let layer = layer.format(tower_multistatus::MultiStatus::new());
    layer
}

#[tokio::test]
async fn the_total_limit_holds_in_every_format_for_any_items() {
    let long = "x".repeat(9000);
    let items: Value = (0..100)
        .map(|at| {
            // Ids that grow when they are escaped, URLs that are too long, and methods that are not
            // allowed.
            let id = format!("{at}{}", "\"&".repeat(100));
            let url = match at % 2 {
                0 => format!("/{long}"),
                _ => format!("/{}", &long[..7000]),
            };
            json!({ "id": id, "method": if at % 3 == 0 { "BREW" } else { "GET" }, "url": url })
        })
        .collect();
    for accept in FORMATS {
        for max in [120_000, 200_000, 400_000] {
            let layer = all_formats().max_total_response_bytes(max);
            let service = layer.layer(responding_with(|_| {
                Response::new(Bytes::from(vec![0; 3000]))
            }));
            let mut request = requests(items.clone());
            let accept = HeaderValue::from_static(accept);
            request.headers_mut().insert("accept", accept.clone());
            let reply = send(service, request).await;
            assert_eq!(reply.status, StatusCode::MULTI_STATUS);
            assert!(
                reply.body.len() <= max,
                "{accept:?}: {} of {max}",
                reply.body.len()
            );
            assert!(
                reply.body.len() > max / 4,
                "{accept:?}: {} of {max}",
                reply.body.len()
            );
        }
    }
}

#[cfg(feature = "multistatus")]
#[tokio::test]
async fn the_url_of_an_item_that_is_too_long_is_not_repeated() {
    let long = format!("/{}", "x".repeat(8 << 10));
    let request = crate::support::with_header(
        requests(gets(&[&long, &long[..8 << 10]])),
        "accept",
        "application/xml",
    );
    let service = responding_with(|_| Response::new(Bytes::new()));
    let reply = send(all_formats().layer(service), request).await;
    let body = std::str::from_utf8(&reply.body).expect("UTF-8");
    assert!(body.contains("<D:href></D:href><D:status>HTTP/1.1 400 Bad Request</D:status>"));
    assert!(body.contains(&format!("<D:href>{}</D:href>", &long[..8 << 10])));
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn a_buffered_group_counts_in_a_streamed_envelope_too() {
    let items: Value = (0..4)
        .map(|at| {
            let url = format!("/{at}");
            json!({ "id": at.to_string(), "method": "PUT", "url": url, "atomicityGroup": "g" })
        })
        .collect();
    let layer = all_formats()
        .streamed(true)
        .change_sets(tower_multistatus::ChangeSets::best_effort());
    for (max, expected) in [(400_000, "HTTP/1.1 200 OK"), (399_999, "HTTP/1.1 507 ")] {
        let layer = layer.clone().max_total_response_bytes(max);
        let service = layer.layer(responding_with(|_| {
            Response::new(Bytes::from(vec![0; 100_000]))
        }));
        let request =
            crate::support::with_header(requests(items.clone()), "accept", "multipart/mixed");
        let reply = send(service, request).await;
        let body = String::from_utf8_lossy(&reply.body);
        let first = body.split("\r\n").find(|line| line.starts_with("HTTP/1.1"));
        assert!(
            first.expect("a response").starts_with(expected),
            "{max}: {first:?}"
        );
    }
}
