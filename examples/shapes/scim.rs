//! Users and groups in the manner of SCIM (RFC 7644).

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use crate::MAX_ITEMS;
use crate::objects::Objects;

pub(crate) const TRY: &str = r#"# SCIM: a user, a group with this user (bulkId:ada), and a user that is not there.
curl -sw '\n' 'http://ADDRESS/scim/v2/Bulk' -H 'content-type: application/scim+json' -d '{
  "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
  {"method": "POST", "path": "/Users", "bulkId": "ada", "data": {"userName": "Ada"}},
  {"method": "POST", "path": "/Groups", "bulkId": "all", "data": {"displayName": "All", "members": [{"value": "bulkId:ada"}]}},
  {"method": "DELETE", "path": "/Users/none"}]}'
"#;

pub(crate) fn routes() -> Router<Objects> {
    let resource = get(read).put(replace).patch(patch).delete(delete);
    Router::new()
        .route("/scim/v2/ServiceProviderConfig", get(config))
        .route("/scim/v2/{kind}", get(list).post(add))
        .route("/scim/v2/{kind}/{id}", resource)
}

/// Clients read here how many operations a bulk request may have.
async fn config() -> Response {
    let unsupported = json!({ "supported": false });
    let bulk = json!({ "supported": true, "maxOperations": MAX_ITEMS, "maxPayloadSize": 1 << 20 });
    let config = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": bulk,
        "filter": { "supported": false, "maxResults": 100 },
        "changePassword": unsupported,
        "sort": unsupported,
        "etag": { "supported": true },
        "authenticationSchemes": [],
    });
    scim(StatusCode::OK, config)
}

async fn list(State(objects): State<Objects>, uri: Uri) -> Response {
    let resources = objects.list(uri.path());
    let schema = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
    let total = resources.len();
    let list = json!({ "schemas": [schema], "totalResults": total, "Resources": resources });
    scim(StatusCode::OK, list)
}

async fn add(
    State(objects): State<Objects>,
    Path(kind): Path<String>,
    uri: Uri,
    Json(mut resource): Json<Value>,
) -> Response {
    let name = if kind == "Users" {
        "userName"
    } else {
        "displayName"
    };
    if !resource[name].is_string() {
        return error(StatusCode::BAD_REQUEST, "a resource needs a name");
    }
    let mut others = objects.list(uri.path()).into_iter();
    if others.any(|other| other[name] == resource[name]) {
        return error(StatusCode::CONFLICT, "this name is taken");
    }
    let id = objects.next_id().to_string();
    let location = format!("{}/{id}", uri.path());
    resource["id"] = json!(id);
    write(&objects, location, resource, StatusCode::CREATED)
}

async fn read(State(objects): State<Objects>, uri: Uri) -> Response {
    match objects.read(uri.path()) {
        Some(resource) => shown(StatusCode::OK, resource),
        None => not_found(),
    }
}

async fn replace(
    State(objects): State<Objects>,
    Path((_, id)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    Json(mut resource): Json<Value>,
) -> Response {
    if let Err(refused) = current(&objects, &uri, &headers) {
        return *refused;
    }
    if !resource.is_object() {
        return error(StatusCode::BAD_REQUEST, "a resource is an object");
    }
    resource["id"] = json!(id);
    write(&objects, uri.path().to_owned(), resource, StatusCode::OK)
}

/// Knows only operations that set a member.
async fn patch(
    State(objects): State<Objects>,
    uri: Uri,
    headers: HeaderMap,
    Json(patch): Json<Value>,
) -> Response {
    let mut resource = match current(&objects, &uri, &headers) {
        Ok(resource) => resource,
        Err(refused) => return *refused,
    };
    for operation in patch["Operations"].as_array().into_iter().flatten() {
        if let Some(member) = operation["path"].as_str() {
            resource[member] = operation["value"].clone();
        }
    }
    write(&objects, uri.path().to_owned(), resource, StatusCode::OK)
}

async fn delete(State(objects): State<Objects>, uri: Uri, headers: HeaderMap) -> Response {
    if let Err(refused) = current(&objects, &uri, &headers) {
        return *refused;
    }
    objects.delete(uri.path());
    StatusCode::NO_CONTENT.into_response()
}

/// The resource, if it has the version that the client expects.
fn current(objects: &Objects, uri: &Uri, headers: &HeaderMap) -> Result<Value, Box<Response>> {
    let Some(resource) = objects.read(uri.path()) else {
        return Err(Box::new(not_found()));
    };
    let expected = headers.get(IF_MATCH).and_then(|it| it.to_str().ok());
    if expected.is_some_and(|expected| resource["meta"]["version"] != expected) {
        let message = "the resource has another version";
        return Err(Box::new(error(StatusCode::PRECONDITION_FAILED, message)));
    }
    Ok(resource)
}

fn write(objects: &Objects, location: String, mut resource: Value, status: StatusCode) -> Response {
    let version = format!("W/\"{}\"", objects.next_id());
    resource["meta"] = json!({ "location": location, "version": version });
    objects.write(location, resource.clone());
    shown(status, resource)
}

fn shown(status: StatusCode, resource: Value) -> Response {
    let header = |name: &str| {
        resource["meta"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let headers = [(LOCATION, header("location")), (ETAG, header("version"))];
    (headers, scim(status, resource)).into_response()
}

fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "no such resource")
}

fn error(status: StatusCode, detail: &str) -> Response {
    let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
    let error = json!({ "schemas": [schema], "status": status.as_str(), "detail": detail });
    scim(status, error)
}

fn scim(status: StatusCode, body: Value) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/scim+json")],
        body.to_string(),
    )
        .into_response()
}
