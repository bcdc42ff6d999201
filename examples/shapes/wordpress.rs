//! Posts in the manner of WordPress.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::LOCATION;
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::objects::Objects;

pub(crate) const TRY: &str = r#"# WordPress: the limit, a post, and a post without a title, which fails.
curl -sw '\n' -X OPTIONS 'http://ADDRESS/wp-json/batch/v1'
curl -sw '\n' 'http://ADDRESS/wp-json/batch/v1' -H 'content-type: application/json' -d '{"requests": [
  {"path": "/wp/v2/posts", "body": {"title": "Hello"}},
  {"path": "/wp/v2/posts", "body": {}}]}'
"#;

const POSTS: &str = "/wp-json/wp/v2/posts";

pub(crate) fn routes() -> Router<Objects> {
    let post = get(read).post(change).put(change).delete(delete);
    Router::new()
        .route(POSTS, get(list).post(add))
        .route(&format!("{POSTS}/{{id}}"), post)
        .route("/wp-json/wp/v2/types", get(types))
}

#[derive(Deserialize)]
struct Post {
    title: Option<String>,
}

/// The editor looks up here where the posts are.
async fn types() -> Json<Value> {
    let post =
        json!({ "name": "Posts", "slug": "post", "rest_base": "posts", "rest_namespace": "wp/v2" });
    Json(json!({ "post": post }))
}

async fn list(State(objects): State<Objects>) -> Json<Vec<Value>> {
    Json(objects.list(POSTS))
}

async fn add(State(objects): State<Objects>, Json(post): Json<Post>) -> Response {
    let Some(title) = post.title else {
        return error(StatusCode::BAD_REQUEST, "empty_content", "no title");
    };
    let id = objects.next_id();
    let path = format!("{POSTS}/{id}");
    let post = json!({ "id": id, "title": { "raw": title, "rendered": title } });
    objects.write(path.clone(), post.clone());
    (StatusCode::CREATED, [(LOCATION, path)], Json(post)).into_response()
}

async fn read(State(objects): State<Objects>, uri: Uri) -> Response {
    found(objects.read(uri.path()))
}

async fn change(State(objects): State<Objects>, uri: Uri, Json(post): Json<Post>) -> Response {
    let members = match post.title {
        Some(title) => json!({ "title": { "raw": title, "rendered": title } }),
        None => json!({}),
    };
    found(objects.change(uri.path(), members))
}

async fn delete(State(objects): State<Objects>, uri: Uri) -> Response {
    let deleted = objects
        .delete(uri.path())
        .map(|post| json!({ "deleted": true, "previous": post }));
    found(deleted)
}

fn found(post: Option<Value>) -> Response {
    match post {
        Some(post) => Json(post).into_response(),
        None => error(
            StatusCode::NOT_FOUND,
            "rest_post_invalid_id",
            "Invalid post ID.",
        ),
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let data = json!({ "status": status.as_u16() });
    let error = json!({ "code": code, "message": message, "data": data });
    (status, Json(error)).into_response()
}
