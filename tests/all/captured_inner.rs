//! The inner service of the recorded exchanges, as `routes.json` describes it.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use tower::service_fn;
use tower::util::BoxCloneSyncService;
use tower_multistatus::RequestBody;

pub(crate) type Inner =
    BoxCloneSyncService<Request<RequestBody<Body>>, Response<Full<Bytes>>, Infallible>;

/// Calls as lines of `inner.txt`.
pub(crate) type Calls = Arc<Mutex<Vec<String>>>;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures")
}

pub(crate) fn captured_inner() -> (Calls, Inner) {
    let routes = std::fs::read(folder().join("routes.json")).expect("the routes");
    let routes: Value = serde_json::from_slice(&routes).expect("JSON");
    let routes = Arc::new(routes["routes"].as_array().expect("routes").clone());
    let calls = Calls::default();
    let noted = Arc::clone(&calls);
    let service = service_fn(move |request: Request<RequestBody<Body>>| {
        let (routes, calls) = (Arc::clone(&routes), Arc::clone(&noted));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.expect("the body is whole").to_bytes();
            let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
            let route = routes.iter().find(|route| is_for(route, &parts, &path));
            // Slow routes end after quick ones, without a clock.
            if route.is_some_and(|route| route["delay_ms"].is_u64()) {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
            }
            let response = match route {
                Some(route) => respond(route, &body),
                None => not_found(&parts, &path),
            };
            let call = format!("{} {path} -> {}", parts.method, response.status().as_u16());
            calls.lock().expect("the calls").push(call);
            Ok(response)
        }
    });
    (calls, BoxCloneSyncService::new(service))
}

fn is_for(route: &Value, parts: &Parts, path: &str) -> bool {
    let query = route["query"].as_str();
    route["method"] == parts.method.as_str()
        && route["path"] == path
        && query.is_none_or(|query| parts.uri.query() == Some(query))
}

fn not_found(parts: &Parts, path: &str) -> Response<Full<Bytes>> {
    let message = format!("no route for {} {path}", parts.method);
    let json = json!({ "error": { "code": "NotFound", "message": message } });
    respond(&json!({ "status": 404, "json": json }), &Bytes::new())
}

fn respond(route: &Value, sent: &[u8]) -> Response<Full<Bytes>> {
    let text = route["text"].as_str();
    let (content_type, body) = if let Some(text) = text {
        (
            Some("text/plain; charset=utf-8"),
            Bytes::from(text.to_owned()),
        )
    } else if let Some(base64) = route["base64"].as_str() {
        (None, STANDARD.decode(base64).expect("base64").into())
    } else if route["json"].is_null() && route["echo"].is_null() {
        (None, Bytes::new())
    } else {
        (Some("application/json"), echoed(route, sent).into())
    };
    let status = route["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(status.expect("a status")).expect("a status");
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert("content-type", HeaderValue::from_static(content_type));
    }
    for (name, value) in route["headers"].as_object().unwrap_or(&Map::new()) {
        let name: HeaderName = name.parse().expect("a name");
        headers.insert(
            name,
            value.as_str().expect("text").parse().expect("a value"),
        );
    }
    response
}

/// The JSON of the route. For an echo, the members of the request replace its own.
fn echoed(route: &Value, sent: &[u8]) -> String {
    if route["echo"] != true {
        return route["json"].to_string();
    }
    let mut json = route["json"].as_object().cloned().unwrap_or_default();
    let sent: Value = serde_json::from_slice(sent).expect("a JSON body");
    json.extend(sent.as_object().expect("an object").clone());
    Value::Object(json).to_string()
}
