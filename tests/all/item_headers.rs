//! What a policy allows and protects, and how many headers an item may bring.

use http::header::{AUTHORIZATION, HeaderName};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ItemHeaders};

use crate::headers::asked;
use crate::support::{answer, failed, recorder};

#[tokio::test]
async fn what_is_allowed_is_the_items_protected_or_not() {
    let policy =
        ItemHeaders::guarded().allow([AUTHORIZATION, HeaderName::from_static("x-ms-date")]);
    let layer = BatchLayer::new("/batch").item_headers(policy.allow(["X-Goog-*", "connection"]));
    let outer = [
        ("authorization", "outer"),
        ("x-ms-date", "outer"),
        ("x-goog-user", "outer"),
        ("x-a", "outer"),
    ];
    let brought = json!({ "Authorization": "item", "x-ms-date": "item", "X-Goog-User": "item", "x-a": "item",
                          "cookie": "item", "Connection": "close" });
    let asked = asked(layer, &outer, brought).await;
    for (name, expected) in [
        ("authorization", &["item"][..]),
        ("x-ms-date", &["item"]),
        ("x-goog-user", &["item"]),
        ("x-a", &["outer"]),
        ("cookie", &[]),
        // Framing is nobody's to allow.
        ("connection", &[]),
    ] {
        assert_eq!(asked.header(name), expected, "{name}");
    }
}

#[tokio::test]
async fn what_is_protected_besides_is_not_taken() {
    let policy = ItemHeaders::guarded().protect(["X-Tenant", "x-internal-*", "*-secret", "accept"]);
    let layer = BatchLayer::new("/batch").item_headers(policy);
    let brought = json!({ "x_tenant": "1", "X-Internal-A": "1", "my-secret": "1", "Accept": "a/b", "x-fine": "1" });
    let asked = asked(layer, &[], brought).await;
    assert_eq!(asked.headers.len(), 2);
    assert_eq!(asked.header("x-fine"), ["1"]);
}

#[tokio::test]
async fn of_an_allow_list_nothing_else_is_taken_but_the_content_type() {
    let layer =
        BatchLayer::new("/batch").item_headers(ItemHeaders::only(["accept", "If-Match", "cookie"]));
    let (log, service) = recorder();
    let brought = json!({ "Accept": "a/b", "if-match": "*", "Cookie": "a=b", "Content-Type": "text/plain",
                          "x-a": "1", "if-none-match": "*", "authorization": "evil" });
    let item = json!({ "method": "POST", "headers": brought, "body": "b" });
    assert_eq!(answer(layer.layer(service), item).await["status"], 200);
    let headers = log.only().headers;
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let expected = [
        "accept",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "if-match",
    ];
    assert_eq!(names, expected);
    assert_eq!(headers["content-type"], "text/plain");
}

/// The status of an item with these headers, and how many reached the inner service.
async fn counted(brought: Value) -> (Value, usize) {
    let (log, service) = recorder();
    let item = answer(
        BatchLayer::new("/batch").layer(service),
        json!({ "headers": brought }),
    )
    .await;
    // `Host` is not the item's.
    (
        item,
        log.all().first().map_or(0, |asked| asked.headers.len() - 1),
    )
}

#[tokio::test]
async fn an_item_has_at_most_64_headers() {
    let brought = |count: usize| -> Value {
        (0..count)
            .map(|n| (format!("x-{n}"), json!("1")))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let too_many = failed(
        "x",
        400,
        "too-many-headers",
        "the item has too many headers, or too long ones",
    );
    let (item, count) = counted(brought(64)).await;
    assert_eq!((&item["status"], count), (&json!(200), 64));
    for count in [65, 30_000] {
        assert_eq!(counted(brought(count)).await, (too_many.clone(), 0));
    }
    // Each value of a list counts.
    let (item, count) = counted(json!({ "x": vec!["1"; 64] })).await;
    assert_eq!((&item["status"], count), (&json!(200), 64));
    assert_eq!(
        counted(json!({ "x": vec!["1"; 65] })).await,
        (too_many.clone(), 0)
    );
}

#[tokio::test]
async fn an_item_has_at_most_16_kibibytes_of_headers() {
    let brought = |bytes: usize| json!({ "x-a": "a".repeat(10_000 - 3), "x-b": "b".repeat(bytes - 10_000 - 3) });
    assert_eq!(counted(brought(16_384)).await.1, 2);
    let (item, count) = counted(brought(16_385)).await;
    assert_eq!((&item["status"], count), (&json!(400), 0));
    assert_eq!(item["body"]["code"], "too-many-headers");
}
