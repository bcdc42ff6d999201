//! Accounts in the manner of Salesforce.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use crate::objects::Objects;

pub(crate) const TRY: &str = r#"# Salesforce: an account, one without a name, which fails, and one that is not reached.
curl -sw '\n' 'http://ADDRESS/services/data/v60.0/composite/batch' -H 'content-type: application/json' -d '{
  "haltOnError": true, "batchRequests": [
  {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "Acme"}},
  {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {}},
  {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "Never"}}]}'
"#;

const ACCOUNTS: &str = "/services/data/v60.0/sobjects/Account";

pub(crate) fn routes() -> Router<Objects> {
    let account = get(read).patch(change).delete(delete);
    Router::new()
        .route(ACCOUNTS, post(add))
        .route(&format!("{ACCOUNTS}/{{id}}"), account)
}

async fn add(State(objects): State<Objects>, Json(mut account): Json<Value>) -> Response {
    if !account["Name"].is_string() {
        let message = "Required fields are missing: [Name]";
        return error(StatusCode::BAD_REQUEST, "REQUIRED_FIELD_MISSING", message);
    }
    let id = format!("001{:012}", objects.next_id());
    account["Id"] = json!(id);
    objects.write(format!("{ACCOUNTS}/{id}"), account);
    let made = json!({ "id": id, "success": true, "errors": [] });
    (StatusCode::CREATED, Json(made)).into_response()
}

async fn read(State(objects): State<Objects>, uri: Uri) -> Response {
    match objects.read(uri.path()) {
        Some(account) => Json(account).into_response(),
        None => not_found(),
    }
}

async fn change(State(objects): State<Objects>, uri: Uri, Json(members): Json<Value>) -> Response {
    done(objects.change(uri.path(), members))
}

async fn delete(State(objects): State<Objects>, uri: Uri) -> Response {
    done(objects.delete(uri.path()))
}

fn done(account: Option<Value>) -> Response {
    account.map_or_else(not_found, |_| StatusCode::NO_CONTENT.into_response())
}

fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "NOT_FOUND", "no such account")
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let errors = json!([{ "errorCode": code, "message": message }]);
    (status, Json(errors)).into_response()
}
