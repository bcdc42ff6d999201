//! Classes in the manner of Parse.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use crate::objects::Objects;

pub(crate) const TRY: &str = r#"# Parse: an object, and one that is not there. Clients send JSON as text/plain.
curl -sw '\n' 'http://ADDRESS/parse/batch' -H 'content-type: text/plain' -d '{"requests": [
  {"method": "POST",   "path": "/parse/classes/Game", "body": {"score": 3}},
  {"method": "DELETE", "path": "/parse/classes/Game/none", "body": {}}]}'
"#;

const TIME: &str = "2026-01-01T00:00:00.000Z";

pub(crate) fn routes() -> Router<Objects> {
    let class = "/parse/classes/{class}";
    let object = get(read).put(change).delete(delete);
    Router::new()
        .route(class, get(list).post(add))
        .route(&format!("{class}/{{id}}"), object)
}

async fn list(State(objects): State<Objects>, uri: Uri) -> Json<Value> {
    Json(json!({ "results": objects.list(uri.path()) }))
}

async fn add(State(objects): State<Objects>, uri: Uri, Json(mut object): Json<Value>) -> Response {
    if !object.is_object() {
        return error(StatusCode::BAD_REQUEST, 107, "an object is expected");
    }
    if object["score"].is_string() {
        let message = "schema mismatch for score; expected Number but got String";
        return error(StatusCode::BAD_REQUEST, 111, message);
    }
    let id = format!("object{}", objects.next_id());
    object["objectId"] = json!(id);
    objects.write(format!("{}/{id}", uri.path()), object);
    let made = json!({ "objectId": id, "createdAt": TIME });
    (StatusCode::CREATED, Json(made)).into_response()
}

async fn read(State(objects): State<Objects>, uri: Uri) -> Response {
    found(objects.read(uri.path()))
}

async fn change(State(objects): State<Objects>, uri: Uri, Json(members): Json<Value>) -> Response {
    let changed = objects.change(uri.path(), members);
    found(changed.map(|_| json!({ "updatedAt": TIME })))
}

async fn delete(State(objects): State<Objects>, uri: Uri) -> Response {
    found(objects.delete(uri.path()).map(|_| json!({})))
}

fn found(object: Option<Value>) -> Response {
    match object {
        Some(object) => Json(object).into_response(),
        None => error(StatusCode::NOT_FOUND, 101, "Object not found."),
    }
}

fn error(status: StatusCode, code: u16, message: &str) -> Response {
    let error = json!({ "code": code, "error": message });
    (status, Json(error)).into_response()
}
