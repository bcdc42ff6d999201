//! Allowed and protected headers, and the limits of an item's headers.

use http::header::{AUTHORIZATION, HeaderName};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ItemHeaders};

use crate::headers::received;
use crate::support::{failed, recorder, response_to};

#[tokio::test]
async fn allowed_headers_are_accepted_even_if_protected() {
    let allowed = [AUTHORIZATION, HeaderName::from_static("x-ms-date")];
    for base in [ItemHeaders::guarded(), ItemHeaders::all_but_protected()] {
        let policy = base.allow(&allowed).allow(["X-Goog-*", "x_tenant"]);
        let layer = BatchLayer::new("/batch").item_headers(policy);
        let outer = [
            ("authorization", "outer"),
            ("x-ms-date", "outer"),
            ("x-goog-user", "outer"),
            ("x-tenant", "outer"),
            ("x-a", "outer"),
        ];
        let brought = json!({ "Authorization": "item", "x-ms-date": "item", "X-Goog-User": "item",
                              "X-Tenant": "item", "x-a": "item", "cookie": "item" });
        let received = received(layer, &outer, brought).await;
        for (name, expected) in [
            ("authorization", &["item"][..]),
            ("x-ms-date", &["item"]),
            ("x-goog-user", &["item"]),
            ("x-tenant", &["item"]),
            ("x-a", &["outer"]),
            ("cookie", &[]),
        ] {
            assert_eq!(received.header(name), expected, "{name}");
        }
    }
}

#[tokio::test]
async fn an_allowed_header_replaces_the_inherited_one_however_the_two_are_spelled() {
    for (outer, item) in [
        ("x-tenant-id", "X_Tenant_Id"),
        ("x_tenant_id", "X-Tenant-Id"),
        ("x_tenant-id", "x-tenant_id"),
    ] {
        let policy = ItemHeaders::guarded().allow(["x-tenant-id"]);
        let layer = BatchLayer::new("/batch").item_headers(policy);
        let received = received(layer, &[(outer, "outer")], json!({ item: "item" })).await;
        assert_eq!(received.header(&item.to_ascii_lowercase()), ["item"]);
        assert_eq!(received.headers.len(), 2, "{item}");
    }
}

#[tokio::test]
async fn framing_hop_by_hop_headers_max_forwards_and_from_cannot_be_allowed() {
    let brought = || {
        json!({ "Connection": "x", "Keep-Alive": "x", "Content-Length": "9", "Expect": "100-continue",
                "Transfer-Encoding": "chunked", "TE": "trailers", "Upgrade": "x", "Proxy-X": "x",
                "MAX_Forwards": "1", "From": "boss@api.example", "X-Fine": "1" })
    };
    let names = ["connection", "content-length", "expect", "max-forwards"];
    for policy in [
        ItemHeaders::guarded().allow(["*"]),
        ItemHeaders::all_but_protected().allow(["*"]),
        ItemHeaders::only(["*"]),
        ItemHeaders::guarded()
            .allow(names)
            .allow(["from", "x-fine"]),
        ItemHeaders::only(names).allow(["from", "x-fine"]),
    ] {
        let layer = BatchLayer::new("/batch").item_headers(policy.clone());
        let received = received(layer, &[], brought()).await;
        assert_eq!(received.header("x-fine"), ["1"], "{policy:?}");
        assert_eq!(received.headers.len(), 2, "{policy:?}");
    }
}

#[tokio::test]
async fn additionally_protected_headers_are_ignored() {
    let policy = ItemHeaders::all_but_protected();
    let policy = policy.protect([
        "X-Tenant",
        "x-internal-*",
        "*-secret",
        "*-inner-*",
        "accept",
    ]);
    let layer = BatchLayer::new("/batch").item_headers(policy);
    let brought = json!({ "x_tenant": "1", "X-Internal-A": "1", "my-secret": "1", "x-INNER-x": "1",
                          "Accept": "a/b", "x-fine": "1" });
    let received = received(layer, &[], brought).await;
    assert_eq!(received.headers.len(), 2);
    assert_eq!(received.header("x-fine"), ["1"]);
}

#[tokio::test]
async fn protect_wins_over_allow_in_either_order() {
    let bases = || {
        [
            ItemHeaders::guarded(),
            ItemHeaders::all_but_protected(),
            ItemHeaders::only(["range", "x-shop-owner"]),
        ]
    };
    let last = bases().map(|base| base.allow(["x-shop-*"]).protect(["x-shop-owner", "range"]));
    let first = bases().map(|base| base.protect(["x-shop-owner", "range"]).allow(["x-shop-*"]));
    for policy in last.into_iter().chain(first) {
        let layer = BatchLayer::new("/batch").item_headers(policy.clone());
        let brought = json!({ "X-Shop-Owner": "1", "X-Shop-Id": "1", "Range": "bytes=0-1" });
        let received = received(layer, &[("x-shop-owner", "outer")], brought).await;
        assert_eq!(received.header("x-shop-owner"), ["outer"], "{policy:?}");
        assert_eq!(received.header("x-shop-id"), ["1"], "{policy:?}");
        assert_eq!(received.headers.len(), 3, "{policy:?}");
    }
}

#[test]
fn an_invalid_header_pattern_panics_in_its_setter() {
    for pattern in [
        "x-*-id", "*x*y*", "**", "", "x y", "x:", "**x", "x-\u{e9}", "x\n",
    ] {
        let panics = |set: &dyn Fn() -> ItemHeaders| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(set()))).is_err()
        };
        assert!(
            panics(&|| ItemHeaders::guarded().allow([pattern])),
            "{pattern:?}"
        );
        assert!(
            panics(&|| ItemHeaders::guarded().protect(["x-fine", pattern])),
            "{pattern:?}"
        );
        assert!(panics(&|| ItemHeaders::only([pattern])), "{pattern:?}");
    }
}

#[tokio::test]
async fn an_allow_list_accepts_its_headers_and_content_type() {
    let layer =
        BatchLayer::new("/batch").item_headers(ItemHeaders::only(["accept", "If-Match", "cookie"]));
    let (log, service) = recorder();
    let brought = json!({ "Accept": "a/b", "if-match": "*", "Cookie": "a=b", "Content-Type": "text/plain",
                          "x-a": "1", "if-none-match": "*", "authorization": "evil" });
    let item = json!({ "method": "POST", "headers": brought, "body": "b" });
    assert_eq!(response_to(layer.layer(service), item).await["status"], 200);
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

/// The response to an item with these headers, and how many of them reached the inner service.
async fn counted(brought: Value) -> (Value, usize) {
    let (log, service) = recorder();
    let layer = BatchLayer::new("/batch").item_headers(ItemHeaders::all_but_protected());
    let item = response_to(layer.layer(service), json!({ "headers": brought })).await;
    // Without the inherited `Host`.
    (
        item,
        log.all()
            .first()
            .map_or(0, |received| received.headers.len() - 1),
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
        "the item has too many or too large headers",
    );
    let (item, count) = counted(brought(64)).await;
    assert_eq!((&item["status"], count), (&json!(200), 64));
    for count in [65, 30_000] {
        assert_eq!(counted(brought(count)).await, (too_many.clone(), 0));
    }
    // Each value of an array counts.
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
