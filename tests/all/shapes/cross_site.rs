//! What any web page can send with the cookies of its reader is refused.

use axum::body::Body;
use http::Request;
use tower_multistatus::shape::Shape;
use tower_multistatus::{BatchLayer, Json};

use crate::support::ask_through;

const FORM: &str = "application/x-www-form-urlencoded";
const BATCH: &str = "batch=%5B%7B%22method%22%3A%22DELETE%22%2C%22relative_url%22%3A%22me%22%7D%5D";
const PARSE: &str = r#"{"requests":[{"method":"DELETE","path":"/parse/classes/A/1"}]}"#;

/// Sends a batch with further headers. Returns the status and the number of dispatched items.
async fn ask(
    layer: BatchLayer,
    content_type: &str,
    body: &'static str,
    headers: &[(&str, &str)],
) -> (u16, usize) {
    let mut request = Request::post("/batch")
        .header("host", "api.example")
        .header("content-type", content_type);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (reply, log) = ask_through(layer, request.body(Body::from(body)).unwrap()).await;
    if reply.status == 403 {
        let text = std::str::from_utf8(&reply.body).unwrap();
        assert!(
            text.contains("another site may have sent this form"),
            "{text}"
        );
    }
    (reply.status.as_u16(), log.len())
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    for (layer, content_type, body) in [
        (BatchLayer::facebook("/batch"), FORM, BATCH),
        (
            BatchLayer::facebook("/batch"),
            "Application/X-WWW-Form-URLencoded; charset=utf-8",
            BATCH,
        ),
        (BatchLayer::parse("/batch"), "text/plain", PARSE),
        (
            BatchLayer::parse("/batch"),
            "text/plain;charset=UTF-8",
            PARSE,
        ),
    ] {
        for headers in [
            &[("cookie", "session=1")][..],
            &[("cookie", "session=1"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "")],
            &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "https://api.example.evil")],
        ] {
            let outcome = ask(layer.clone(), content_type, body, headers).await;
            assert_eq!(outcome, (403, 0), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[
                ("origin", "https://api.example"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[("authorization", "Bearer x")],
        ] {
            let outcome = ask(layer.clone(), content_type, body, headers).await;
            assert_eq!(outcome, (200, 1), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn json_needs_a_preflight_and_is_not_refused() {
    let headers = [("cookie", "session=1"), ("sec-fetch-site", "cross-site")];
    let parse = BatchLayer::parse("/batch");
    assert_eq!(
        ask(parse, "application/json", PARSE, &headers).await,
        (200, 1)
    );
    let batch = r#"{"batch":[{"method":"DELETE","relative_url":"me"}]}"#;
    let facebook = BatchLayer::facebook("/batch");
    assert_eq!(
        ask(facebook, "application/json", batch, &headers).await,
        (200, 1)
    );
}

#[tokio::test]
async fn the_owner_can_allow_other_sites_by_name() {
    let headers = [("cookie", "session=1"), ("sec-fetch-site", "cross-site")];
    let format = Json::shaped(&Shape::FACEBOOK).allow_cross_site(true);
    let layer = BatchLayer::facebook("/batch").format(format);
    assert_eq!(ask(layer, FORM, BATCH, &headers).await, (200, 1));
}

#[tokio::test]
async fn the_default_format_reads_no_form() {
    for content_type in [FORM, "text/plain"] {
        let outcome = ask(BatchLayer::new("/batch"), content_type, PARSE, &[]).await;
        assert_eq!(outcome, (415, 0));
        let outcome = ask(BatchLayer::kinto("/batch"), content_type, PARSE, &[]).await;
        assert_eq!(outcome, (415, 0));
    }
}
