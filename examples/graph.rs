//! A batch endpoint for clients of Microsoft Graph: `cargo run --example graph`, then paste what it
//! prints.
//!
//! It listens on 127.0.0.1:3000, or on the port in `PORT` (0 is any free port).

use std::env;
use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::Layer;
use tower_multistatus::BatchLayer;

const TRY: &str = r#"# A user, a new message, a photo, an item that fails, and one that depends on it.
curl -sw '\n' 'http://ADDRESS/v1.0/$batch' -H 'content-type: application/json' -d '{"requests": [
  {"id": "1", "method": "GET",  "url": "/me"},
  {"id": "2", "method": "POST", "url": "/me/messages", "dependsOn": ["1"],
   "headers": {"Content-Type": "application/json"}, "body": {"subject": "Hello"}},
  {"id": "3", "method": "GET",  "url": "/me/photo/$value"},
  {"id": "4", "method": "GET",  "url": "/me/messages/none"},
  {"id": "5", "method": "GET",  "url": "/me/messages", "dependsOn": ["4"]}]}'
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let batch = BatchLayer::graph("/v1.0/$batch").max_items(20);
    let api = Router::new().nest("/v1.0", api());
    let app = api.clone().route_service("/v1.0/$batch", batch.layer(api));

    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let address = listener.local_addr()?.to_string();
    println!("# Listening on http://{address}\n");
    println!("{}", TRY.replace("ADDRESS", &address));
    // Without this, a streamed line waits until the client has acknowledged the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app).await?;
    Ok(())
}

/// The API that the items of a batch reach. It has no code for batches.
fn api() -> Router {
    Router::new()
        .route("/me", get(me).patch(change_me))
        .route("/me/photo/$value", get(photo))
        .route("/me/messages", get(messages).post(add_message))
        .route("/me/messages/{id}", get(message).delete(delete_message))
        .fallback(async || error(StatusCode::NOT_FOUND, "no such resource"))
        .with_state(Mailbox::default())
}

#[derive(Clone)]
struct Mailbox(Arc<Mutex<Data>>);

struct Data {
    me: Value,
    /// A deleted message is null.
    messages: Vec<Value>,
}

impl Default for Mailbox {
    fn default() -> Self {
        let me = json!({ "id": "u1", "displayName": "Ada Lovelace", "jobTitle": "Analyst" });
        let messages = Vec::new();
        Self(Arc::new(Mutex::new(Data { me, messages })))
    }
}

impl Mailbox {
    fn with<T>(&self, run: impl FnOnce(&mut Data) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Data {
    /// The message `m1` is the first one.
    fn message(&mut self, id: &str) -> Option<&mut Value> {
        let number: usize = id.strip_prefix('m')?.parse().ok()?;
        let message = self.messages.get_mut(number.checked_sub(1)?)?;
        (!message.is_null()).then_some(message)
    }
}

fn error(status: StatusCode, message: &str) -> Response {
    let code = status
        .canonical_reason()
        .unwrap_or_default()
        .replace(' ', "");
    let error = json!({ "error": { "code": code, "message": message } });
    (status, Json(error)).into_response()
}

async fn me(State(mailbox): State<Mailbox>) -> Json<Value> {
    Json(mailbox.with(|data| data.me.clone()))
}

async fn change_me(State(mailbox): State<Mailbox>, Json(change): Json<Value>) -> Response {
    let Value::Object(change) = change else {
        return error(StatusCode::BAD_REQUEST, "a change is an object");
    };
    mailbox.with(|data| {
        for (name, value) in change {
            data.me[name] = value;
        }
    });
    StatusCode::NO_CONTENT.into_response()
}

/// One grey pixel.
async fn photo() -> impl IntoResponse {
    let pixel: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\
        \0\0\0\nIDATx\xdach\0\0\0\x82\0\x81\xdaE\x08;\0\0\0\0IEND\xaeB`\x82";
    ([(CONTENT_TYPE, "image/png")], pixel)
}

async fn messages(State(mailbox): State<Mailbox>) -> Json<Value> {
    let messages = mailbox.with(|data| data.messages.clone());
    let existing: Vec<_> = messages.into_iter().filter(|it| !it.is_null()).collect();
    Json(json!({ "value": existing }))
}

async fn add_message(State(mailbox): State<Mailbox>, Json(mut message): Json<Value>) -> Response {
    if !message.is_object() {
        return error(StatusCode::BAD_REQUEST, "a message is an object");
    }
    let location = mailbox.with(|data| {
        let id = format!("m{}", data.messages.len() + 1);
        message["id"] = json!(id);
        data.messages.push(message.clone());
        format!("/v1.0/me/messages/{id}")
    });
    (StatusCode::CREATED, [(LOCATION, location)], Json(message)).into_response()
}

async fn message(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Response {
    match mailbox.with(|data| data.message(&id).cloned()) {
        Some(message) => Json(message).into_response(),
        None => error(StatusCode::NOT_FOUND, "no such message"),
    }
}

async fn delete_message(State(mailbox): State<Mailbox>, Path(id): Path<String>) -> Response {
    match mailbox.with(|data| data.message(&id).map(Value::take)) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => error(StatusCode::NOT_FOUND, "no such message"),
    }
}
