//! Layers that see, check or change requests.

use axum::body::Body;
use axum::http::HeaderValue;
use http::{Request, Response, StatusCode};
use serde_json::json;
use tower::{Layer, ServiceBuilder};
use tower_http::auth::AsyncRequireAuthorizationLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::request_id::{MakeRequestId, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;

use super::{Count, THREE, layer, three_with_header};
use crate::support::{api, gets, recorder, requests, send, with_header};

/// Sends three items through a trace, and returns how many requests it has seen.
async fn traced(is_inside: bool) -> usize {
    let count = Count::default();
    let seen = count.clone();
    let trace = TraceLayer::new_for_http().on_request(move |_: &Request<_>, _: &_| seen.add(()));
    let reply = if is_inside {
        send(layer().layer(api().layer(trace)), requests(gets(&THREE))).await
    } else {
        // Another type of body, so another trace.
        let seen = count.clone();
        let trace =
            TraceLayer::new_for_http().on_request(move |_: &Request<_>, _: &_| seen.add(()));
        send(trace.layer(layer().layer(api())), requests(gets(&THREE))).await
    };
    assert_eq!(reply.statuses(), [200; 3]);
    count.get()
}

pub(super) async fn a_trace_inside_sees_each_item() {
    assert_eq!(traced(true).await, 3);
}

pub(super) async fn a_trace_outside_sees_one_request() {
    assert_eq!(traced(false).await, 1);
}

#[tokio::test]
async fn an_audit_outside_sees_one_request_where_many_run() {
    let (outside, inside) = (Count::default(), Count::default());
    let outer = outside.clone();
    let service = ServiceBuilder::new()
        .map_request(move |request: Request<Body>| outer.add(request))
        .service(layer().layer(inside.inside()));
    send(service, requests(gets(&THREE))).await;
    assert_eq!((outside.get(), inside.get()), (1, 3));
}

/// Accepts requests with the token, except to `/users/3`.
async fn authorized<B, R: Default>(request: Request<B>) -> Result<Request<B>, Response<R>> {
    let token = request.headers().get("authorization");
    let status = if token.is_none_or(|token| token != "Bearer open") {
        StatusCode::UNAUTHORIZED
    } else if request.uri().path() == "/users/3" {
        StatusCode::FORBIDDEN
    } else {
        return Ok(request);
    };
    let mut response = Response::new(R::default());
    *response.status_mut() = status;
    Err(response)
}

pub(super) async fn authorization_inside_checks_each_item() {
    let guard = AsyncRequireAuthorizationLayer::new(authorized::<Body, Body>);
    let service = layer().layer(api().layer(guard));
    let reply = send(service.clone(), requests(gets(&THREE))).await;
    assert_eq!(
        (reply.status, reply.statuses()),
        (StatusCode::MULTI_STATUS, vec![401; 3])
    );
    let request = three_with_header("authorization", "Bearer open");
    let reply = send(service.clone(), request).await;
    assert_eq!(reply.statuses(), [200, 200, 403]);
    // No item can bring its own token.
    let claim = json!([{ "id": "a", "method": "GET", "url": "/users/1",
                         "headers": { "authorization": "Bearer open" } }]);
    assert_eq!(send(service, requests(claim)).await.statuses(), [401]);
}

pub(super) async fn authorization_outside_refuses_early_but_sees_no_item() {
    let count = Count::default();
    let guard = AsyncRequireAuthorizationLayer::new(authorized);
    let service = guard.layer(layer().layer(count.inside()));
    let reply = send(service.clone(), requests(gets(&THREE))).await;
    assert_eq!((reply.status, count.get()), (StatusCode::UNAUTHORIZED, 0));
    // The third item should be forbidden: permissions have to be checked inside.
    let reply = send(service, three_with_header("authorization", "Bearer open")).await;
    assert_eq!(reply.statuses(), [200; 3]);
}

/// A batch of a GET and a POST from another site.
fn cross_site() -> Request<Body> {
    let items = json!([{ "id": "a", "method": "GET", "url": "/users/1" },
                       { "id": "b", "method": "POST", "url": "/echo" }]);
    with_header(requests(items), "sec-fetch-site", "cross-site")
}

pub(super) async fn csrf_inside_fails_items_that_are_not_safe() {
    let service = layer().layer(api().layer(CsrfLayer::new()));
    assert_eq!(send(service, cross_site()).await.statuses(), [200, 403]);
}

pub(super) async fn csrf_outside_refuses_the_batch() {
    let count = Count::default();
    let service = CsrfLayer::new().layer(layer().layer(count.inside()));
    let reply = send(service.clone(), cross_site()).await;
    assert_eq!((reply.status, count.get()), (StatusCode::FORBIDDEN, 0));
    let same_site = three_with_header("sec-fetch-site", "same-origin");
    assert_eq!(send(service, same_site).await.statuses(), [200; 3]);
}

/// Makes the ids `1`, `2` and so on.
#[derive(Clone, Default)]
struct Counted(Count);

impl MakeRequestId for Counted {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        self.0.add(());
        let id = HeaderValue::try_from(self.0.get().to_string()).ok()?;
        Some(RequestId::new(id))
    }
}

/// The layer that sets ids, in the header `x-request-id`.
fn set_ids() -> SetRequestIdLayer<Counted> {
    SetRequestIdLayer::x_request_id(Counted::default())
}

pub(super) async fn a_request_id_inside_is_one_for_each_item() {
    let (log, inner) = recorder();
    let service = layer().concurrency(1).layer(set_ids().layer(inner));
    send(service.clone(), requests(gets(&THREE))).await;
    // The id of the batch reaches all of its items.
    send(service, three_with_header("x-request-id", "of-the-batch")).await;
    let ids: Vec<_> = log
        .all()
        .iter()
        .map(|one| one.header("x-request-id").concat())
        .collect();
    assert_eq!(ids[..3], ["1", "2", "3"]);
    assert_eq!(ids[3..], ["of-the-batch"; 3]);
}

pub(super) async fn a_request_id_outside_is_one_for_all_items() {
    for (layer, expected) in [
        (layer(), ["1", "1", "1"]),
        (
            layer().item_request_ids("x-request-id"),
            ["1:0", "1:1", "1:2"],
        ),
    ] {
        let (log, inner) = recorder();
        let service = set_ids().layer(layer.concurrency(1).layer(inner));
        send(service, requests(gets(&THREE))).await;
        let ids: Vec<_> = log
            .all()
            .iter()
            .map(|one| one.header("x-request-id").concat())
            .collect();
        assert_eq!(ids, expected);
    }
}

pub(super) async fn a_normalized_path_inside_is_that_of_an_item() {
    let (log, inner) = recorder();
    let service = layer().layer(NormalizePathLayer::trim_trailing_slash().layer(inner));
    send(service, requests(gets(&["/users/1/"]))).await;
    assert_eq!(log.uris(), ["/users/1"]);
}

pub(super) async fn a_normalized_path_outside_is_that_of_the_batch() {
    let (log, inner) = recorder();
    let service = NormalizePathLayer::trim_trailing_slash().layer(layer().layer(inner));
    let mut request = requests(gets(&["/users/1/"]));
    *request.uri_mut() = "/batch/".parse().expect("a URI");
    assert_eq!(send(service, request).await.statuses(), [200]);
    assert_eq!(log.uris(), ["/users/1/"]);
}
