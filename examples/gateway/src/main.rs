//! Serves a gateway: `cargo run --manifest-path examples/gateway/Cargo.toml`, then paste what it
//! prints.
//!
//! Arguments are the upstreams, as `host:port`. Without any, the example starts three of its own.
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port). Log lines go to the
//! standard error.

use std::env;
use std::error::Error;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::uri::Authority;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use gateway::upstream::Upstream;
use gateway::{Settings, batch, gateway};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

const TRY: &str = r#"# Items go to whichever upstream is ready and least loaded. One that would be a batch does not run.
curl -sw '\n' http://ADDRESS/batch -H 'content-type: application/json' -d '{"requests": [
  {"id": "ada",   "method": "GET",  "url": "/users/1"},
  {"id": "grace", "method": "GET",  "url": "/users/2"},
  {"id": "order", "method": "POST", "url": "/orders", "body": {"user": 1, "total": 12.50}},
  {"id": "loop",  "method": "POST", "url": "/batch", "body": {"requests": []}}]}'

# An ordinary request goes through the same client.
curl -sw '\n' http://ADDRESS/users/1
"#;

const TRY_KILL: &str = r#"
# Kills one of the upstreams. The others get its requests, so all items still succeed.
curl -s -X POST http://UPSTREAM/kill || echo killed
curl -sw '\n' http://ADDRESS/batch -H 'content-type: application/json' -d '{"requests": [
  {"id": "1", "method": "POST", "url": "/orders", "body": {"user": 1, "total": 1}},
  {"id": "2", "method": "POST", "url": "/orders", "body": {"user": 2, "total": 2}},
  {"id": "3", "method": "POST", "url": "/orders", "body": {"user": 3, "total": 3}}]}'
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let mut upstreams = Vec::new();
    for argument in env::args().skip(1) {
        upstreams.push(argument.parse::<Authority>()?);
    }
    let mut try_kill = None;
    if upstreams.is_empty() {
        for name in ["red", "green", "blue"] {
            upstreams.push(start(name)?);
        }
        try_kill = Some(TRY_KILL.replace("UPSTREAM", upstreams[0].as_str()));
    }

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}\n");
    let text = [TRY, try_kill.as_deref().unwrap_or_default()].concat();
    println!("{}", text.replace("ADDRESS", &address));

    let app = gateway(&upstreams, batch("/batch"), Settings::default());
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app).await?;
    Ok(())
}

/// Starts an upstream on a free port. It runs until it gets a POST to `/kill`, to which it does not
/// respond.
fn start(name: &'static str) -> std::io::Result<Authority> {
    let kill = Arc::new(Notify::new());
    let is_killed = Arc::clone(&kill);
    let user = async move |Path(id): Path<u64>| Json(json!({ "id": id, "upstream": name }));
    let order = async move |Json(order): Json<Value>| {
        let body = json!({ "order": order, "upstream": name });
        (StatusCode::CREATED, Json(body))
    };
    let die = async move || {
        kill.notify_one();
        pending::<()>().await;
    };
    let app = Router::new()
        .route("/users/{id}", get(user))
        .route("/orders", post(order))
        .route("/kill", post(die));

    let upstream = Upstream::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), app)?;
    let authority = upstream.authority();
    tokio::spawn(async move {
        is_killed.notified().await;
        drop(upstream);
    });
    Ok(authority)
}
