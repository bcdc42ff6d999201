//! Nodes and edges in the manner of Facebook's Graph API.

use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::objects::Objects;

pub(crate) const TRY: &str = r#"# Facebook: a node, all nodes, and one that is not there.
curl -sw '\n' 'http://ADDRESS/v19.0/' --data-urlencode 'batch=[
  {"method": "POST", "relative_url": "me/albums", "body": "name=Summer", "name": "add"},
  {"method": "GET",  "relative_url": "me/albums?fields=name", "depends_on": "add"},
  {"method": "GET",  "relative_url": "none"}]'
"#;

const ROOT: &str = "/v19.0";

pub(crate) fn routes() -> Router<Objects> {
    let node = get(read).post(change).delete(delete);
    Router::new()
        .route("/v19.0/{node}", node)
        .route("/v19.0/{node}/{edge}", get(list).post(add))
}

#[derive(Deserialize)]
struct Fields {
    fields: Option<String>,
}

impl Fields {
    /// A node has the fields that the client names, and its id.
    fn of(&self, node: &Value) -> Value {
        let names = self.fields.iter().flat_map(|fields| fields.split(','));
        let names = names.chain(["id"]);
        let chosen = names.filter_map(|name| Some((name.to_owned(), node.get(name)?.clone())));
        Value::Object(chosen.collect())
    }
}

/// Every edge leads to all nodes.
async fn list(State(objects): State<Objects>, Query(fields): Query<Fields>) -> Json<Value> {
    let nodes = objects.list(ROOT);
    let nodes: Vec<_> = nodes.iter().map(|node| fields.of(node)).collect();
    Json(json!({ "data": nodes }))
}

async fn add(
    State(objects): State<Objects>,
    Form(mut node): Form<Map<String, Value>>,
) -> Json<Value> {
    let id = objects.next_id().to_string();
    node.insert("id".to_owned(), json!(id));
    objects.write(format!("{ROOT}/{id}"), Value::Object(node));
    Json(json!({ "id": id }))
}

async fn read(State(objects): State<Objects>, uri: Uri, Query(fields): Query<Fields>) -> Response {
    let node = objects.read(uri.path());
    found(node.map(|node| fields.of(&node)))
}

async fn change(
    State(objects): State<Objects>,
    uri: Uri,
    Form(members): Form<Map<String, Value>>,
) -> Response {
    let changed = objects.change(uri.path(), Value::Object(members));
    found(changed.map(|_| json!({ "success": true })))
}

async fn delete(State(objects): State<Objects>, uri: Uri) -> Response {
    let deleted = objects.delete(uri.path());
    found(deleted.map(|_| json!({ "success": true })))
}

fn found(body: Option<Value>) -> Response {
    if let Some(body) = body {
        return Json(body).into_response();
    }
    let error = json!({ "message": "no such object", "type": "GraphMethodException", "code": 100 });
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}
