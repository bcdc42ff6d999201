//! Incomplete uploads, and how they are reported.

use std::io;
use std::time::Duration;

use axum::body::Body;
use futures_util::{StreamExt, stream};
use http::Request;
use http_body_util::Limited;
use serde_json::{Value, json};
use tower::{BoxError, Layer, ServiceBuilder};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutError};
use tower_multistatus::BatchLayer;

use crate::support::{Reply, envelope, problem, recorder, send};

const ITEM: &str = r#"{"requests":[{"id":"a","method":"GET","url":"/"}"#;

/// A body that breaks off with this error.
fn breaking(error: impl Into<BoxError>) -> Body {
    Body::from_stream(stream::iter([Ok(ITEM), Err(error.into())]))
}

async fn assert_refused(body: Body, expected: Value) {
    let (log, service) = recorder();
    let reply = send(BatchLayer::new("/batch").layer(service), envelope(body)).await;
    assert_is(&reply, expected);
    assert_eq!(log.len(), 0);
}

fn assert_is(reply: &Reply, expected: Value) {
    assert_eq!(reply.json(), expected);
    assert_eq!(reply.status.as_u16(), expected["status"]);
}

fn timed_out() -> Value {
    problem(
        408,
        "upload-timeout",
        "the upload of the envelope timed out",
    )
}

fn too_large() -> Value {
    problem(413, "envelope-too-large", "the envelope is too large")
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_not_reported_as_malformed() {
    let failed = || problem(400, "upload-failed", "the upload of the envelope failed");
    assert_refused(breaking("reset"), failed()).await;
    let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
    assert_refused(breaking(reset()), failed()).await;
    assert_refused(breaking(io::Error::other(reset())), failed()).await;
}

#[tokio::test]
async fn an_upload_that_times_out_is_408_however_its_error_is_wrapped() {
    let timeout = || io::Error::from(io::ErrorKind::TimedOut);
    assert_refused(breaking(timeout()), timed_out()).await;
    let wrapped = io::Error::other(io::Error::other(timeout()));
    assert_refused(breaking(wrapped), timed_out()).await;
    let wrapped = axum::Error::new(axum::Error::new(timeout()));
    assert_refused(breaking(wrapped), timed_out()).await;
}

#[tokio::test]
async fn a_limit_outside_is_not_reported_as_the_limit_of_the_layer() {
    let limited = || Limited::new(Body::from(ITEM.repeat(9)), 20);
    assert_refused(Body::new(limited()), too_large()).await;
    let stream = Body::new(limited()).into_data_stream();
    let wrapped = stream.map(|chunk| chunk.map_err(io::Error::other));
    assert_refused(Body::from_stream(wrapped), too_large()).await;
    let (_, service) = recorder();
    let service = ServiceBuilder::new()
        .layer(RequestBodyLimitLayer::new(20))
        .layer(MapRequestBodyLayer::new(Body::new))
        .layer(BatchLayer::new("/batch"))
        .service(service);
    assert_is(&send(service, envelope(ITEM.repeat(9))).await, too_large());
    let own = BatchLayer::new("/batch").max_envelope_bytes(20);
    let reply = send(own.layer(recorder().1), envelope(ITEM.repeat(9))).await;
    let mut expected = too_large();
    expected["limit"] = json!("max_envelope_bytes");
    expected["max"] = json!(20);
    assert_is(&reply, expected);
}

/// The mapping in the docs of `ErrorKind::UploadTimeout`.
fn as_timed_out(error: BoxError) -> BoxError {
    if error.is::<TimeoutError>() {
        io::Error::new(io::ErrorKind::TimedOut, error).into()
    } else {
        error
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_timeout_of_tower_http_outside_is_408_if_its_error_is_mapped() {
    let request = || -> Request<Body> {
        let stuck = stream::iter([Ok::<_, BoxError>(ITEM)]).chain(stream::pending());
        envelope(Body::from_stream(stuck))
    };
    let says = |is_mapped: bool| async move {
        let map = MapRequestBodyLayer::new(move |body| {
            let body = http_body_util::BodyExt::map_err(body, move |error| {
                if is_mapped {
                    as_timed_out(error)
                } else {
                    error
                }
            });
            Body::new(body)
        });
        let service = ServiceBuilder::new()
            .layer(RequestBodyTimeoutLayer::new(Duration::from_secs(1)))
            .layer(map)
            .layer(BatchLayer::new("/batch"))
            .service(recorder().1);
        send(service, request()).await
    };
    assert_is(&says(true).await, timed_out());
    assert_eq!(says(false).await.code(), "upload-failed");
}
