//! A rate limit by the peer's address.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::json;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;

use crate::{Server, gets, layer, mount};

fn api() -> Router {
    Router::new().route("/hello", get(async || "hello"))
}

/// Two requests, then one a minute.
fn governed(app: Router) -> Router {
    let mut config = GovernorConfigBuilder::default();
    let config = config.per_second(60).burst_size(2).finish();
    app.layer(GovernorLayer::new(config.expect("a rate")))
}

const THREE: [&str; 3] = ["/hello"; 3];

#[tokio::test]
async fn inside_without_the_peers_address_every_item_is_500() {
    let server = Server::of(mount(layer(), governed(api()))).await;
    let reply = server.batch(&[], gets(&THREE)).await;
    let statuses: Vec<_> = reply.items().iter().map(|item| item.0).collect();
    assert_eq!(statuses, [500; 3]);
}

#[tokio::test]
async fn inside_it_charges_for_each_item() {
    let inherits = layer().inherit_extension::<ConnectInfo<SocketAddr>>();
    let server = Server::of(mount(inherits, governed(api()))).await;
    let reply = server.batch(&[], gets(&THREE)).await;
    let statuses: Vec<_> = reply.items().iter().map(|item| item.0).collect();
    assert_eq!(statuses, [200, 200, 429]);
    let ordinary = server.get("/hello", &[]).await;
    assert_eq!(ordinary.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn outside_it_charges_for_one_request() {
    let server = Server::of(governed(mount(layer(), api()))).await;
    for _ in 0..2 {
        let items = server.batch(&[], gets(&THREE)).await.items();
        assert_eq!(items, vec![(200, json!("hello")); 3]);
    }
    let refused = server.batch(&[], gets(&THREE)).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
}
