//! Where the URLs of items start in each preset.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tower_multistatus::BatchLayer;

use crate::support::ask_through;

/// The target of an item with this URL.
async fn target(layer: BatchLayer, path: &str, envelope: Value) -> Vec<String> {
    let request = Request::post(path)
        .header("host", "api.example")
        .header("content-type", "application/json");
    let request = request.body(Body::from(envelope.to_string())).unwrap();
    ask_through(layer, request).await.1.uris()
}

#[tokio::test]
async fn urls_start_at_the_folder_of_the_api() {
    let kinto = |url| json!({ "requests": [{ "path": url }] });
    for url in [
        "/buckets",
        "/v1/buckets",
        "buckets",
        "http://api.example/v1/buckets",
    ] {
        let layer = BatchLayer::kinto("/v1/batch");
        assert_eq!(
            target(layer, "/v1/batch", kinto(url)).await,
            ["/v1/buckets"]
        );
    }
    let scim = json!({ "Operations": [{ "method": "DELETE", "path": "/Users/1" }] });
    let layer = BatchLayer::scim("/scim/v2/Bulk");
    assert_eq!(
        target(layer, "/scim/v2/Bulk", scim).await,
        ["/scim/v2/Users/1"]
    );
    let parse = json!({ "requests": [{ "path": "/parse/classes/A" }] });
    let layer = BatchLayer::parse("/parse/batch");
    assert_eq!(
        target(layer, "/parse/batch", parse).await,
        ["/parse/classes/A"]
    );
    let jive = json!([{ "request": { "method": "GET", "endpoint": "/people/1" } }]);
    let layer = BatchLayer::jive("/api/core/v3/executeBatch");
    assert_eq!(
        target(layer, "/api/core/v3/executeBatch", jive).await,
        ["/api/core/v3/people/1"]
    );
    for path in ["/v19.0/", "/v19.0"] {
        let facebook = json!({ "batch": [{ "method": "GET", "relative_url": "me" }] });
        assert_eq!(
            target(BatchLayer::facebook(path), path, facebook).await,
            ["/v19.0/me"]
        );
    }
    let facebook = json!({ "batch": [{ "method": "GET", "relative_url": "me" }] });
    assert_eq!(
        target(BatchLayer::facebook("/"), "/", facebook).await,
        ["/me"]
    );
}

#[tokio::test]
async fn a_prefix_that_is_stripped_before_the_layer_is_part_of_the_folder() {
    let layer = BatchLayer::wordpress("/wp-json/batch/v1").mounted_at("/blog");
    for url in ["/wp/v2/posts", "/blog/wp-json/wp/v2/posts"] {
        let items = json!({ "requests": [{ "path": url }] });
        let targets = target(layer.clone(), "/wp-json/batch/v1", items).await;
        assert_eq!(targets, ["/wp-json/wp/v2/posts"]);
    }
    // A base of your own stays.
    let layer = BatchLayer::wordpress("/wp-json/batch/v1")
        .base("/other/")
        .mounted_at("/blog");
    let items = json!({ "requests": [{ "path": "/blog/x" }] });
    assert_eq!(target(layer, "/wp-json/batch/v1", items).await, ["/x"]);
}

#[test]
#[should_panic(expected = "must start with a slash")]
fn a_path_without_a_slash_panics() {
    let _ = BatchLayer::kinto("v1/batch");
}
