//! User callbacks that panic. A callback for one item fails that item, and a callback for the batch
//! refuses the batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use tower::{Layer, service_fn};
use tower_multistatus::{Admission, BatchLayer, EnvelopeStatus, RequestBody};

use crate::support::{Reply, batch, failed, gets, problem, recorder, requests, responding, send};

fn panicked(id: &str) -> Value {
    failed(id, 500, "panicked", "the service panicked")
}

#[tokio::test]
async fn a_filter_that_panics_fails_its_item() {
    let layer = BatchLayer::new("/batch").filter(|item| match item.uri.path() {
        "/bad" => panic!("a secret of the filter"),
        _ => Ok::<_, StatusCode>(()),
    });
    let (log, service) = recorder();
    let items = gets(&["/1", "/bad", "/2", "/bad"]);
    let reply = send(layer.layer(service), requests(items)).await;
    assert_eq!(reply.statuses(), [200, 500, 200, 500]);
    assert_eq!(reply.item("1"), panicked("1"));
    assert_eq!(log.uris(), ["/1", "/2"]);
}

/// An extension whose second clone panics.
struct Cloned(Arc<AtomicUsize>);

impl Clone for Cloned {
    fn clone(&self) -> Self {
        assert_ne!(self.0.fetch_add(1, Ordering::SeqCst), 1, "a secret");
        Self(Arc::clone(&self.0))
    }
}

#[tokio::test]
async fn an_extension_that_panics_when_cloned_fails_its_item() {
    let layer = BatchLayer::new("/batch").inherit_extension::<Cloned>();
    let (log, service) = recorder();
    let mut request = requests(gets(&["/0", "/1", "/2"]));
    request.extensions_mut().insert(Cloned(Arc::default()));
    let reply = send(layer.layer(service), request).await;
    assert_eq!(reply.statuses(), [200, 500, 200]);
    assert_eq!(reply.item("1"), panicked("1"));
    assert_eq!(log.uris(), ["/0", "/2"]);
}

#[tokio::test]
async fn a_map_error_that_panics_fails_its_item() {
    let service =
        service_fn(
            async |request: Request<RequestBody<Body>>| match request.uri().path() {
                "/" => Ok(Response::new(Body::from("well"))),
                _ => Err("a secret of the service"),
            },
        );
    let layer = BatchLayer::new("/batch").map_error(|_, _| panic!("a secret of the hook"));
    let reply = send(layer.layer(service), requests(gets(&["/", "/bad", "/"]))).await;
    assert_eq!(reply.statuses(), [200, 500, 200]);
    assert_eq!(reply.item("1"), panicked("1"));
}

async fn refused(layer: BatchLayer) {
    let (log, service) = recorder();
    let reply: Reply = send(layer.layer(service), requests(gets(&["/", "/"]))).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    let title = "the service panicked before the batch ran";
    assert_eq!(reply.json(), problem(500, "panicked", title));
    assert_eq!(log.len(), 0);
}

#[tokio::test]
async fn a_when_or_admit_that_panics_refuses_the_batch() {
    refused(BatchLayer::new("/batch").when(|_| panic!("a secret"))).await;
    let admit = |_: Admission| -> Result<(), StatusCode> { panic!("a secret") };
    refused(BatchLayer::new("/batch").admit(admit)).await;
    let admit = async |_: Admission| -> Result<(), StatusCode> {
        tokio::task::yield_now().await;
        panic!("a secret")
    };
    refused(BatchLayer::new("/batch").admit(admit)).await;
}

#[tokio::test]
async fn a_status_that_panics_is_207_and_no_response_is_lost() {
    let layer = BatchLayer::new("/batch").status(EnvelopeStatus::with(|_| panic!("a secret")));
    let router: Router = responding(201, &[], "well");
    let reply = batch(layer, router, gets(&["/", "/"])).await;
    assert_eq!(reply.status, StatusCode::MULTI_STATUS);
    assert_eq!(reply.statuses(), [201, 201]);
}
