//! Sessions with cookies.

use axum::Router;
use axum::routing::post;
use serde_json::json;
use stack::visit;
use tower_multistatus::SetCookie;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::{Reply, Server, layer, mount, posts};

fn api() -> Router {
    Router::new().route("/visits", post(visit))
}

fn sessions() -> SessionManagerLayer<MemoryStore> {
    SessionManagerLayer::new(MemoryStore::default()).with_secure(false)
}

/// Sends a batch of two visits, with this cookie if there is one.
async fn two_visits(server: &Server, cookie: Option<&str>) -> Reply {
    let cookie: Vec<_> = cookie
        .map(|cookie| ("cookie", cookie))
        .into_iter()
        .collect();
    server.batch(&cookie, posts(&["/visits", "/visits"])).await
}

#[tokio::test]
async fn inside_each_item_loads_its_own_session_and_its_cookie_is_dropped() {
    let server = Server::of(mount(layer(), api().layer(sessions()))).await;
    let reply = two_visits(&server, None).await;
    assert_eq!(reply.items(), [(200, json!(1)), (200, json!(1))]);
    assert_eq!(reply.cookies(), [""; 0]);

    // A session that exists already is shared.
    let started = server.send("POST", "/visits", &[], "").await;
    let cookie = started.cookies()[0].to_owned();
    let reply = two_visits(&server, Some(&cookie)).await;
    assert_eq!(reply.items(), [(200, json!(2)), (200, json!(3))]);
}

#[tokio::test]
async fn inside_the_last_session_is_set_where_cookies_are_hoisted() {
    let hoists = layer().set_cookie(SetCookie::hoist());
    let server = Server::of(mount(hoists, api().layer(sessions()))).await;
    let reply = two_visits(&server, None).await;
    assert_eq!(reply.items(), [(200, json!(1)), (200, json!(1))]);
    let [cookie] = reply.cookies()[..] else {
        panic!("exactly one session: {:?}", reply.cookies());
    };
    let reply = two_visits(&server, Some(cookie)).await;
    assert_eq!(reply.items(), [(200, json!(2)), (200, json!(3))]);
}

#[tokio::test]
async fn outside_a_batch_has_one_session_where_it_is_inherited() {
    let server = Server::of(mount(layer(), api()).layer(sessions())).await;
    assert_eq!(two_visits(&server, None).await.items()[0].0, 500);

    let inherits = layer().inherit_extension::<Session>();
    let server = Server::of(mount(inherits, api()).layer(sessions())).await;
    let reply = two_visits(&server, None).await;
    assert_eq!(reply.items(), [(200, json!(1)), (200, json!(2))]);
    let [cookie] = reply.cookies()[..] else {
        panic!("exactly one session: {:?}", reply.cookies());
    };
    let reply = two_visits(&server, Some(cookie)).await;
    assert_eq!(reply.items(), [(200, json!(3)), (200, json!(4))]);
}
