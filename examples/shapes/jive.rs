//! People in the manner of Jive.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use crate::objects::Objects;

pub(crate) const TRY: &str = r#"# Jive: a person, all people, and one who is not there.
curl -sw '\n' 'http://ADDRESS/api/core/v3/executeBatch' -H 'content-type: application/json' -d '[
  {"key": "add",  "request": {"method": "POST", "endpoint": "/api/core/v3/people", "body": {"displayName": "Ada"}}},
  {"key": "all",  "request": {"method": "GET",  "endpoint": "/api/core/v3/people"}},
  {"key": "none", "request": {"method": "GET",  "endpoint": "/api/core/v3/people/none"}}]'
"#;

const PEOPLE: &str = "/api/core/v3/people";

pub(crate) fn routes() -> Router<Objects> {
    Router::new().route(PEOPLE, get(list).post(add)).route(
        &format!("{PEOPLE}/{{id}}"),
        get(read).put(change).delete(delete),
    )
}

async fn list(State(objects): State<Objects>) -> Json<Value> {
    Json(json!({ "list": objects.list(PEOPLE) }))
}

async fn add(State(objects): State<Objects>, Json(mut person): Json<Value>) -> Response {
    if !person["displayName"].is_string() {
        return error(StatusCode::BAD_REQUEST, "a person needs a name");
    }
    let id = objects.next_id().to_string();
    person["id"] = json!(id);
    objects.write(format!("{PEOPLE}/{id}"), person.clone());
    (StatusCode::CREATED, Json(person)).into_response()
}

async fn read(State(objects): State<Objects>, uri: Uri) -> Response {
    found(objects.read(uri.path()))
}

async fn change(State(objects): State<Objects>, uri: Uri, Json(members): Json<Value>) -> Response {
    found(objects.change(uri.path(), members))
}

async fn delete(State(objects): State<Objects>, uri: Uri) -> Response {
    match objects.delete(uri.path()) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => found(None),
    }
}

fn found(person: Option<Value>) -> Response {
    match person {
        Some(person) => Json(person).into_response(),
        None => error(StatusCode::NOT_FOUND, "no such person"),
    }
}

fn error(status: StatusCode, message: &str) -> Response {
    let error = json!({ "status": status.as_u16(), "message": message });
    (status, Json(error)).into_response()
}
