//! Which headers of an item are accepted.

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tower::Layer;
use tower_multistatus::{BatchLayer, ItemHeaders};

use crate::support::{Received, recorder, requests, send};

/// The inner request of an item with these headers.
pub(crate) async fn received(
    layer: BatchLayer,
    outer: &[(&'static str, &'static str)],
    brought: Value,
) -> Received {
    let (log, service) = recorder();
    let mut request =
        requests(json!([{ "id": "x", "method": "GET", "url": "/", "headers": brought }]));
    for (name, value) in outer {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_static(value));
    }
    let reply = send(layer.layer(service), request).await;
    assert_eq!(reply.statuses(), [200]);
    log.only()
}

/// A layer that accepts all headers except protected ones.
fn all_but_protected() -> BatchLayer {
    BatchLayer::new("/batch").item_headers(ItemHeaders::all_but_protected())
}

/// Spellings of a name that some servers treat as the same name.
pub(crate) fn spellings(name: &str) -> Vec<String> {
    let mixed = |(n, letter): (usize, char)| match n % 2 {
        0 => letter.to_ascii_uppercase(),
        _ => letter,
    };
    vec![
        name.to_owned(),
        name.to_ascii_uppercase(),
        name.chars().enumerate().map(mixed).collect(),
        name.replace('-', "_"),
        name.replacen('-', "_", 1).to_ascii_uppercase(),
    ]
}

const PROTECTED: &[&str] = &[
    "host",
    "authorization",
    "cookie",
    "origin",
    "referer",
    "sec-fetch-site",
    "sec-websocket-key",
    "sec-x",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-client-cert",
    "x-forwarded-x",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-x",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-envoy-x",
    "x-original-url",
    "x-original-x",
    "x-rewrite-url",
    "x-rewrite-x",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-middleware-subrequest",
    "x-ms-client-principal",
    "x-ms-client-principal-id",
    "x-ms-principal-x",
    "x-arr-clientcert",
    "ssl-client-cert",
    "x-ssl-client-cert",
    "x-ssl-client-verify",
    "x-client-cert",
    "client-cert",
    "client-cert-chain",
    "fly-client-ip",
    "fly-x",
    "fastly-x",
    "x-x-client-ip",
    "remote-user",
    "x-remote-user",
    "x-auth-request-user",
    "x-authenticated-userid",
    "x-webauth-user",
    "x-consumer-id",
    "x-credential-identifier",
    "x-amzn-oidc-data",
    "x-goog-authenticated-user-id",
    "x-goog-iap-jwt-assertion",
    "x-user",
    "x-user-id",
    "x-jwt-payload",
    "x-azure-clientip",
    "x-vercel-x",
    "via",
    "proxy",
    "proxy-authorization",
    "proxy-x",
];

const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "proxy-connection",
    "content-length",
    "expect",
    "max-forwards",
    "from",
];

#[tokio::test]
async fn a_content_type_with_an_underscore_is_ignored() {
    for policy in [ItemHeaders::guarded(), ItemHeaders::only(["accept"])] {
        let brought = json!({ "content_type": "text/html" });
        let layer = BatchLayer::new("/batch").item_headers(policy);
        let received = received(layer, &[], brought).await;
        assert!(!received.headers.contains_key("content-type"));
        assert!(!received.headers.contains_key("content_type"));
    }
}

#[tokio::test]
async fn no_item_can_set_a_protected_or_a_framing_header_in_any_spelling() {
    for name in PROTECTED.iter().chain(HOP_BY_HOP) {
        for spelling in spellings(name) {
            let brought = json!({ &spelling: "evil", "X-Fine": "1" });
            let received = received(all_but_protected(), &[], brought).await;
            let mut expected = HeaderMap::new();
            expected.insert("host", HeaderValue::from_static("api.example"));
            expected.insert("x-fine", HeaderValue::from_static("1"));
            assert_eq!(received.headers, expected, "{spelling}");
        }
    }
}

#[tokio::test]
async fn protected_headers_of_the_outer_request_stay() {
    // These headers belong to the connection of the outer request.
    let inherited = PROTECTED
        .iter()
        .filter(|name| !name.starts_with("proxy-") && **name != "host");
    for name in inherited {
        for spelling in spellings(name) {
            let brought = json!({ &spelling: ["evil", "more"] });
            let received = received(all_but_protected(), &[(name, "true")], brought).await;
            assert_eq!(received.header(name), ["true"], "{spelling}");
            assert_eq!(received.headers.len(), 2, "{spelling}");
        }
    }
}

