//! Extractors of axum in items.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, OriginalUri};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde_json::{Value, json};
use stack::{Orders, User, authenticate, me, order};
use tower_http::request_id::{MakeRequestUuid, RequestId, SetRequestIdLayer};

use crate::{Server, gets, layer, mount};

#[tokio::test]
async fn connect_info_is_there_where_it_is_inherited() {
    let peer = get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string());
    let api = Router::new().route("/peer", peer);
    let server = Server::of(mount(layer(), api.clone())).await;
    assert_eq!(server.get("/peer", &[]).await.body, "127.0.0.1");
    let items = server.batch(&[], gets(&["/peer"])).await.items();
    assert_eq!(items[0].0, 500);

    let inherits = layer().inherit_extension::<ConnectInfo<SocketAddr>>();
    let server = Server::of(mount(inherits, api)).await;
    let items = server.batch(&[], gets(&["/peer"])).await.items();
    assert_eq!(items, [(200, json!("127.0.0.1"))]);
}

#[tokio::test]
async fn matched_path_and_original_uri_are_the_items_own() {
    let seen =
        get(async |path: MatchedPath, uri: OriginalUri| format!("{} {}", path.as_str(), uri.0));
    let api = Router::new().nest("/v1", Router::new().route("/users/{id}", seen));
    let server = Server::of(mount(layer(), api)).await;
    let expected = "/v1/users/{id} /v1/users/1?a";
    let ordinary = server.get("/v1/users/1?a", &[]).await.body;
    assert_eq!(
        ordinary.replace(&format!("http://{}", server.0), ""),
        expected
    );
    let items = server.batch(&[], gets(&["/v1/users/1?a"])).await.items();
    assert_eq!(items, [(200, json!(expected))]);
}

#[tokio::test]
async fn a_user_of_an_auth_middleware_inside_is_there() {
    let api = Router::new().route("/me", get(me));
    let server = Server::of(mount(layer(), api.layer(from_fn(authenticate)))).await;
    let ada = [("authorization", "Bearer ada")];
    let items = server.batch(&ada, gets(&["/me"])).await.items();
    assert_eq!(items, [(200, json!({ "name": "Ada" }))]);
    // Each item is refused, and the batch is not.
    let reply = server.batch(&[], gets(&["/me"])).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    assert_eq!(reply.items(), [(401, Value::Null)]);
}

#[tokio::test]
async fn a_user_of_an_auth_middleware_outside_is_there_where_it_is_inherited() {
    let api = Router::new().route("/me", get(me));
    let ada = [("authorization", "Bearer ada")];
    for (batch, expected) in [(layer(), 500), (layer().inherit_extension::<User>(), 200)] {
        let app = mount(batch, api.clone()).layer(from_fn(authenticate));
        let server = Server::of(app).await;
        assert_eq!(server.get("/me", &ada).await.status, StatusCode::OK);
        assert_eq!(
            server.batch(&ada, gets(&["/me"])).await.items()[0].0,
            expected
        );
        let reply = server.batch(&[], gets(&["/me"])).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    }
}

#[derive(Clone)]
struct Pool(&'static str);

#[tokio::test]
async fn a_value_that_a_layer_adds_is_there_if_the_layer_is_inside() {
    let pool = get(async |Extension(Pool(name)): Extension<Pool>| name);
    let api = Router::new().route("/pool", pool);
    let added = || Extension(Pool("pool"));
    for (app, expected) in [
        (mount(layer(), api.clone().layer(added())), 200),
        (mount(layer(), api.clone()).layer(added()), 500),
        (
            mount(layer().inherit_extension::<Pool>(), api).layer(added()),
            200,
        ),
    ] {
        let server = Server::of(app).await;
        assert_eq!(server.get("/pool", &[]).await.body, "pool");
        let items = server.batch(&[], gets(&["/pool"])).await.items();
        assert_eq!(items[0].0, expected);
    }
}

#[tokio::test]
async fn state_is_shared_and_a_form_is_read() {
    let api = Router::new()
        .route("/orders", post(order))
        .with_state(Orders::default());
    let server = Server::of(mount(layer(), api)).await;
    let item = json!({ "id": "a", "method": "POST", "url": "/orders", "body": "product=green+tea",
                       "headers": { "content-type": "application/x-www-form-urlencoded" } });
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let ordinary = server.send("POST", "/orders", &form, "product=rum").await;
    assert_eq!(ordinary.body, r#"{"id":1,"product":"rum"}"#);
    let items = server.batch(&[], json!([item])).await.items();
    assert_eq!(items, [(200, json!({ "id": 2, "product": "green tea" }))]);
}

#[tokio::test]
async fn a_default_body_limit_bounds_items_inside_and_nothing_outside() {
    let api = Router::new().route("/length", post(async |body: String| body.len().to_string()));
    let item = json!([{ "id": "a", "method": "POST", "url": "/length", "body": "x".repeat(50),
                        "headers": { "content-type": "text/plain" } }]);
    for (app, ordinary, expected) in [
        (
            mount(layer(), api.clone().layer(DefaultBodyLimit::max(10))),
            413,
            413,
        ),
        (
            mount(layer(), api).layer(DefaultBodyLimit::max(10)),
            413,
            200,
        ),
    ] {
        let server = Server::of(app).await;
        let text = server.send("POST", "/length", &[], "x".repeat(50)).await;
        assert_eq!(text.status, ordinary);
        let reply = server.batch(&[], item.clone()).await;
        assert_eq!(reply.status, StatusCode::MULTI_STATUS);
        assert_eq!(reply.items()[0].0, expected);
    }
    let bounded = layer().max_envelope_bytes(100);
    let server = Server::of(mount(bounded, Router::new())).await;
    let reply = server.batch(&[], item).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// The request ids of two items, each with whether it is an extension too.
async fn request_ids(app: Router, headers: &[(&str, &str)]) -> Vec<(String, bool)> {
    let items = Server::of(app)
        .await
        .batch(headers, gets(&["/id", "/id"]))
        .await
        .items();
    let id = |(_, body): (u64, Value)| {
        let id = body[0].as_str().expect("an id").to_owned();
        (id, body[1].as_bool().expect("a flag"))
    };
    items.into_iter().map(id).collect()
}

#[tokio::test]
async fn a_request_id_set_outside_is_the_same_in_items_and_one_set_inside_is_not() {
    let id = async |headers: axum::http::HeaderMap, id: Option<Extension<RequestId>>| {
        let header = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        axum::Json(json!([header.unwrap_or_default(), id.is_some()]))
    };
    let api = Router::new().route("/id", get(id));
    let set = || SetRequestIdLayer::x_request_id(MakeRequestUuid);

    let outside = mount(layer(), api.clone()).layer(set());
    let ids = request_ids(outside, &[]).await;
    assert_eq!((&ids[0], ids[0].0.len(), ids[0].1), (&ids[1], 36, false));
    let inherits = layer().inherit_extension::<RequestId>();
    let ids = request_ids(mount(inherits, api.clone()).layer(set()), &[]).await;
    assert_eq!((&ids[0], ids[0].1), (&ids[1], true));

    let inside = mount(layer(), api.layer(set()));
    let ids = request_ids(inside.clone(), &[]).await;
    assert_ne!(ids[0], ids[1]);
    // The id of the client is inherited and not replaced.
    let ids = request_ids(inside, &[("x-request-id", "mine")]).await;
    assert_eq!(ids, vec![("mine".to_owned(), true); 2]);
}
