//! The client half: `BatchClientLayer`.

mod batching;
mod cancellation;
mod dialects;
mod entries;
mod extensions;
mod faulty;
mod grouping;
mod hostile;
mod items;
mod leading;
mod random;
mod round_trips;
mod services;
mod settings;
mod verdicts;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_multistatus::{
    BatchClient, BatchClientError, BatchClientErrorKind, BatchClientLayer, BatchLayer, Batched,
    ClientBody,
};

use crate::support::{Reply, read};

/// The inner client: a connection to a server.
type Connection = BoxCloneSyncService<Request<ClientBody>, Response<Body>, BoxError>;

/// A request that the inner client has sent.
#[derive(Clone, Debug)]
struct Sent {
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Sent {
    fn is_batch(&self) -> bool {
        self.method == Method::POST && self.uri.ends_with("/batch")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }

    /// The items of a batch in JSON.
    fn items(&self) -> Vec<Value> {
        let envelope: Value = serde_json::from_slice(&self.body).expect("JSON");
        envelope["requests"].as_array().expect("requests").clone()
    }

    /// The ids of these items.
    fn ids(&self) -> Vec<String> {
        let ids = self.items();
        let ids = ids
            .iter()
            .map(|item| item["id"].as_str().expect("an id").to_owned());
        ids.collect()
    }
}

/// What the inner client has sent, in order.
#[derive(Clone, Debug, Default)]
struct Wire(Arc<Mutex<Vec<Sent>>>);

impl Wire {
    fn all(&self) -> Vec<Sent> {
        self.0.lock().expect("the wire").clone()
    }

    /// The method and the path of each request.
    fn lines(&self) -> Vec<String> {
        let all = self.all();
        all.iter()
            .map(|sent| format!("{} {}", sent.method, sent.uri))
            .collect()
    }

    fn only(&self) -> Sent {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// A connection to a server that responds with the result of the function.
    fn to<F, R>(&self, respond: F) -> Connection
    where
        F: Fn(Sent) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
    {
        let wire = self.clone();
        BoxCloneSyncService::new(service_fn(move |request: Request<ClientBody>| {
            let (wire, respond) = (wire.clone(), respond.clone());
            async move {
                let (parts, body) = request.into_parts();
                let sent = Sent {
                    method: parts.method,
                    uri: parts.uri.to_string(),
                    headers: parts.headers,
                    body: body.collect().await?.to_bytes(),
                };
                wire.0.lock().expect("the wire").push(sent.clone());
                respond(sent).await
            }
        }))
    }

    /// A connection to a server with this batch endpoint in front of these routes.
    fn to_server(&self, layer: BatchLayer, api: Router) -> Connection {
        let server = layer.layer(api);
        self.to(move |sent| {
            let server = server.clone();
            async move {
                let mut request = Request::new(Body::from(sent.body));
                *request.method_mut() = sent.method;
                *request.uri_mut() = sent.uri.parse()?;
                *request.headers_mut() = sent.headers;
                Ok(server.oneshot(request).await?.map(Body::new))
            }
        })
    }
}

fn layer() -> BatchClientLayer {
    BatchClientLayer::new("/batch")
}

fn request(method: Method, path: &str) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().expect("a path");
    request
}

fn get(path: &str) -> Request<Body> {
    request(Method::GET, path)
}

fn post(path: &str, body: &'static str) -> Request<Body> {
    let mut request = request(Method::POST, path).map(|_| Body::from(body));
    let json = http::HeaderValue::from_static("application/json");
    request.headers_mut().insert("content-type", json);
    request
}

type Outcome = Result<Reply, BatchClientErrorKind>;

/// Makes one request.
async fn fetch(client: &BatchClient<Body>, request: Request<Body>) -> Outcome {
    let response: Result<_, BatchClientError> = client.clone().oneshot(request).await;
    Ok(read(response.map_err(|error| error.kind())?).await)
}

/// Makes these requests at the same time.
async fn fetch_all(
    client: &BatchClient<Body>,
    requests: impl IntoIterator<Item = Request<Body>>,
) -> Vec<Outcome> {
    join_all(requests.into_iter().map(|request| fetch(client, request))).await
}

/// The status and the text of each response, or the kind of the error.
fn shown(outcomes: &[Outcome]) -> Vec<String> {
    let shown = outcomes.iter().map(|outcome| match outcome {
        Ok(reply) => {
            let text = String::from_utf8_lossy(&reply.body);
            format!("{} {text}", reply.status.as_u16())
        }
        Err(kind) => format!("{kind:?}"),
    });
    shown.collect()
}

/// The number of requests in the batch of each response. `None` for those that were sent alone.
async fn sizes(
    client: &BatchClient<Body>,
    requests: impl IntoIterator<Item = Request<Body>>,
) -> Vec<Option<usize>> {
    let sizes = requests.into_iter().map(|request| async {
        let response = client.clone().oneshot(request).await.expect("a response");
        response.extensions().get().map(Batched::size)
    });
    join_all(sizes).await
}

/// A server whose responses have the path of the request as text. It counts the items that run.
fn echo() -> Router {
    Router::new().fallback(async |request: Request<Body>| request.uri().to_string())
}

/// A response of the server, with JSON.
fn json_response(status: u16, body: impl Into<Body>) -> Result<Response<Body>, BoxError> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status)?;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    Ok(response)
}

/// The response of a server to a batch, whose items have the path of the request as text.
fn echoed(sent: &Sent) -> Vec<Value> {
    let response = |item: &Value| {
        json!({ "id": item["id"], "status": 200,
                "headers": { "Content-Type": "text/plain" }, "body": item["url"] })
    };
    sent.items().iter().map(response).collect()
}

/// The response with these items.
fn responses(items: &[Value]) -> Result<Response<Body>, BoxError> {
    json_response(207, json!({ "responses": items }).to_string())
}

/// A client of a server that accepts large batches, and echoes paths.
fn client(layer: BatchClientLayer) -> (Wire, BatchClient<Body>) {
    let wire = Wire::default();
    let server = BatchLayer::new("/batch").max_items(1000);
    let client = layer.layer(wire.to_server(server, echo()));
    (wire, client)
}