#[tokio::test]
async fn names_that_only_look_like_protected_ones_are_taken() {
    for name in [
        "x-host",
        "x-authorization",
        "authorization2",
        "sec",
        "cf",
        "x-forwarded",
        "x-origin",
        "x-via",
        "x-real-ip-2",
        "x-ms-client",
        "principal",
        "x-auth",
        "x-use",
        "x-http",
        "cookie2",
        "forwarded-x",
    ] {
        let received = received(all_but_protected(), &[], json!({ name: "1" })).await;
        assert_eq!(received.header(name), ["1"], "{name}");
    }
}

#[tokio::test]
async fn items_set_representation_headers_and_the_outer_request_wins_for_others() {
    for (name, outer) in [
        ("accept", "*/*"),
        ("accept-language", "outer"),
        ("accept-charset", "outer"),
        ("accept-x", "outer"),
        ("content-encoding", "identity"),
        ("content-language", "outer"),
        ("content-x", "outer"),
        ("if-match", "outer"),
        ("if-none-match", "outer"),
        ("if-modified-since", "outer"),
        ("if-x", "outer"),
        ("prefer", "outer"),
        ("range", "outer"),
        ("idempotency-key", "outer"),
    ] {
        let layer = BatchLayer::new("/batch");
        let received = received(layer, &[(name, outer)], json!({ name: "item" })).await;
        assert_eq!(received.header(name), ["item"], "{name}");
    }
    for (name, layer) in [
        ("user-agent", BatchLayer::new("/batch")),
        ("cache-control", BatchLayer::new("/batch")),
        ("date", BatchLayer::new("/batch")),
        ("pragma", BatchLayer::new("/batch")),
        ("x-requested-with", BatchLayer::new("/batch")),
        ("user-agent", all_but_protected()),
        ("x-tenant", all_but_protected()),
    ] {
        let without = received(layer.clone(), &[], json!({ name: ["item", "more"] })).await;
        assert_eq!(without.header(name), ["item", "more"], "{name}");
        let with = received(layer, &[(name, "outer")], json!({ name: ["item", "more"] })).await;
        assert_eq!(with.header(name), ["outer"], "{name}");
    }
}

#[tokio::test]
async fn the_trace_headers_are_inherited_unless_items_may_set_them() {
    let allowed =
        || BatchLayer::new("/batch").item_headers(ItemHeaders::guarded().allow(["trace*"]));
    let only = ItemHeaders::only(["traceparent", "tracestate"]);
    for name in ["traceparent", "tracestate"] {
        for layer in [BatchLayer::new("/batch"), all_but_protected()] {
            let without = received(layer.clone(), &[], json!({ name: "item" })).await;
            assert_eq!(without.header(name), [] as [&str; 0], "{name}");
            let with = received(layer, &[(name, "outer")], json!({ name: "item" })).await;
            assert_eq!(with.header(name), ["outer"], "{name}");
        }
        for layer in [
            allowed(),
            BatchLayer::new("/batch").item_headers(only.clone()),
        ] {
            let received = received(layer, &[(name, "outer")], json!({ name: "item" })).await;
            assert_eq!(received.header(name), ["item"], "{name}");
        }
    }
}

#[tokio::test]
async fn an_underscore_does_not_bypass_a_header_of_the_outer_request() {
    for (outer, item) in [
        ("x-tenant-id", "X_Tenant_Id"),
        ("x_tenant_id", "X-Tenant-Id"),
        ("x_tenant-id", "x-tenant_id"),
        ("user-agent", "User_Agent"),
        ("user_agent", "User-Agent"),
    ] {
        let layer = all_but_protected();
        let received = received(layer, &[(outer, "outer")], json!({ item: "item" })).await;
        assert_eq!(received.header(outer), ["outer"]);
        assert_eq!(received.headers.len(), 2, "{item}");
    }
}

#[tokio::test]
async fn a_header_that_connection_lists_stays_protected_from_items() {
    let outer = [("connection", "close, X-Tenant"), ("x-tenant", "outer")];
    let brought = json!({ "X-Tenant": "item" });
    let received = received(all_but_protected(), &outer, brought).await;
    assert_eq!(received.header("x-tenant"), [""; 0]);
}

#[tokio::test]
async fn header_values_are_taken_as_utf_8() {
    let brought = json!({ "x-a": "é\t€", "x-b": "" });
    let received = received(all_but_protected(), &[], brought).await;
    assert_eq!(received.headers["x-a"].as_bytes(), "é\t€".as_bytes());
    assert_eq!(received.headers["x-b"], "");
}
