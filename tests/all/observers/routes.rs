//! The response extension that names the route of an item.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use http::Extensions;
use tower_multistatus::BatchLayer;

use crate::support::{batch, gets};

/// Copies the route from the request to the response.
async fn with_route(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(path);
    }
    response
}

#[tokio::test]
async fn the_matched_path_of_an_axum_router_is_the_route() {
    let api = Router::new()
        .route("/users/{id}", get(async || "a user"))
        .nest(
            "/shop",
            Router::new().route("/orders/{id}", get(async || "an order")),
        )
        .layer(from_fn(with_route));
    let routes = Arc::<Mutex<Vec<String>>>::default();
    let told = Arc::clone(&routes);
    let layer = BatchLayer::new("/batch")
        .route_extension::<MatchedPath>()
        .on_response(move |item| {
            let route = item.route::<MatchedPath>();
            let route = route.map_or("none", MatchedPath::as_str);
            let method = item.method().expect("a method");
            let line = format!("{method} {route} {}", item.body_bytes());
            told.lock().expect("the routes").push(line);
        });
    batch(
        layer,
        api,
        gets(&["/users/1", "/shop/orders/2", "/nowhere", "//"]),
    )
    .await;
    assert_eq!(
        *routes.lock().expect("the routes"),
        [
            "GET /users/{id} 6",
            "GET /shop/orders/{id} 8",
            "GET none 0",
            "GET none 99",
        ]
    );
}

/// An extension whose destructor panics.
#[derive(Clone)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in the destructor");
    }
}

#[tokio::test]
async fn other_extensions_are_dropped_and_a_route_that_panics_when_dropped_changes_nothing() {
    let api = Router::new().fallback(async || {
        let mut extensions = Extensions::new();
        extensions.insert(Bomb);
        extensions.insert("other");
        (axum::Extension("other"), MapExtensions(extensions))
    });
    let seen = Arc::<Mutex<Vec<(bool, bool)>>>::default();
    let told = Arc::clone(&seen);
    let layer = BatchLayer::new("/batch")
        .route_extension::<Bomb>()
        .on_response(move |item| {
            let has = (
                item.route::<Bomb>().is_some(),
                item.route::<&str>().is_some(),
            );
            told.lock().expect("the list").push(has);
        });
    let reply = batch(layer, api, gets(&["/", "/"])).await;
    assert_eq!(reply.statuses(), [200, 200]);
    assert_eq!(*seen.lock().expect("the list"), [(true, false); 2]);
}

/// Adds extensions to a response.
struct MapExtensions(Extensions);

impl axum::response::IntoResponse for MapExtensions {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.extensions_mut() = self.0;
        response
    }
}
