//! The deadline holds before any item runs, while an upload or `admit` spends the budget of its
//! task.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use tokio::time::Instant;
use tower::Layer;
use tower_multistatus::BatchLayer;

use crate::busy_tasks::{Endless, busy, seconds, spin};
use crate::support::{envelope, gets, requests, send};

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_always_ready_ends_by_the_deadline() {
    for spends_budget in [false, true] {
        for frame in ["", " "] {
            let layer = BatchLayer::new("/batch").batch_timeout(seconds(5));
            let upload = Body::new(Endless::new(frame, spends_budget));
            let begun = Instant::now();
            let reply = send(layer.layer(busy()), envelope(upload)).await;
            assert_eq!(begun.elapsed().as_secs(), 5);
            assert_eq!(reply.code(), "upload-timeout");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_ends_by_its_deadline_if_nothing_arrives_or_is_decided_and_the_budget_is_spent() {
    let layer = BatchLayer::new("/batch").batch_timeout(seconds(5));
    let silent = stream::once(async {
        spin().await;
        Ok::<_, Infallible>(Bytes::new())
    });
    let undecided = layer.clone().admit(async |_| {
        spin().await;
        Ok::<_, StatusCode>(())
    });
    for (layer, request, code) in [
        (layer, envelope(Body::from_stream(silent)), "upload-timeout"),
        (undecided, requests(gets(&["/"])), "admission-timeout"),
    ] {
        let begun = Instant::now();
        let reply = send(layer.layer(busy()), request).await;
        assert_eq!((begun.elapsed().as_secs(), &*reply.code()), (5, code));
    }
}
