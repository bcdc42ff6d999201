//! Faults of the inner service are events of the level `warn`.

use std::error::Error;
use std::fmt;

use axum::body::Body;
use http::{Request, Response};
use tower::{Layer, service_fn};
use tower_multistatus::{BatchLayer, RequestBody};
use tracing::Level;

use super::events::{events_of, failed};
use super::recording::Recording;
use crate::probe::{Clones, Probe};
use crate::support::{gets, requests, responding, send};

#[tokio::test]
async fn an_unready_service_and_an_invalid_response_are_warnings() {
    let (recording, _guard) = Recording::start();
    let item = || requests(gets(&["/ok"]));
    let layer = || BatchLayer::new("/batch");
    send(layer().layer(Probe::with_clones(Clones::Fail).1), item()).await;
    send(layer().layer(responding(100, &[], "")), item()).await;
    let warned = |code, status, error| failed(Level::WARN, "0", code, status, error);
    assert_eq!(
        recording.events(),
        [
            warned("not-ready", "503", Some("a secret of the inner service")),
            warned("not-final", "502", None),
        ]
    );
    let cut = events_of(layer(), requests(gets(&["/cut-body"]))).await;
    assert_eq!(cut, [warned("response-broken", "502", None)]);
}

/// An error that is its own source.
#[derive(Debug)]
struct Circle;

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("o")
    }
}

impl Error for Circle {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Circle)
    }
}

#[tokio::test]
async fn at_most_16_sources_of_an_error_are_logged() {
    let (recording, _guard) = Recording::start();
    let service =
        service_fn(async |_: Request<RequestBody<Body>>| Err::<Response<Body>, _>(Circle));
    let service = BatchLayer::new("/batch").layer(service);
    send(service, requests(gets(&["/"]))).await;
    let reported = ["o"; 16].join(": ");
    let expected = failed(Level::WARN, "0", "call-failed", "500", Some(&reported));
    assert_eq!(recording.events(), [expected]);
}
