//! Mounts, bases and relative URLs.

use axum::Router;
use serde_json::json;
use tower::Layer;
use tower_multistatus::{BatchLayer, UrlBase};

use crate::support::{
    api, failed, gets_by_url, recorder, recording_router, requests, response_to, send,
};

/// The URI of the inner request, or the status of the item if there is none.
async fn dispatched(layer: &BatchLayer, url: &str) -> Result<String, u64> {
    let (log, service) = recorder();
    let item = response_to(layer.clone().layer(service), json!({ "url": url })).await;
    let status = item["status"].as_u64().expect("a status");
    assert_eq!(log.len(), usize::from(status == 200), "{url}");
    log.uris().pop().ok_or(status)
}

async fn assert_dispatched(layer: BatchLayer, rows: &[(&str, Result<&str, u64>)]) {
    for (url, expected) in rows {
        let expected = expected.map(str::to_owned);
        assert_eq!(dispatched(&layer, url).await, expected, "{url}");
    }
}

#[tokio::test]
async fn without_a_mount_urls_are_passed_unchanged() {
    let rows = [
        ("/v1/users", Ok("/v1/users")),
        ("users", Ok("/users")),
        ("?a=b", Ok("/?a=b")),
    ];
    assert_dispatched(BatchLayer::new("/batch"), &rows).await;
    assert_dispatched(BatchLayer::new("/batch").mounted_at("/"), &rows).await;
    assert_dispatched(BatchLayer::new("/batch").mounted_at(""), &rows).await;
}

#[tokio::test]
async fn the_mount_is_removed_and_urls_outside_it_are_404() {
    let rows = [
        ("/v1/users", Ok("/users")),
        ("/v1/users?a=/v1/b", Ok("/users?a=/v1/b")),
        ("/v1/v1/users", Ok("/v1/users")),
        ("/v1/", Ok("/")),
        ("/v1", Ok("/")),
        ("/v1?a", Ok("/?a")),
        ("/v1/?a", Ok("/?a")),
        ("http://api.example/v1/users", Ok("/users")),
        // Relative to the folder of the batch path with the mount.
        ("users", Ok("/users")),
        ("/v10", Err(404)),
        ("/v10/users", Err(404)),
        ("/V1/users", Err(404)),
        ("/users", Err(404)),
        ("/", Err(404)),
        ("/x/v1/users", Err(404)),
        ("/%76%31/users", Err(404)),
        ("http://api.example", Err(404)),
        ("/v1//evil", Err(400)),
        ("/v1/\\evil", Err(400)),
        ("/v1/../admin", Err(400)),
        ("/v1/%2e%2e/admin", Err(400)),
        ("/v1/..", Err(400)),
        ("//v1/users", Err(400)),
        ("http://api.example/v1//evil", Err(400)),
    ];
    for mount in ["/v1", "/v1/", "v1"] {
        assert_dispatched(BatchLayer::new("/batch").mounted_at(mount), &rows).await;
    }
}

#[tokio::test]
async fn an_item_outside_the_mount_fails_with_its_own_code() {
    let service = BatchLayer::new("/batch")
        .mounted_at("/v1")
        .layer(recorder().1);
    assert_eq!(
        response_to(service, json!({ "url": "/v2/users" })).await,
        failed(
            "x",
            404,
            "outside-mount",
            "the URL is outside of this service"
        )
    );
}

#[tokio::test]
async fn a_relative_url_is_resolved_in_the_folder_of_the_batch_path() {
    for (path, mount, expected) in [
        ("/batch", "/", "/users/1?a"),
        ("/api/v1/batch", "/", "/api/v1/users/1?a"),
        ("/api/$batch", "/x", "/api/users/1?a"),
    ] {
        let (log, service) = recorder();
        let items = json!([{ "id": "a", "method": "GET", "url": "users/1?a" }]);
        let mut request = requests(items);
        *request.uri_mut() = path.parse().expect("a URI");
        let layer = BatchLayer::new(path).mounted_at(mount);
        let reply = send(layer.layer(service), request).await;
        assert_eq!(reply.statuses(), [200]);
        assert_eq!(log.uris(), [expected]);
    }
}

#[tokio::test]
async fn a_relative_url_is_resolved_against_the_base() {
    let rows = [
        ("users/1", Ok("/api/users/1")),
        ("?a", Ok("/api/?a")),
        ("a:b", Err(400)),
        ("./a:b", Err(400)),
        ("a('b:c')", Ok("/api/a('b:c')")),
        ("../users", Err(400)),
        (".", Err(400)),
        ("..", Err(400)),
        // An absolute path.
        ("/users/1", Ok("/users/1")),
    ];
    for base in ["/api/", "/api", "api"] {
        assert_dispatched(BatchLayer::new("/batch").base(base), &rows).await;
    }
    let rows = [("users/1", Ok("/users/1")), ("\\evil", Err(400))];
    for base in ["/", ""] {
        assert_dispatched(BatchLayer::new("/batch").base(base), &rows).await;
    }
}

