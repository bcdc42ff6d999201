//! Tables in the manner of ServiceNow.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use crate::objects::Objects;

pub(crate) const TRY: &str = r#"# ServiceNow: bodies are in base64. The second item fails.
curl -sw '\n' 'http://ADDRESS/api/now/v1/batch' -H 'content-type: application/json' -d '{
  "batch_request_id": "1", "rest_requests": [
  {"id": "a", "method": "POST", "url": "/api/now/table/incident", "body": "eyJzaG9ydF9kZXNjcmlwdGlvbiI6IlNsb3cifQ==",
   "headers": [{"name": "Content-Type", "value": "application/json"}]},
  {"id": "b", "method": "GET", "url": "/api/now/table/incident/none", "headers": []}]}'
"#;

pub(crate) fn routes() -> Router<Objects> {
    let table = "/api/now/table/{table}";
    let record = get(read).put(change).patch(change).delete(delete);
    Router::new()
        .route(table, get(list).post(add))
        .route(&format!("{table}/{{id}}"), record)
}

async fn list(State(objects): State<Objects>, uri: Uri) -> Response {
    let records = objects.list(uri.path());
    let total = records.len().to_string();
    let body = Json(json!({ "result": records }));
    ([("x-total-count", total)], body).into_response()
}

async fn add(State(objects): State<Objects>, uri: Uri, Json(mut record): Json<Value>) -> Response {
    if !record.is_object() {
        return error(StatusCode::BAD_REQUEST, "a record is an object");
    }
    let id = format!("{:032x}", objects.next_id());
    record["sys_id"] = json!(id);
    objects.write(format!("{}/{id}", uri.path()), record.clone());
    (StatusCode::CREATED, Json(json!({ "result": record }))).into_response()
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

fn found(record: Option<Value>) -> Response {
    match record {
        Some(record) => Json(json!({ "result": record })).into_response(),
        None => error(StatusCode::NOT_FOUND, "No Record found"),
    }
}

fn error(status: StatusCode, message: &str) -> Response {
    let body = json!({ "error": { "message": message }, "status": "failure" });
    (status, Json(body)).into_response()
}
