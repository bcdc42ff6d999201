//! Records in the manner of Kinto.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::MAX_ITEMS;
use crate::objects::Objects;

pub(crate) const TRY: &str = r#"# Kinto: two records, with the members in `defaults`. The third item fails.
curl -sw '\n' 'http://ADDRESS/v1/batch' -H 'content-type: application/json' -d '{
  "defaults": {"method": "POST", "path": "/buckets/home/collections/tasks/records"}, "requests": [
  {"body": {"data": {"title": "Read"}}},
  {"method": "PUT", "path": "/buckets/home/collections/tasks/records/write", "body": {"data": {"title": "Write"}}},
  {"method": "GET", "path": "/buckets/home/collections/tasks/records/none"}]}'
"#;

pub(crate) fn routes() -> Router<Objects> {
    let records = "/v1/buckets/{bucket}/collections/{collection}/records";
    let record = get(read).put(write).patch(change).delete(delete);
    Router::new()
        .route("/v1/", get(root))
        .route(records, get(list).post(add))
        .route(&format!("{records}/{{id}}"), record)
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    data: serde_json::Map<String, Value>,
}

/// Clients read here how many items a batch may have.
async fn root() -> Json<Value> {
    Json(json!({ "project_name": "shapes", "settings": { "batch_max_requests": MAX_ITEMS } }))
}

async fn list(State(objects): State<Objects>, uri: Uri) -> Json<Value> {
    Json(json!({ "data": objects.list(uri.path()) }))
}

async fn add(State(objects): State<Objects>, uri: Uri, Json(body): Json<Body>) -> Response {
    let id = objects.next_id().to_string();
    let path = format!("{}/{id}", uri.path());
    (StatusCode::CREATED, put(&objects, path, &id, body)).into_response()
}

async fn write(
    State(objects): State<Objects>,
    uri: Uri,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> Response {
    let exists = objects.read(uri.path()).is_some();
    if exists && headers.contains_key(IF_NONE_MATCH) {
        let message = "Resource was modified meanwhile";
        return error(StatusCode::PRECONDITION_FAILED, 114, message);
    }
    let status = if exists {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let path = uri.path().to_owned();
    let id = path.rsplit('/').next().unwrap_or_default().to_owned();
    (status, put(&objects, path, &id, body)).into_response()
}

async fn read(State(objects): State<Objects>, uri: Uri) -> Response {
    found(objects.read(uri.path()))
}

async fn change(State(objects): State<Objects>, uri: Uri, Json(body): Json<Body>) -> Response {
    let mut data = body.data;
    data.insert("last_modified".to_owned(), json!(objects.next_id()));
    found(objects.change(uri.path(), Value::Object(data)))
}

async fn delete(State(objects): State<Objects>, uri: Uri) -> Response {
    let deleted = objects
        .delete(uri.path())
        .map(|record| json!({ "id": record["id"], "deleted": true }));
    found(deleted)
}

fn put(objects: &Objects, path: String, id: &str, body: Body) -> Response {
    let mut record = Value::Object(body.data);
    record["id"] = json!(id);
    record["last_modified"] = json!(objects.next_id());
    objects.write(path, record.clone());
    found(Some(record))
}

fn found(record: Option<Value>) -> Response {
    let Some(record) = record else {
        return error(StatusCode::NOT_FOUND, 110, "no such record");
    };
    let etag = format!("\"{}\"", record["last_modified"]);
    ([(ETAG, etag)], Json(json!({ "data": record }))).into_response()
}

fn error(status: StatusCode, errno: u16, message: &str) -> Response {
    let error = status.canonical_reason();
    let body =
        json!({ "code": status.as_u16(), "errno": errno, "error": error, "message": message });
    (status, Json(body)).into_response()
}
