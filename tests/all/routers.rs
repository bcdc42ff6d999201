//! Ways to mount the layer in axum, and the effect on routes, metrics and layers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::NestedPathRejection;
use axum::extract::{MatchedPath, NestedPath, OriginalUri};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::support::{self, Reply, gets, recorder, requests, send};

/// Responds with its extractors: the matched path, the original URI and the nested path.
fn api() -> Router {
    let seen = async |path: MatchedPath,
                      uri: OriginalUri,
                      nested: Result<NestedPath, NestedPathRejection>| {
        let nested = nested.as_ref().ok().map(NestedPath::as_str);
        axum::Json(json!([path.as_str(), uri.0.to_string(), nested]))
    };
    Router::new().route("/users/{id}", get(seen))
}

/// The labels of a metrics layer: the routes of the requests that reach it.
#[derive(Clone, Default)]
struct Labels(Arc<Mutex<Vec<Option<String>>>>);

impl Labels {
    async fn note(self, path: Option<MatchedPath>, request: Request<Body>, next: Next) -> Response {
        let label = path.map(|path| path.as_str().to_owned());
        self.0.lock().expect("the labels").push(label);
        next.run(request).await
    }

    /// Adds the metrics layer to all current routes of the router, and to its fallback.
    fn around(&self, app: Router) -> Router {
        let labels = self.clone();
        let note = move |path: Option<MatchedPath>, request, next| {
            labels.clone().note(path, request, next)
        };
        app.layer(from_fn(note))
    }

    fn take(&self) -> Vec<Option<String>> {
        std::mem::take(&mut *self.0.lock().expect("the labels"))
    }
}

fn labels<const N: usize>(labels: [&str; N]) -> Vec<Option<String>> {
    labels.map(|label| Some(label.to_owned())).to_vec()
}

async fn get_from(app: &Router, path: &str) -> Reply {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    send(app.clone(), request).await
}

async fn batch_to(app: &Router, path: &str, urls: &[&str]) -> Reply {
    let mut request = requests(gets(urls));
    *request.uri_mut() = path.parse().expect("a URI");
    send(app.clone(), request).await
}

#[tokio::test]
async fn a_route_beside_the_api_leaves_ordinary_requests_their_matched_path() {
    let metrics = Labels::default();
    let batch = BatchLayer::new("/batch").layer(api());
    let app = metrics.around(api().route_service("/batch", batch));
    for path in ["/users/1", "/users/2"] {
        let expected = json!(["/users/{id}", path, null]);
        assert_eq!(get_from(&app, path).await.json(), expected);
    }
    assert_eq!(metrics.take(), labels(["/users/{id}", "/users/{id}"]));

    let reply = batch_to(&app, "/batch", &["/users/1", "/x"]).await;
    assert_eq!(reply.statuses(), [200, 404]);
    assert_eq!(
        reply.item("0")["body"],
        json!(["/users/{id}", "/users/1", null])
    );
    assert_eq!(metrics.take(), labels(["/batch"]));
}

#[tokio::test]
async fn behind_a_fallback_a_layer_outside_sees_no_matched_path() {
    let metrics = Labels::default();
    let batch = BatchLayer::new("/batch").layer(api());
    let app = metrics.around(Router::new().fallback_service(batch));
    assert_eq!(get_from(&app, "/users/1").await.status, StatusCode::OK);
    assert_eq!(
        batch_to(&app, "/batch", &["/users/1"]).await.statuses(),
        [200]
    );
    assert_eq!(metrics.take(), [None, None]);
}

#[tokio::test]
async fn a_route_beside_the_api_is_reached_by_batches_only() {
    let (log, service) = recorder();
    let app = api().route_service("/batch", BatchLayer::new("/batch").layer(service));
    for path in ["/users/1", "/x", "/batch/", "/batch/x"] {
        get_from(&app, path).await;
    }
    assert_eq!(log.len(), 0);
    batch_to(&app, "/batch", &["/users/1"]).await;
    // Other methods of the batch path pass through.
    get_from(&app, "/batch").await;
    assert_eq!(log.uris(), ["/users/1", "/batch"]);
}

#[tokio::test]
async fn a_layer_added_before_the_clone_sees_items_and_one_added_after_the_route_does_not() {
    let (inside, outside) = (Labels::default(), Labels::default());
    let api = inside.around(api());
    let batch = BatchLayer::new("/batch").layer(api.clone());
    let app = outside.around(api.route_service("/batch", batch));

    let users = || labels(["/users/{id}"]);
    get_from(&app, "/users/1").await;
    assert_eq!((inside.take(), outside.take()), (users(), users()));
    let reply = batch_to(&app, "/batch", &["/users/1", "/users/2"]).await;
    assert_eq!(reply.statuses(), [200, 200]);
    assert_eq!(inside.take(), labels(["/users/{id}", "/users/{id}"]));
    assert_eq!(outside.take(), labels(["/batch"]));
}