#[tokio::test]
async fn a_base_for_all_urls_is_that_of_absolute_paths_too() {
    let rows = [
        ("users/1", Ok("/api/users/1")),
        ("/users/1", Ok("/api/users/1")),
        ("/api/users/1", Ok("/api/users/1")),
        ("/api", Ok("/api")),
        ("/apis", Ok("/api/apis")),
        ("http://api.example/users", Ok("/users")),
        ("//users", Err(400)),
        ("/../users", Err(400)),
    ];
    for base in ["/api/", "/api", "api"] {
        let layer = BatchLayer::new("/batch").base(UrlBase::for_all_urls(base));
        assert_dispatched(layer, &rows).await;
    }
    let rows = [("users", Ok("/users")), ("/users", Ok("/users"))];
    for base in ["/", ""] {
        let layer = BatchLayer::new("/batch").base(UrlBase::for_all_urls(base));
        assert_dispatched(layer, &rows).await;
    }
}

#[tokio::test]
async fn the_last_base_replaces_earlier_ones() {
    let (all, relative) = (
        UrlBase::for_all_urls("/all"),
        UrlBase::for_relative_urls("/relative"),
    );
    let layer = BatchLayer::new("/batch");
    let rows = [("x", Ok("/relative/x")), ("/x", Ok("/x"))];
    let last = layer.clone().base(all.clone()).base(relative.clone());
    assert_dispatched(last, &rows).await;
    let rows = [("x", Ok("/all/x")), ("/x", Ok("/all/x"))];
    assert_dispatched(layer.base(relative).base(all), &rows).await;
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn the_base_of_a_preset_includes_the_mount() {
    let rows = [
        ("/me", Ok("/me")),
        ("me", Ok("/me")),
        ("/v1.0/me", Ok("/me")),
        ("/v1.0/../me", Err(400)),
    ];
    for preset in [BatchLayer::graph("/batch"), BatchLayer::odata("/batch")] {
        assert_dispatched(preset.mounted_at("/v1.0"), &rows).await;
    }
}

#[tokio::test]
async fn the_base_includes_the_mount_in_either_order_of_settings() {
    let layer = BatchLayer::new("/batch");
    let rows = [("users", Ok("/a/users")), ("/v1/users", Ok("/users"))];
    for layer in [
        layer.clone().mounted_at("/v1").base("/v1/a"),
        layer.clone().base("/v1/a").mounted_at("/v1"),
    ] {
        assert_dispatched(layer, &rows).await;
    }
    assert_dispatched(layer.mounted_at("/v1").base("/a"), &[("users", Err(404))]).await;
}

#[tokio::test]
async fn a_layer_in_a_nested_router_accepts_the_urls_that_clients_use() {
    let (log, router) = recording_router();
    let service = BatchLayer::new("/batch").mounted_at("/v1").layer(router);
    let app: Router = Router::new().nest_service("/v1", service);
    let urls = ["/v1/users?a=b", "users", "/v10/users", "/users"];
    let mut request = requests(gets_by_url(&urls));
    *request.uri_mut() = "/v1/batch".parse().expect("a URI");
    let reply = send(app, request).await;
    assert_eq!(reply.statuses(), [200, 200, 404, 404]);
    assert_eq!(log.uris(), ["/users?a=b", "/users"]);
}

#[tokio::test]
async fn a_layer_around_a_whole_router_reaches_all_of_its_routes() {
    let app: Router = Router::new().fallback_service(BatchLayer::new("/batch").layer(api()));
    let items = json!([
        { "id": "a", "method": "GET", "url": "/users/1" },
        { "id": "b", "method": "POST", "url": "/echo", "headers": { "Content-Type": "text/plain" }, "body": "b" },
        { "id": "c", "method": "GET", "url": "/batch" },
        { "id": "d", "method": "POST", "url": "/batch" },
    ]);
    assert_eq!(
        send(app, requests(items)).await.statuses(),
        [200, 200, 404, 508]
    );
}

#[tokio::test]
async fn dot_segments_of_the_base_are_refused_too() {
    for base in ["/s/../t", "/s/%2e%2e", "."] {
        let layer = BatchLayer::new("/batch").base(base);
        assert_dispatched(layer, &[("x", Err(400)), ("/x", Ok("/x"))]).await;
    }
}