#[tokio::test]
async fn a_route_added_after_the_clone_is_not_found_by_items() {
    let batch = BatchLayer::new("/batch").layer(api());
    let app = api().route_service("/batch", batch);
    let app = app.route("/late", get(async || "late"));
    assert_eq!(get_from(&app, "/late").await.body, "late");
    assert_eq!(batch_to(&app, "/batch", &["/late"]).await.statuses(), [404]);
}

/// The values of the extractors for an item, and for an ordinary request.
async fn seen(app: &Router) -> (Value, Value) {
    let reply = batch_to(app, "/v1/batch", &["/v1/users/1"]).await;
    let ordinary = get_from(app, "/v1/users/1").await.json();
    (reply.item("0")["body"].clone(), ordinary)
}

#[tokio::test]
async fn around_a_nested_router_items_have_the_paths_of_ordinary_requests() {
    let nested: Router = Router::new().nest("/v1", api());
    let batch = BatchLayer::new("/v1/batch").layer(nested.clone());
    let app = nested.route_service("/v1/batch", batch);
    let expected = json!(["/v1/users/{id}", "/v1/users/1", "/v1"]);
    assert_eq!(seen(&app).await, (expected.clone(), expected));
    // URLs are those of clients. Relative URLs are in the folder of the batch path.
    let reply = batch_to(&app, "/v1/batch", &["/v1/users/1", "users/2", "/users/3"]).await;
    assert_eq!(reply.statuses(), [200, 200, 404]);
}

#[tokio::test]
async fn inside_a_nested_service_items_have_the_paths_without_the_prefix() {
    let batch = BatchLayer::new("/batch").mounted_at("/v1").layer(api());
    let app: Router = Router::new().nest_service("/v1", batch);
    let item = json!(["/users/{id}", "/users/1", null]);
    let ordinary = json!(["/v1/users/{id}", "/v1/users/1", "/v1"]);
    assert_eq!(seen(&app).await, (item, ordinary));
}

#[tokio::test]
async fn head_of_a_described_path_has_the_headers_of_get_and_no_body() {
    let described = || BatchLayer::new("/batch").describe(true);
    let ask = async |app: &Router, method: Method| {
        let request = Request::builder().method(method).uri("/batch");
        let request = request.body(Body::empty()).expect("a request");
        let mut reply = send(app.clone(), request).await;
        // The server adds this header.
        reply.headers.remove("date");
        reply
    };
    let beside = api().route_service("/batch", described().layer(api()));
    let around = Router::new().fallback_service(described().exclusive(true).layer(api()));
    for app in [beside, around] {
        let get = ask(&app, Method::GET).await;
        let head = ask(&app, Method::HEAD).await;
        let length = get.body.len().to_string();
        assert_eq!(get.header("content-length"), Some(&*length));
        assert_eq!((head.status, head.headers), (get.status, get.headers));
        assert_eq!(head.body, "");
    }
}

#[tokio::test]
async fn head_of_a_described_path_is_the_same_over_a_connection() {
    let app = api().route_service(
        "/batch",
        BatchLayer::new("/batch").describe(true).layer(api()),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let ask = async |method: &str| {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!("{method} /batch HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("text");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head");
        let lines = head.lines().filter(|line| !line.starts_with("date:"));
        (
            lines.map(str::to_owned).collect::<Vec<_>>(),
            body.to_owned(),
        )
    };
    let (get, body) = ask("GET").await;
    assert_eq!(ask("HEAD").await, (get.clone(), String::new()));
    assert!(get.contains(&format!("content-length: {}", body.len())));
    server.abort();
}

/// The status and body of an item for a user, and of one for the batch path.
async fn reached(app: Router) -> Vec<Value> {
    let reply: Reply = send(app, requests(gets(&["/users/1", "/batch"]))).await;
    let pick = |item: Value| json!([item["status"], item["body"]]);
    reply.items().into_iter().map(pick).collect()
}

#[tokio::test]
async fn a_layer_of_a_router_reaches_one_route_only() {
    let routes = support::api().route("/batch", post(async || "the batch's route"));
    let app = routes.layer(BatchLayer::new("/batch"));
    // Every item, also a GET, ends up in the handler of the batch path.
    let own = json!([200, "the batch's route"]);
    assert_eq!(reached(app).await, [own.clone(), own]);
}

#[tokio::test]
async fn a_layer_around_a_router_reaches_all_of_it() {
    let inner = support::api().route("/batch", get(async || "the batch's route"));
    let all = [json!([200, { "id": 1 }]), json!([200, "the batch's route"])];
    let layer = BatchLayer::new("/batch");
    let fallback = Router::new().fallback_service(layer.layer(inner.clone()));
    assert_eq!(reached(fallback).await, all);
    let route = Router::new().route_service("/batch", layer.layer(inner));
    assert_eq!(reached(route).await, all);
}
